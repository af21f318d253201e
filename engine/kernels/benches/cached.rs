//! GB/s of keys and values that attention of one new position reads, per number of sequences, their length, width of the
//! cache and instruction set. `cargo bench -p glassworks-kernels --bench cached [-- isa]`; `RAYON_NUM_THREADS` sets the
//! threads.
//!
//! Heads are those of SmolLM2-135M, in as many layers as it has: together more than a cache of the processor holds.
#![expect(clippy::print_stdout, reason = "a table for a person")]

use std::time::Instant;

use glassworks_kernels::attention::{
    AttentionShape, BlockCache, CachePrecision, CacheShape, Rows, Span, cached,
};
use glassworks_kernels::dispatch::{self, Isa};
use glassworks_kernels::pool;

const LAYERS: usize = 30;
const SHAPE: AttentionShape = AttentionShape {
    n_heads: 9,
    n_kv_heads: 3,
    head_width: 64,
    scale: 0.125,
    causal: true,
    window: None,
    soft_cap: None,
};

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 % 1000) as f32 - 500.0) / 500.0).collect()
}

/// A cache of `n` positions and room for one more, which is written but not counted.
fn cache(n: usize, precision: CachePrecision) -> BlockCache {
    let (n_kv_heads, head_width) = (SHAPE.n_kv_heads, SHAPE.head_width);
    let mut cache = BlockCache::new(CacheShape { n_layers: LAYERS, n_kv_heads, head_width, precision });
    let width = SHAPE.kv_width();
    let rows = values((n + 1) * width);
    for t in [n, 1] {
        cache.reserve(t);
        for layer in 0..LAYERS {
            cache.write(layer, Rows::new(&rows, width), Rows::new(&rows, width), t);
        }
        if t == n {
            cache.advance(n);
        }
    }
    cache
}

fn main() {
    let only: Option<Isa> = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    println!("{} threads, GB/s", pool::threads());
    for precision in [CachePrecision::F32, CachePrecision::Int8] {
        for (n_sequences, len) in [(1, 512), (1, 4096), (4, 1024), (8, 576)] {
            let caches: Vec<BlockCache> = (0..n_sequences).map(|_| cache(len, precision)).collect();
            let q = values(n_sequences * SHAPE.q_width());
            let mut out = vec![0.0; q.len()];
            let number = if precision == CachePrecision::F32 { 4 } else { 1 };
            let bytes = number * 2 * SHAPE.kv_width() * len * n_sequences * LAYERS;
            print!("{precision:?} {n_sequences} × {len}");
            for isa in Isa::available().filter(|isa| only.is_none_or(|only| only == *isa)) {
                dispatch::set_cap(isa);
                let spans: Vec<Span<'_>> =
                    caches.iter().enumerate().map(|(i, cache)| Span { cache, rows: i..i + 1 }).collect();
                let mut least = f64::MAX;
                for _ in 0..20 {
                    let at = Instant::now();
                    pool::at_hand(|| {
                        for layer in 0..LAYERS {
                            cached(&SHAPE, layer, Rows::new(&q, SHAPE.q_width()), &spans, &mut out);
                        }
                    });
                    least = least.min(at.elapsed().as_secs_f64());
                }
                print!("  {isa}: {:.1}", bytes as f64 / least / 1e9);
            }
            println!();
        }
    }
}
