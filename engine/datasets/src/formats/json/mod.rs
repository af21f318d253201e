//! JSON as rows need it: checked and made canonical in one pass, with the place of every field.

mod canon;
mod columns;
mod document;
mod faults;
mod lines;
mod shape;
mod stream;
mod value;

pub use canon::Field;
pub(crate) use canon::{Fault, FaultKind, canonical, push_string};
pub(super) use columns::ObjectOfColumns;
pub(super) use document::Document;
pub(super) use faults::reason;
pub(super) use lines::{JsonLines, read};
pub(crate) use value::number;
pub use value::parse;
