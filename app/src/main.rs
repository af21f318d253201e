//! The Glassworks program.
fn main() {}
