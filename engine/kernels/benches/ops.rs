//! How fast each kernel runs on each instruction set, at the shapes of a training step of SmolLM2-135M.
//!
//!     OPS_ISA=avx512 cargo bench -p glassworks-kernels --bench ops -- [name …] [threads]
//!
//! without `OPS_ISA` on all of them, without names all kernels.
//! Products are in bench `matmul`.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use glassworks_kernels::activation::{self, Activation};
use glassworks_kernels::arena::Arena;
use glassworks_kernels::attention::{self, AttentionShape, Gradients};
use glassworks_kernels::dispatch::{self, Isa, Precision};
use glassworks_kernels::optim::{AdamW, sum_of_squares};
use glassworks_kernels::rope::{RopeShape, RopeTable, rope};
use glassworks_kernels::weight::Weight;
use glassworks_kernels::{embedding, loss, norm, softmax};

/// Each kernel runs for about so long, and its fastest run counts.
const PATIENCE: Duration = Duration::from_millis(250);

/// The least wall time of a run, and the mean processor time: on a machine that others use too, the latter is
/// what can be compared.
fn seconds(mut run: impl FnMut()) -> (f64, f64) {
    run();
    let (begun, processor) = (Instant::now(), processor_seconds());
    let mut best = f64::MAX;
    let mut n = 0;
    while n < 3 || begun.elapsed() < PATIENCE {
        let one = Instant::now();
        run();
        best = best.min(one.elapsed().as_secs_f64());
        n += 1;
    }
    (best, (processor_seconds() - processor) / f64::from(n))
}

/// What all threads of this process have run for; 0 where the system doesn't say.
fn processor_seconds() -> f64 {
    let of_task = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks.filter_map(|task| of_task(task.path())).sum::<f64>() / 1e9
}

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 % 1009) as f32 - 504.0) / 504.0).collect()
}

/// What to print and how: the name that the command line picks by, and the work.
struct Line<'a> {
    pick: &'a [String],
    isa: Isa,
}

impl Line<'_> {
    fn picked(&self, name: &str) -> bool {
        self.pick.is_empty() || self.pick.iter().any(|p| name.contains(p.as_str()))
    }

    fn gflops(&self, name: &str, flops: f64, run: impl FnMut()) {
        if self.picked(name) {
            let (s, busy) = seconds(run);
            let (all, core) = (flops / s / 1e9, flops / busy / 1e9);
            println!("{:>7}  {name:<38} {:9.1} µs {all:7.1} GFLOP/s, {core:6.1} a core", self.isa, s * 1e6);
        }
    }

    fn bandwidth(&self, name: &str, numbers: usize, run: impl FnMut()) {
        if self.picked(name) {
            let (s, busy) = seconds(run);
            let gb = numbers as f64 * 4.0 / 1e9;
            let (all, core) = (gb / s, gb / busy);
            println!("{:>7}  {name:<38} {:9.1} µs {all:7.1} GB/s, {core:6.1} a core", self.isa, s * 1e6);
        }
    }
}

/// SmolLM2-135M, and 4 sequences of 256.
const D: usize = 576;
const F: usize = 1536;
const M: usize = 1024;

fn attention(line: &Line<'_>) {
    for (name, heads, kv, batch, t) in [
        ("SmolLM2 4×256", 9, 3, 4, 256),
        ("SmolLM2 1×512", 9, 3, 1, 512),
        ("SmolLM2 1×2048", 9, 3, 1, 2048),
        ("GPT-2 4×256", 12, 12, 4, 256),
        ("GPT-2 1×1024", 12, 12, 1, 1024),
    ] {
        let shape = AttentionShape {
            n_heads: heads,
            n_kv_heads: kv,
            head_width: 64,
            scale: 0.125,
            causal: true,
            window: None,
            soft_cap: None,
        };
        let m = batch * t;
        let starts: Vec<usize> = (0..=batch).map(|i| i * t).collect();
        let qkv = numbers(m * (shape.q_width() + 2 * shape.kv_width()));
        let qkv = shape.fused(&qkv);
        let (mut out, mut lse) = (vec![0.0; m * shape.q_width()], vec![0.0; m * heads]);
        // The half that is seen: t (t + 1) / 2 scores.
        let product = (batch * heads * 2 * 64) as f64 * (t * (t + 1) / 2) as f64;
        line.gflops(&format!("attention forward {name}"), 2.0 * product, || {
            attention::forward(&shape, &starts, &qkv, &mut out, &mut lse);
        });
        let dout = numbers(out.len());
        let mut all = vec![0.0; m * (shape.q_width() + 2 * shape.kv_width())];
        line.gflops(&format!("attention backward {name}"), 5.0 * product, || {
            attention::backward(&shape, &starts, &qkv, &out, &lse, &dout, Gradients::Fused(&mut all));
        });
    }
}

fn rows(line: &Line<'_>) {
    let (x, w, mut y) = (numbers(M * D), numbers(D), numbers(M * D));
    let (mut kept, mut mean, mut dx) = (numbers(M), numbers(M), numbers(M * D));
    line.bandwidth("rms_norm", 2 * M * D, || norm::rms_norm(&x, &w, 1e-5, &mut y, &mut kept));
    line.bandwidth("rms_norm_backward", 3 * M * D, || {
        norm::rms_norm_backward(&y, &x, &w, &kept, &mut dx, false, None);
    });
    let mut dw = vec![0.0; D];
    line.bandwidth("rms_norm_backward with dweight", 5 * M * D, || {
        norm::rms_norm_backward(&y, &x, &w, &kept, &mut dx, true, Some(&mut dw));
    });
    line.bandwidth("layer_norm", 2 * M * D, || {
        norm::layer_norm(&x, &w, &w, 1e-5, &mut y, &mut mean, &mut kept);
    });
    line.bandwidth("softmax", 2 * M * D, || softmax::softmax(&x, D, &mut y));
}

fn activations(line: &Line<'_>) {
    let (gate, up, mut out) = (numbers(M * F), numbers(M * F), numbers(M * F));
    let (mut dgate, mut dup) = (numbers(M * F), numbers(M * F));
    for act in [Activation::Silu, Activation::Gelu, Activation::GeluTanh] {
        line.bandwidth(&format!("gated {act:?}"), 3 * M * F, || {
            activation::gated(act, &gate, &up, &mut out);
        });
        line.bandwidth(&format!("gated_backward {act:?}"), 5 * M * F, || {
            activation::gated_backward(act, &gate, &up, &out, &mut dgate, &mut dup);
        });
    }
}

const V: usize = 49152;

/// What touches the vocabulary, and the optimizer.
fn ends(line: &Line<'_>) {
    let (arena, table, hidden) = (Arena::new(), numbers(V * D), numbers(M * D));
    let weight = Weight::f32(V, D, &table);
    let targets: Vec<i32> = (0..M).map(|i| (i * 7919 % V) as i32).collect();
    let tokens: Vec<u32> = targets.iter().map(|t| *t as u32).collect();
    let mut dhidden = vec![0.0; M * D];
    let objective = loss::Objective { scale: 1.0 / M as f32, ..loss::Objective::default() };
    let product = 2.0 * (M * D) as f64 * V as f64;
    for precision in [Precision::Exact, Precision::Fast] {
        line.gflops(&format!("loss {precision:?}"), product, || {
            black_box(loss::linear_cross_entropy(
                &hidden, M, &weight, &targets, objective, None, None, &arena, precision,
            ));
        });
        line.gflops(&format!("loss with dhidden {precision:?}"), 2.0 * product, || {
            let dhidden = Some(&mut dhidden[..]);
            black_box(loss::linear_cross_entropy(
                &hidden, M, &weight, &targets, objective, dhidden, None, &arena, precision,
            ));
        });
    }
    let mut dtable = vec![0.0; V * D];
    line.bandwidth("gather", 2 * M * D, || embedding::gather(&tokens, &weight, &mut dhidden));
    line.bandwidth("scatter_add", 3 * M * D, || embedding::scatter_add(&tokens, &hidden, D, &mut dtable));
    let (mut m, mut v) = (vec![0.0; V * D], vec![0.0; V * D]);
    let adamw =
        AdamW { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.1, step: 1, grad_scale: 1.0 };
    line.bandwidth("AdamW", 7 * V * D, || adamw.update(&mut dtable, &table, &mut m, &mut v));
    line.bandwidth("sum_of_squares", V * D, || {
        black_box(sum_of_squares(&table));
    });
    let mut qk = numbers(M * 12 * 64);
    let angles = numbers(256 * 32);
    let positions: Vec<u32> = (0..M as u32).map(|i| i % 256).collect();
    line.bandwidth("rope", 2 * M * 12 * 64, || {
        let table = RopeTable { cos: &angles, sin: &angles, half: 32 };
        let shape = RopeShape { n_heads: 12, head_width: 64, row_stride: 12 * 64 };
        rope(&mut qk, shape, table, &positions, false);
    });
}

fn main() {
    // Cargo adds `--bench`.
    let mut pick: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let threads = pick.iter().position(|a| a.parse::<usize>().is_ok()).map(|i| pick.remove(i));
    let threads = threads.and_then(|n| n.parse().ok()).unwrap_or(0);
    if let Err(e) = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global() {
        println!("{e}");
    }
    let only = std::env::var("OPS_ISA").ok();
    for isa in Isa::available().filter(|isa| only.as_ref().is_none_or(|only| only == isa.name())) {
        dispatch::set_cap(isa);
        let line = Line { pick: &pick, isa };
        // Only products know more than AVX-512.
        if isa < Isa::Amx {
            rows(&line);
            activations(&line);
            attention(&line);
        }
        ends(&line);
    }
    black_box(pick);
}
