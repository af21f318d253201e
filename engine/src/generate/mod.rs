//! Writing text with a model: the decode loop, its stop rules, the sampler, and the caches that make going on cheap.

pub mod decode;
pub mod prompt;
pub mod reuse;
pub mod sampler;
pub mod stop;
