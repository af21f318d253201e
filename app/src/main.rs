//! The Glassworks program: reads arguments and environment, then opens the window or does what was asked.

mod cli;
mod logging;
mod paths;
mod starter;
mod window;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(paths::arguments(), paths::language())
}
