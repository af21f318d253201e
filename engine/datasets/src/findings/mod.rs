//! What is odd about rows: duplicates exact and near, leakage, languages.
