//! The desktop.
pub struct Desktop;
