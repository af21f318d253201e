//! What goes along the residual stream at one position, part by part; and the stream itself, where a capture has not kept
//! it.

use crate::infer::watch::{Sublayer, Watch};
use glassworks_kernels::attention::Qkv;
use std::ops::Range;
use std::sync::Arc;

/// Everything that is added to the stream at one position, by layer.
pub struct Components {
    position: usize,
    width: usize,
    /// `[D]`: the embedding.
    pub embedding: Vec<f32>,
    /// `[D]`: what the final norm gets.
    pub last: Vec<f32>,
    /// `[H·E]`: what heads made, before the output projection.
    pub heads: Vec<Vec<f32>>,
    /// `[D]` each
    pub attention: Vec<Vec<f32>>,
    pub mlps: Vec<Vec<f32>>,
    n_tokens: usize,
}

impl Components {
    /// At `position` of `n_tokens`; `width`: D.
    pub fn at(position: usize, n_tokens: usize, width: usize) -> Self {
        let none = Vec::new;
        Self {
            position,
            width,
            embedding: none(),
            last: none(),
            heads: Vec::new(),
            attention: Vec::new(),
            mlps: Vec::new(),
            n_tokens,
        }
    }
}

impl Watch for Components {
    fn residual(&mut self, layer: usize, x: &mut [f32]) {
        let row = row(x, self.position, self.width).to_vec();
        if layer == 0 {
            self.embedding.clone_from(&row);
        }
        self.last = row;
    }

    fn heads(&mut self, _: usize, _: Qkv<'_>, heads: &mut [f32]) {
        self.heads.push(row(heads, self.position, heads.len() / self.n_tokens).to_vec());
    }

    fn added(&mut self, _: usize, by: Sublayer, x: &mut [f32]) {
        let row = row(x, self.position, self.width).to_vec();
        match by {
            Sublayer::Attention => self.attention.push(row),
            Sublayer::Mlp => self.mlps.push(row),
        }
    }
}

fn row(x: &[f32], at: usize, width: usize) -> &[f32] {
    &x[at * width..(at + 1) * width]
}

/// The stream at some positions: `[n, D]` before each layer and at the end.
pub struct Stream {
    pub positions: Range<usize>,
    pub width: usize,
    pub layers: Vec<Arc<Vec<f32>>>,
}

impl Watch for Stream {
    fn residual(&mut self, _: usize, x: &mut [f32]) {
        let Range { start, end } = self.positions;
        self.layers.push(Arc::new(x[start * self.width..end * self.width].to_vec()));
    }
}

/// Values of one layer's keys: `[T, K, E]`.
pub struct LayerValues {
    pub layer: usize,
    /// K·E
    pub width: usize,
    pub n_tokens: usize,
    pub values: Vec<f32>,
}

impl Watch for LayerValues {
    fn heads(&mut self, layer: usize, qkv: Qkv<'_>, _: &mut [f32]) {
        if layer == self.layer {
            let rows = qkv.v.values.chunks(qkv.v.stride).take(self.n_tokens);
            self.values = rows.flat_map(|row| &row[..self.width]).copied().collect();
        }
    }
}
