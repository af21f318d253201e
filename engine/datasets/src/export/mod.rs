//! Rows into files: JSON lines, tables, Parquet, the layout of `datasets`.
