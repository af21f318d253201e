//! GB/s of weights read by products of a few rows, and GFLOP/s of a prompt's, per group, storage, precision and
//! instruction set. `cargo bench -p glassworks-kernels --bench few [-- few|prompt [isa]]`; `RAYON_NUM_THREADS`
//! sets the threads.
#![expect(clippy::print_stdout, reason = "a table for a person")]

mod clock;

use std::time::Instant;

use glassworks_kernels::dispatch::{self, Isa, Precision};
use glassworks_kernels::matmul::{Part, linears};
use glassworks_kernels::quant::{QuantType, Quantised};
use glassworks_kernels::weight::{Values, Weight};
use half::{bf16, f16};

use self::clock::now;

/// Widths of the groups of one layer and the last matrix of SmolLM2-135M, then of a model 2,048 wide: name, K, N.
const GROUPS: [(&str, usize, &[usize]); 7] = [
    ("qkv", 576, &[576, 192, 192]),
    ("o", 576, &[576]),
    ("gate up", 576, &[1536, 1536]),
    ("down", 1536, &[576]),
    ("head", 576, &[49152]),
    ("2048 qkv", 2048, &[2048, 256, 256]),
    ("2048 gate up", 2048, &[5632, 5632]),
];

/// Bytes of weights that one measurement goes through, copy after copy: more than a second-level cache holds,
/// so that they come from where a model's come from.
const BYTES: usize = 256 << 20;

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 % 1000) as f32 - 500.0) / 500.0).collect()
}

/// Seconds of the fastest of some runs.
fn best(mut run: impl FnMut()) -> f64 {
    run();
    let (started, mut least, mut runs) = (Instant::now(), f64::MAX, 0);
    while runs < 3 || (started.elapsed().as_secs_f64() < 0.1 && runs < 100) {
        let at = now();
        run();
        least = least.min(now() - at);
        runs += 1;
    }
    least
}

/// The group's weights out of one storage that holds many copies of it.
fn group<'a>(k: usize, widths: &[usize], from: usize, all: Values<'a>) -> Vec<Weight<'a>> {
    let mut at = from;
    widths
        .iter()
        .map(|n| {
            let range = at..at + n * k;
            at = range.end;
            let values = match all {
                Values::F32(v) => Values::F32(&v[range]),
                Values::F16(v) => Values::F16(&v[range]),
                Values::Bf16(v) => Values::Bf16(&v[range]),
                rows => rows,
            };
            Weight::new(*n, k, values)
        })
        .collect()
}

/// A matrix of 4 bits; what its numbers are does not matter, as long as they are.
fn quantised(n: usize, k: usize) -> Quantised {
    let block = |i: usize| {
        std::array::from_fn::<u8, 20, _>(|j| if j < 4 { [0, 40, 0, 168][j] } else { (i * 31 + j * 7) as u8 })
    };
    let blocks: Vec<u8> = (0..n * k / 32).flat_map(block).collect();
    Quantised::repack(QuantType::Q4_1, n, k, &blocks)
}

/// GFLOP/s of one group with quantised weights, m rows of x.
fn quantised_prompt(k: usize, widths: &[usize], m: usize, precision: Precision) -> f64 {
    let matrices: Vec<Quantised> = widths.iter().map(|n| quantised(*n, k)).collect();
    let x = values(m * k);
    let mut outs: Vec<Vec<f32>> = widths.iter().map(|n| vec![0.0; m * n]).collect();
    let seconds = best(|| {
        let mut parts: Vec<Part<'_>> = matrices
            .iter()
            .zip(&mut outs)
            .map(|(w, out)| Part { weight: Weight::new(w.n_out(), k, Values::Quantised(w, 0)), out })
            .collect();
        linears(&x, m, &mut parts, precision);
    });
    2.0 * (m * k * widths.iter().sum::<usize>()) as f64 / seconds / 1e9
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let prompt = args.first().is_some_and(|a| a == "prompt");
    let only_isa: Option<Isa> = args.get(1).and_then(|a| a.parse().ok());
    let isas: Vec<Isa> = Isa::available().filter(|isa| only_isa.is_none_or(|only| only == *isa)).collect();
    let w = values(if prompt { 32 << 20 } else { BYTES / 4 });
    let w_f16: Vec<f16> = w.iter().map(|v| f16::from_f32(*v)).collect();
    let w_bf16: Vec<bf16> = w.iter().map(|v| bf16::from_f32(*v)).collect();
    let storages = [("f32", Values::F32(&w)), ("f16", Values::F16(&w_f16)), ("bf16", Values::Bf16(&w_bf16))];
    println!("threads {}, {}", rayon::current_num_threads(), if prompt { "GFLOP/s" } else { "GB/s" });
    let counts: &[usize] = if prompt { &[16, 128, 512] } else { &[1, 2, 4, 8] };
    for (name, k, widths) in GROUPS {
        let n: usize = widths.iter().sum();
        if n * k > w.len() {
            continue;
        }
        for isa in &isas {
            dispatch::set_cap(*isa);
            if prompt {
                for precision in [Precision::Exact, Precision::Fast] {
                    print!("{name:12} {:6} q4_1 {precision:?}", isa.name());
                    for m in counts {
                        print!("  m {m}: {:7.1}", quantised_prompt(k, widths, *m, precision));
                    }
                    println!();
                }
            }
            for (storage, all) in storages {
                print!("{name:12} {:6} {storage:4}", isa.name());
                for m in counts {
                    let x = values(m * k);
                    let mut outs: Vec<Vec<f32>> = widths.iter().map(|n| vec![0.0; m * n]).collect();
                    let copies = if prompt { 1 } else { w.len() / (n * k) };
                    let precision = if prompt { Precision::Fast } else { Precision::Exact };
                    let seconds = best(|| {
                        for copy in 0..copies {
                            let weights = group(k, widths, copy * n * k, all);
                            let mut parts: Vec<Part<'_>> = weights
                                .iter()
                                .zip(&mut outs)
                                .map(|(weight, out)| Part { weight: *weight, out })
                                .collect();
                            linears(&x, *m, &mut parts, precision);
                        }
                    });
                    let bytes = if storage == "f32" { 4 } else { 2 };
                    let work = if prompt { 2 * m * n * k } else { copies * n * k * bytes };
                    print!("  m {m}: {:7.1}", work as f64 / seconds / 1e9);
                }
                println!();
            }
        }
    }
}
