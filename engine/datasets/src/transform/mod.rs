//! Changes to many rows: cleaning, privacy, splitting, augmentation.
