//! Writing text with a model: the decode loop, beam search, the passes that jobs share, stop rules, the sampler,
//! replies that follow a schema, and the sequences kept to make going on cheap.

pub mod batch;
mod beam;
pub mod decode;
pub mod prompt;
pub mod reuse;
pub mod sampler;
pub mod schema;
pub mod score;
pub mod stop;
