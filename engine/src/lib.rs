//! The Glassworks engine: models, generation, storage, behind one protocol.

pub mod inspect;
pub mod models;
pub mod nn;
pub mod shelf;
