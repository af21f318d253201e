//! Looking at a pass while it runs, and changing what passes: slices of one sequence's rows, at named places.

use glassworks_kernels::attention::Qkv;

/// What adds to the residual stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sublayer {
    Attention,
    Mlp,
}

/// An onlooker of one sequence's pass, which may write where it is given room to. It is told in the order of the pass;
/// T rows each.
pub trait Watch {
    /// `[T, D]`: the residual stream before layer `layer`; with `layer` L, before the final norm.
    fn residual(&mut self, layer: usize, x: &mut [f32]) {
        let _unused = (layer, x);
    }

    /// Queries `[T, H, E]`, keys and values `[T, K, E]` of this pass, after their norms and positions; and what the heads
    /// made of them, side by side: `[T, H·E]`, before the output projection mixes it. Switching a head off is done here,
    /// where slices are heads.
    fn heads(&mut self, layer: usize, qkv: Qkv<'_>, heads: &mut [f32]) {
        let _unused = (layer, qkv, heads);
    }

    /// `[T, D]`: what a sublayer is about to add to the residual stream, after its norm if it has one.
    fn added(&mut self, layer: usize, by: Sublayer, x: &mut [f32]) {
        let _unused = (layer, by, x);
    }
}
