//! What a model writes, as a page: parsed into blocks ([`parse`]) and drawn ([`show`]). Nothing is fetched or run.

mod parse;
mod show;

pub use parse::{Block, Inline, parse};
pub use show::show;
