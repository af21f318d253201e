//! GGUF files: a bounded reader of headers, and their weights under Hugging Face names.

mod metadata;

pub use metadata::{Metadata, NumberKind, Numbers, Value};
