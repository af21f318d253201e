//! Products with quantised and half-width weights: GB/s of weights for few rows, GOP/s for many, per type, precision
//! and instruction set. `cargo bench -p glassworks-kernels --bench quant [-- [type] [isa]]`; `RAYON_NUM_THREADS` says
//! how many threads.
//!
//! Weights are those of one token of SmolLM2-135M's layers, as many different ones as do not fit into a cache.
#![expect(clippy::print_stdout, reason = "a table for a person")]

use std::time::Instant;

use glassworks_kernels::dispatch::{self, Isa, Precision};
use glassworks_kernels::matmul::{Part, linears, linears_apart};
use glassworks_kernels::pool;
use glassworks_kernels::quant::{QuantType, Quantised};
use glassworks_kernels::weight::{Values, Weight};
use half::bf16;

/// Groups of matrices that share an input: (outputs…, inputs).
const LAYER: [(&[usize], usize); 4] =
    [(&[576, 192, 192], 576), (&[576], 576), (&[1536, 1536], 576), (&[576], 1536)];
const LAYER_K: [(&[usize], usize); 4] =
    [(&[2048, 512, 512], 2048), (&[2048], 2048), (&[5632, 5632], 2048), (&[2048], 5632)];

enum Matrix {
    Quantised(Quantised),
    Halves(Vec<bf16>, usize, usize),
}

impl Matrix {
    fn weight(&self) -> Weight<'_> {
        match self {
            Self::Quantised(q) => Weight::new(q.n_out(), q.n_in(), Values::Quantised(q, 0)),
            Self::Halves(v, n, k) => Weight::new(*n, *k, Values::Bf16(v)),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Quantised(q) => q.size_bytes(),
            Self::Halves(v, ..) => 2 * v.len(),
        }
    }
}

fn matrix(quant_type: Option<QuantType>, n: usize, k: usize) -> Matrix {
    let Some(quant_type) = quant_type else { return Matrix::Halves(vec![bf16::from_f32(0.01); n * k], n, k) };
    let (elements, bytes) = quant_type.block();
    let blocks: Vec<u8> = (0..n * k / elements * bytes).map(|i| (i * 37 % 0x30) as u8).collect();
    Matrix::Quantised(Quantised::repack(quant_type, n, k, &blocks))
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let wanted = |word: &str| args.is_empty() || args.iter().any(|arg| arg == word);
    let threads = pool::threads();
    println!("{threads} threads");
    let types = QuantType::ALL.map(Some).into_iter().chain([None]);
    for quant_type in types {
        let name = quant_type.map_or("Bf16".to_owned(), |t| format!("{t:?}"));
        let of_type = |arg: &String| QuantType::ALL.iter().any(|t| format!("{t:?}") == *arg) || arg == "Bf16";
        if args.iter().any(of_type) && !wanted(&name) {
            continue;
        }
        let shapes = if quant_type.is_some_and(|t| t.block().0 == 256) { LAYER_K } else { LAYER };
        let weights: usize = shapes.iter().map(|(ns, k)| ns.iter().sum::<usize>() * k).sum();
        let layers = (120_000_000 / weights).max(2);
        let layers: Vec<Vec<Vec<Matrix>>> = (0..layers)
            .map(|_| {
                shapes.iter().map(|(ns, k)| ns.iter().map(|n| matrix(quant_type, *n, *k)).collect()).collect()
            })
            .collect();
        let bytes: usize = layers.iter().flatten().flatten().map(Matrix::bytes).sum();
        for isa in Isa::available().filter(|isa| *isa > Isa::Scalar) {
            if args.iter().any(|arg| arg.parse::<Isa>().is_ok()) && !wanted(isa.name()) {
                continue;
            }
            dispatch::set_cap(isa);
            for precision in [Precision::Fast, Precision::Exact] {
                print!("{name:5} {isa:7} {precision:?}");
                for m in [1, 4, 8, 16, 128, 512] {
                    let mut rows: Vec<Rows> = shapes.iter().map(|(ns, k)| Rows::new(m, ns, *k)).collect();
                    let seconds = best(|| {
                        pool::at_hand(|| {
                            // Many rows are the same for all layers.
                            for layer in layers.iter().take(if m > 16 { 4 } else { usize::MAX }) {
                                for (group, rows) in layer.iter().zip(&mut rows) {
                                    one(group, m, rows, precision);
                                }
                            }
                        });
                    });
                    let layers_run = if m > 16 { layers.len().min(4) } else { layers.len() };
                    let ops = 2.0 * m as f64 * (weights * layers_run) as f64 / seconds / 1e9;
                    if m <= 16 {
                        print!("  m={m}: {:5.1} GB/s {ops:5.0} GOP/s", bytes as f64 / seconds / 1e9);
                    } else {
                        print!("  m={m}: {ops:5.0} GOP/s");
                    }
                }
                println!();
            }
        }
    }
}

/// A group's input, and its outputs.
struct Rows {
    x: Vec<f32>,
    outs: Vec<Vec<f32>>,
}

impl Rows {
    fn new(m: usize, ns: &[usize], k: usize) -> Self {
        Self {
            x: (0..m * k).map(|i| ((i * 31 % 101) as f32 - 50.0) / 50.0).collect(),
            outs: ns.iter().map(|n| vec![0.0; m * n]).collect(),
        }
    }
}

fn one(group: &[Matrix], m: usize, Rows { x, outs }: &mut Rows, precision: Precision) {
    let mut parts: Vec<Part<'_>> =
        group.iter().zip(outs).map(|(w, out)| Part { weight: w.weight(), out }).collect();
    if m <= 16 { linears_apart(x, m, &mut parts, precision) } else { linears(x, m, &mut parts, precision) }
}

/// Seconds of the fastest of several runs.
fn best(mut run: impl FnMut()) -> f64 {
    let mut least = f64::MAX;
    let started = Instant::now();
    let mut runs = 0;
    while runs < 3 || (started.elapsed().as_secs_f64() < 0.3 && runs < 50) {
        let at = Instant::now();
        run();
        least = least.min(at.elapsed().as_secs_f64());
        runs += 1;
    }
    least
}
