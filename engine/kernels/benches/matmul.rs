//! GFLOP/s of every product of a linear layer, per shape, storage, precision and instruction set, beside the
//! gemm crate's own call. `cargo bench -p glassworks-kernels --bench matmul [-- [shape index] [product] [isa]]`.
#![expect(clippy::print_stdout, unsafe_code, reason = "a table for a person; the gemm crate takes addresses")]

mod clock;

use std::time::Instant;

use glassworks_kernels::dispatch::{self, Isa, Precision};
use glassworks_kernels::matmul::{Input, linear, linear_dw, linear_dx};
use glassworks_kernels::weight::{Values, Weight};
use half::{bf16, f16};

use self::clock::now;

const SHAPES: [(usize, usize, usize); 10] = [
    (1024, 576, 576),
    (1024, 576, 192),
    (1024, 576, 1536),
    (1024, 1536, 576),
    (1024, 768, 3072),
    (128, 576, 49152),
    (1024, 576, 8),
    (1024, 8, 576),
    (128, 576, 576),
    (512, 576, 1536),
];

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 % 1000) as f32 - 500.0) / 500.0).collect()
}

/// GFLOP/s of the fastest of several runs.
fn best(flops: f64, mut run: impl FnMut()) -> f64 {
    run();
    let (started, mut least) = (Instant::now(), f64::MAX);
    let mut runs = 0;
    while runs < 5 || (started.elapsed().as_secs_f64() < 0.15 && runs < 200) {
        let at = now();
        run();
        least = least.min(now() - at);
        runs += 1;
    }
    flops / least / 1e9
}

/// What the gemm crate makes of the same product: C \[m, n\] from A and B with these strides (row, column).
fn crate_gemm(
    shape: (usize, usize, usize),
    a: (&[f32], usize, usize),
    b: (&[f32], usize, usize),
    c: &mut [f32],
) {
    let (m, n, k) = shape;
    let threads = gemm::Parallelism::Rayon(rayon::current_num_threads());
    // SAFETY: the strides are those of matrices that fill their slices.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.0.as_ptr(),
            a.2 as isize,
            a.1 as isize,
            b.0.as_ptr(),
            b.2 as isize,
            b.1 as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let only: Option<usize> = args.first().and_then(|a| a.parse().ok());
    let products = args.get(1).map_or("y dx dw", String::as_str);
    let only_isa: Option<Isa> = args.get(2).and_then(|a| a.parse().ok());
    println!("threads {}", rayon::current_num_threads());
    for (i, (m, k, n)) in SHAPES.into_iter().enumerate() {
        if only.is_some_and(|only| only != i) {
            continue;
        }
        let (x, w, dy) = (values(m * k), values(n * k), values(m * n));
        let w_f16: Vec<f16> = w.iter().map(|v| f16::from_f32(*v)).collect();
        let w_bf16: Vec<bf16> = w.iter().map(|v| bf16::from_f32(*v)).collect();
        let flops = 2.0 * (m * k * n) as f64;
        let (mut y, mut dx, mut dw) = (vec![0.0; m * n], vec![0.0; m * k], vec![0.0; n * k]);
        println!("[{i}] M {m} K {k} N {n}");
        for product in products.split(' ') {
            let theirs = best(flops, || match product {
                "y" => crate_gemm((m, n, k), (&x, k, 1), (&w, 1, k), &mut y),
                "dx" => crate_gemm((m, k, n), (&dy, n, 1), (&w, k, 1), &mut dx),
                _ => crate_gemm((n, k, m), (&dy, 1, n), (&x, k, 1), &mut dw),
            });
            println!("  {product:2} gemm crate               {theirs:7.0}");
            for isa in Isa::available().filter(|isa| only_isa.is_none_or(|only| only == *isa)) {
                dispatch::set_cap(isa);
                for precision in [Precision::Exact, Precision::Fast] {
                    if precision == Precision::Fast && !dispatch::has_bf16(isa) {
                        continue;
                    }
                    let storages = [
                        ("f32", Values::F32(&w)),
                        ("f16", Values::F16(&w_f16)),
                        ("bf16", Values::Bf16(&w_bf16)),
                    ];
                    for (name, values) in storages {
                        if (product == "dw" || isa == Isa::Scalar) && name != "f32" {
                            continue;
                        }
                        let weight = Weight::new(n, k, values);
                        let ours = best(flops, || match product {
                            "y" => linear(Input::F32(&x), m, &weight, &mut y, false, precision),
                            "dx" => linear_dx(Input::F32(&dy), m, &weight, &mut dx, false, precision),
                            _ => linear_dw(Input::F32(&dy), Input::F32(&x), m, &mut dw, precision),
                        });
                        println!(
                            "  {product:2} {:6} {:5} {name:5} {ours:10.0}  ×{:.2}",
                            isa.name(),
                            format!("{precision:?}"),
                            ours / theirs
                        );
                    }
                }
            }
        }
    }
}
