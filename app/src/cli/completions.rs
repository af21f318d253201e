//! `glassworks completions <shell>`: writes the shell's completion script to standard output.

use super::help;
use super::out::{Out, Stop};
use clap_complete::Shell;
use glassworks_protocol::text::Language;

pub fn run(language: Language, shell: Shell) -> Result<(), Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut help::localised(language), "glassworks", &mut script);
    Out::new().text(&String::from_utf8_lossy(&script))
}
