//! What a pass cannot do without: operations when reading, bytes when writing.

use crate::infer::Sequence;
use crate::models::{CausalLm, is_head};
use glassworks_protocol::model::CacheWidth;

/// A model, as far as its passes cost.
pub struct Cost {
    /// Weights of all linear maps but the unembedding.
    n_weights: u64,
    n_unembedding: u64,
    /// Of all linear maps, as they are stored.
    weight_bytes: u64,
    /// A position's keys and values in one layer.
    cache_bytes: f64,
    /// H·E: what a query is wide.
    query_width: u64,
    /// Of each layer, where it has one: positions further back are not looked at.
    windows: Vec<Option<usize>>,
}

impl Cost {
    #[must_use]
    pub fn of(model: &dyn CausalLm) -> Self {
        let shape = model.shape();
        let (mut n_weights, mut n_unembedding, mut weight_bytes) = (0, 0, 0);
        model.linears(&mut |name, linear| {
            let (n_out, n_in) = linear.weight().dims();
            let n = (n_out * n_in) as u64;
            *(if is_head(name) { &mut n_unembedding } else { &mut n_weights }) += n;
            weight_bytes += linear.weight().size_bytes();
        });
        let context = shape.context_length.max(1);
        let all_layers = Sequence::bytes_for(shape, context, CacheWidth::Full) as f64 / context as f64;
        Self {
            n_weights,
            n_unembedding,
            weight_bytes,
            cache_bytes: all_layers / shape.n_layers.max(1) as f64,
            query_width: (shape.n_heads * shape.head_width) as u64,
            windows: model.parts().blocks.iter().map(|block| block.attention.window).collect(),
        }
    }

    /// Floating-point operations of reading `n` tokens from the beginning, to the logits of the last: products with
    /// the weights, queries with the keys they see, and those weights with the values. What else there is is little.
    #[must_use]
    pub fn prefill_flops(&self, n: usize) -> f64 {
        let seen: u64 = self.windows.iter().map(|window| pairs(n as u64, *window)).sum();
        let products = self.n_weights * n as u64 + self.n_unembedding + 2 * self.query_width * seen;
        2.0 * products as f64
    }

    /// Bytes that one more token of each of `batch` sequences takes from memory, each after `context` positions: the
    /// weights once, every sequence's keys and values.
    #[must_use]
    pub fn decode_bytes(&self, batch: usize, context: usize) -> f64 {
        let seen: usize = self.windows.iter().map(|window| window.map_or(context, |w| w.min(context))).sum();
        self.weight_bytes as f64 + batch as f64 * seen as f64 * self.cache_bytes
    }
}

/// Pairs of a query and a key it sees: n·(n + 1)/2, less what lies outside the window.
fn pairs(n: u64, window: Option<usize>) -> u64 {
    let out = n.saturating_sub(window.map_or(n, |w| w as u64));
    n * (n + 1) / 2 - out * (out + 1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_those_a_causal_mask_leaves() {
        for n in 0..9u64 {
            for window in [None, Some(1), Some(3), Some(20)] {
                let sees = |p: u64| window.map_or(p + 1, |w: usize| (p + 1).min(w as u64));
                assert_eq!(pairs(n, window), (0..n).map(sees).sum::<u64>(), "{n} {window:?}");
            }
        }
    }
}
