//! What a model writes, as a page: parsed into blocks ([`parse`]) and drawn ([`show`]). Nothing is fetched or run.

mod parse;
mod show;

pub use parse::{Block, parse};
pub use show::{Asked, show, show_quiet};
