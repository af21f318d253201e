//! What a language model computes on a CPU, forward and backward: matrix products, norms, rotary positions,
//! activations, attention, the loss and the optimizer's step. Slices in, slices out; no tensors, no tape.
//!
//! Every kernel has a plain scalar reference and runs on the widest instruction set the machine has
//! (`dispatch`), in one pool of threads (`pool`). Results never depend on the number of threads.
//!
//! Shapes: M rows, N out, K in; B batch, T queries, S keys, H heads, E head width, F mlp, V vocabulary, D width.

pub mod activation;
pub mod affine;
pub mod arena;
pub mod attention;
pub mod dispatch;
pub mod dropout;
pub mod embedding;
pub mod loss;
pub mod matmul;
pub mod norm;
pub mod optim;
pub mod pool;
pub mod quant;
pub mod rope;
pub mod slab;
pub mod softmax;
pub mod spread;
pub mod weight;

#[cfg(test)]
mod check;
mod crew;
mod lanes;
mod split;
