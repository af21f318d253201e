//! Cross-entropy of a linear layer's outputs without holding them all: rows in chunks whose logits share one
//! buffer, the gradient made in place of them (as in Liger Kernel, arXiv:2410.10989).

use crate::arena::Arena;
use crate::dispatch::{self, Isa, Precision};
use crate::lanes::{kernel, math};
use crate::matmul::{self, Input};
use crate::softmax;
use crate::split;
use crate::weight::Weight;

/// The target of a row that doesn't count, as in PyTorch and Transformers.
pub const IGNORED: i32 = -100;

/// Logits that are in memory at one time, at most, unless a single step of rows has more.
const MOST_LOGITS: usize = 16 * 1024 * 1024;
/// Rows come in multiples of so many: what the matrix products like.
const ROW_STEP: usize = 32;

/// Gradients of logits below this are taken as zero.
const LEAST: f32 = 1e-30;

/// What makes logits of hidden states: a matrix \[V, D\], and where a model has it a soft cap on what comes out,
/// `cap · tanh(logit / cap)` (Gemma 2, arXiv:2408.00118).
#[derive(Clone, Copy)]
pub struct Head<'a> {
    pub weight: &'a Weight<'a>,
    pub soft_cap: Option<f32>,
}

impl<'a> From<&'a Weight<'a>> for Head<'a> {
    fn from(weight: &'a Weight<'a>) -> Self {
        Self { weight, soft_cap: None }
    }
}

/// What [`linear_cross_entropy`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Σ −ln p(target), over the rows that have one.
    pub loss_sum: f64,
    /// How many have one.
    pub n_targets: usize,
}

/// What is made of the targets.
#[derive(Clone, Copy)]
pub struct Objective<'a> {
    /// Gradients are multiplied by this.
    pub scale: f32,
    /// ε of label smoothing: (1 − ε) · −ln p(target) + ε · the mean of −ln p over the vocabulary, as
    /// `torch.nn.CrossEntropyLoss(label_smoothing=ε)`.
    pub smoothing: f32,
    /// How much a row counts by its target, \[V\]: loss and gradient are multiplied by it, as
    /// `torch.nn.CrossEntropyLoss(weight=…)` does before it divides. Without smoothing only.
    pub weights: Option<&'a [f32]>,
    /// Asked before every product; once it says no, what is left is not computed and nothing is of use.
    pub go_on: &'a dyn Fn() -> bool,
}

impl Default for Objective<'_> {
    fn default() -> Self {
        Self { scale: 0.0, smoothing: 0.0, weights: None, go_on: &|| true }
    }
}

/// The cross-entropy of `softmax(head(hidden))` against `targets` \[M\], with hidden \[M, D\] and the
/// head's matrix \[V, D\], and if asked for, its gradients times the scale: `dhidden` \[M, D\] is overwritten, `dw` \[V, D\] added
/// to. Without either, this only evaluates.
///
/// Rows whose target is [`IGNORED`] cost nothing, and their gradient is zero.
///
/// # Panics
/// If the shapes disagree, a target is neither ignored nor one of V, or weights come with smoothing.
#[expect(clippy::too_many_arguments, reason = "what a loss takes, and the gradients one may ask for")]
pub fn linear_cross_entropy<'a>(
    hidden: &'a [f32],
    m: usize,
    head: impl Into<Head<'a>>,
    targets: &'a [i32],
    objective: Objective<'_>,
    dhidden: Option<&mut [f32]>,
    dw: Option<&mut [f32]>,
    arena: &'a Arena,
    precision: Precision,
) -> Loss {
    assert_eq!(targets.len(), m, "a target for each row");
    let mut losses = Losses::new(hidden, head.into(), targets, arena, precision);
    losses.gradients(objective, dhidden, dw);
    Loss { loss_sum: losses.each.iter().sum(), n_targets: losses.rows.len() }
}

/// −ln p(target) of each row of `hidden` \[M, D\], and 0 where there is no target: for perplexity, and to tell which
/// texts are hard. `go_on` is as in [`Objective`].
///
/// # Panics
/// Like [`linear_cross_entropy`].
pub fn linear_token_losses<'a>(
    hidden: &'a [f32],
    head: impl Into<Head<'a>>,
    targets: &'a [i32],
    losses: &mut [f64],
    go_on: &dyn Fn() -> bool,
    arena: &'a Arena,
    precision: Precision,
) {
    assert_eq!(losses.len(), targets.len(), "a loss for each row");
    let mut made = Losses::new(hidden, head.into(), targets, arena, precision);
    made.gradients(Objective { go_on, ..Objective::default() }, None, None);
    losses.fill(0.0);
    for (row, loss) in made.rows.iter().zip(&made.each) {
        losses[*row] = *loss;
    }
}

struct Losses<'a> {
    isa: Isa,
    hidden: &'a [f32],
    lm_head: &'a Weight<'a>,
    soft_cap: Option<f32>,
    targets: &'a [i32],
    arena: &'a Arena,
    precision: Precision,
    /// The rows that have a target, and the loss of each.
    rows: Vec<usize>,
    each: Vec<f64>,
}

impl<'a> Losses<'a> {
    fn new(
        hidden: &'a [f32],
        head: Head<'a>,
        targets: &'a [i32],
        arena: &'a Arena,
        precision: Precision,
    ) -> Self {
        let Head { weight: lm_head, soft_cap } = head;
        assert_eq!(hidden.len(), targets.len() * lm_head.n_in, "hidden is [M, D]");
        let counts = |t: &i32| *t != IGNORED;
        let known = |t: &i32| usize::try_from(*t).is_ok_and(|t| t < lm_head.n_out);
        assert!(targets.iter().filter(|t| counts(t)).all(known), "a target outside the vocabulary");
        let rows: Vec<usize> = (0..targets.len()).filter(|i| counts(&targets[*i])).collect();
        let each = vec![0.0; rows.len()];
        Self { isa: dispatch::active(), hidden, lm_head, soft_cap, targets, arena, precision, rows, each }
    }

    /// Fills `each`, and what gradients are asked for.
    fn gradients(
        &mut self,
        objective: Objective<'_>,
        mut dhidden: Option<&mut [f32]>,
        mut dw: Option<&mut [f32]>,
    ) {
        let width = self.lm_head.n_in;
        if let Some(dhidden) = dhidden.as_deref_mut() {
            assert_eq!(dhidden.len(), self.hidden.len(), "dhidden is [M, D]");
            if self.rows.len() < self.targets.len() {
                dhidden.fill(0.0);
            }
        }
        assert!(dw.as_ref().is_none_or(|dw| dw.len() == self.lm_head.n_out * width), "dw is [V, D]");
        let wants_gradients = dhidden.is_some() || dw.is_some();
        let Objective { scale, smoothing, weights, go_on } = objective;
        assert!(weights.is_none_or(|w| w.len() == self.lm_head.n_out && smoothing == 0.0), "weights are [V]");
        let chunk = chunk_rows(self.rows.len(), self.lm_head.n_out);
        // Room by the number of rows, however many have a target: a shorter batch never takes more.
        let room = most_rows(self.lm_head.n_out).min(self.targets.len());
        let mut logits = self.arena.take(room * self.lm_head.n_out);
        let mut gathered = self.arena.take(room * width);
        for from in (0..self.rows.len()).step_by(chunk.max(1)) {
            let to = (from + chunk).min(self.rows.len());
            let (n, first) = (to - from, self.rows[from]);
            let logits = &mut logits[..n * self.lm_head.n_out];
            // Neighbours are used where they are, others brought together first.
            let together = self.rows[to - 1] - first + 1 == n;
            let gathered = &mut gathered[..n * width];
            let hidden = if together {
                &self.hidden[first * width..][..n * width]
            } else {
                for (row, to) in self.rows[from..to].iter().zip(gathered.chunks_exact_mut(width)) {
                    to.copy_from_slice(&self.hidden[row * width..][..width]);
                }
                &*gathered
            };
            matmul::linear(Input::F32(hidden), n, self.lm_head, logits, false, self.precision);
            if !go_on() {
                return;
            }
            self.losses_of(from..to, logits, (scale, smoothing, weights), wants_gradients);
            if let Some(dw) = dw.as_deref_mut() {
                if !go_on() {
                    return;
                }
                matmul::linear_dw(Input::F32(logits), Input::F32(hidden), n, dw, self.precision);
            }
            let Some(dhidden) = dhidden.as_deref_mut() else { continue };
            if !go_on() {
                return;
            }
            if together {
                let dhidden = &mut dhidden[first * width..][..n * width];
                matmul::linear_dx(Input::F32(logits), n, self.lm_head, dhidden, false, self.precision);
            } else {
                matmul::linear_dx(Input::F32(logits), n, self.lm_head, gathered, false, self.precision);
                for (row, dx) in self.rows[from..to].iter().zip(gathered.chunks_exact(width)) {
                    dhidden[row * width..][..width].copy_from_slice(dx);
                }
            }
        }
    }

    /// The losses of some of the rows, and in place of their logits, if they are wanted, the gradients.
    fn losses_of(
        &mut self,
        part: std::ops::Range<usize>,
        logits: &mut [f32],
        (scale, smoothing, weights): (f32, f32, Option<&[f32]>),
        wants_gradients: bool,
    ) {
        let (isa, vocabulary, targets, cap) = (self.isa, self.lm_head.n_out, self.targets, self.soft_cap);
        let rows = &self.rows[part.clone()];
        split::rows(&mut self.each[part], logits, vocabulary, |i, loss, logits| {
            let target = targets[rows[i]] as usize;
            let weight = weights.map_or(1.0, |weights| weights[target]);
            let scale = wants_gradients.then_some(scale * weight);
            *loss = match (cap, smoothing == 0.0) {
                (None, true) => cross_entropy(isa, logits, target, scale),
                (Some(cap), true) => capped_cross_entropy(isa, logits, target, scale, cap),
                (cap, false) => smoothed(isa, logits, target, scale, smoothing, cap),
            } * f64::from(weight);
        });
    }
}

/// [`cross_entropy`] with label smoothing, and with a cap where there is one: what differs is added to it.
fn smoothed(
    isa: Isa,
    x: &mut [f32],
    target: usize,
    scale: Option<f32>,
    smoothing: f32,
    cap: Option<f32>,
) -> f64 {
    let slopes: Option<Vec<f32>> = cap.map(|cap| {
        let capped = |x: &mut f32| {
            let tanh = (*x / cap).tanh();
            *x = cap * tanh;
            1.0 - tanh * tanh
        };
        x.iter_mut().map(capped).collect()
    });
    let (smoothing, n) = (f64::from(smoothing), x.len() as f64);
    let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    let more = smoothing * (f64::from(x[target]) - mean);
    let loss = cross_entropy(isa, x, target, scale);
    if let Some(scale) = scale {
        let each = (f64::from(scale) * smoothing / n) as f32;
        x.iter_mut().for_each(|x| *x -= each);
        x[target] += (f64::from(scale) * smoothing) as f32;
        if let Some(slopes) = slopes {
            x.iter_mut().zip(slopes).for_each(|(x, slope)| *x *= slope);
        }
    }
    loss + more
}

/// Rows of a chunk at most.
fn most_rows(vocabulary: usize) -> usize {
    (MOST_LOGITS / vocabulary.max(1) / ROW_STEP * ROW_STEP).max(ROW_STEP)
}

/// Rows of a chunk: as even a cut as there is.
fn chunk_rows(n: usize, vocabulary: usize) -> usize {
    let most = most_rows(vocabulary);
    n.div_ceil(n.div_ceil(most).max(1)).next_multiple_of(ROW_STEP).min(n)
}

kernel! {
    /// −ln softmax(x)\[target\]; with a scale, x becomes (softmax(x) − 1 at the target) · scale.
    fn cross_entropy[S](s, x: &mut [f32], target: usize, scale: Option<f32>) -> f64 {
        let largest = softmax::largest(s, x);
        let at_target = x[target];
        let most = s.splat(largest);
        let mut sums = [s.splat(0.0); 2];
        let whole = x.len() / (2 * S::N) * (2 * S::N);
        for i in (0..whole).step_by(2 * S::N) {
            for (k, sum) in sums.iter_mut().enumerate() {
                let i = i + k * S::N;
                let e = math::exp(s, s.sub(s.get(x, i), most));
                *sum = s.add(*sum, e);
                if scale.is_some() {
                    s.set(x, i, e);
                }
            }
        }
        for i in (whole..x.len()).step_by(S::N) {
            let e = math::exp(s, s.sub(s.load_or(x, i, f32::NEG_INFINITY), most));
            sums[0] = s.add(sums[0], e);
            if scale.is_some() {
                s.store(x, i, e);
            }
        }
        let sum = s.sum(s.add(sums[0], sums[1]));
        if let Some(scale) = scale {
            let (factor, zero) = (s.splat(scale / sum), s.splat(0.0));
            // What is next to nothing becomes nothing: products of numbers close to the smallest ones are many
            // times slower. (In this order what is not a number stays.)
            let least = s.splat(LEAST / (scale / sum).abs());
            for i in (0..whole).step_by(S::N) {
                let e = s.get(x, i);
                s.set(x, i, s.select_ge(least, e, zero, s.mul(e, factor)));
            }
            for i in (whole..x.len()).step_by(S::N) {
                let e = s.load(x, i);
                s.store(x, i, s.select_ge(least, e, zero, s.mul(e, factor)));
            }
            x[target] -= scale;
        }
        f64::from(sum).ln() + (f64::from(largest) - f64::from(at_target))
    }
}

kernel! {
    /// The same with `cap · tanh(x / cap)` for x. The exponentials are computed twice, for where their logits lie
    /// the slopes of tanh are needed too.
    fn capped_cross_entropy[S](s, x: &mut [f32], target: usize, scale: Option<f32>, cap: f32) -> f64 {
        let (into, out) = (s.splat(1.0 / cap), s.splat(cap));
        for i in (0..x.len()).step_by(S::N) {
            s.store(x, i, s.mul(math::tanh(s, s.mul(s.load(x, i), into)), out));
        }
        let largest = softmax::largest(s, x);
        let at_target = x[target];
        let most = s.splat(largest);
        let mut sums = [s.splat(0.0); 2];
        for i in (0..x.len()).step_by(S::N) {
            let (e, k) = (math::exp(s, s.sub(s.load_or(x, i, f32::NEG_INFINITY), most)), i / S::N % 2);
            sums[k] = s.add(sums[k], e);
        }
        let sum = s.sum(s.add(sums[0], sums[1]));
        if let Some(scale) = scale {
            let (factor, zero, one) = (s.splat(scale / sum), s.splat(0.0), s.splat(1.0));
            let least = s.splat(LEAST / (scale / sum).abs());
            for i in (0..x.len()).step_by(S::N) {
                let capped = s.load(x, i);
                let tanh = s.mul(capped, into);
                let slope = s.sub(one, s.mul(tanh, tanh));
                let e = math::exp(s, s.sub(capped, most));
                let p = s.select_ge(least, e, zero, s.mul(e, factor));
                s.store(x, i, s.mul(p, slope));
            }
            let tanh = at_target / cap;
            x[target] -= scale * (1.0 - tanh * tanh);
        }
        f64::from(sum).ln() + (f64::from(largest) - f64::from(at_target))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::{close, numbers, slopes, wide};

    /// A soft cap, and label smoothing.
    type Made = (Option<f32>, f32);

    /// Σ −ln p(target) in f64.
    fn loss64(hidden: &[f64], w: &[f64], width: usize, targets: &[i32], (cap, smoothing): Made) -> f64 {
        let capped = |x: f64| cap.map_or(x, |cap| f64::from(cap) * (x / f64::from(cap)).tanh());
        let mut sum = 0.0;
        for (x, target) in hidden.chunks(width).zip(targets).filter(|(_, t)| **t != IGNORED) {
            let logits: Vec<f64> =
                w.chunks(width).map(|w| capped(w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>())).collect();
            let all = logits.iter().map(|x| x.exp()).sum::<f64>().ln();
            let mean = logits.iter().sum::<f64>() / logits.len() as f64;
            let smoothing = f64::from(smoothing);
            sum += all - (1.0 - smoothing) * logits[*target as usize] - smoothing * mean;
        }
        sum
    }

    fn targets_of(seed: u64, m: usize, vocabulary: usize, ignored: f32) -> Vec<i32> {
        let place = |v: f32| ((v + 1.0) / 2.0 * 0.999 * vocabulary as f32) as i32;
        let skip = numbers(seed + 1, m);
        let all = numbers(seed, m).into_iter().map(place);
        all.zip(skip).map(|(t, s)| if (s + 1.0) / 2.0 < ignored { IGNORED } else { t }).collect()
    }

    fn check(m: usize, width: usize, vocabulary: usize, ignored: f32, made: Made, seed: u64) {
        const SCALE: f32 = 0.25;
        let (hidden, w) = (numbers(seed, m * width), numbers(seed + 1, vocabulary * width));
        let targets = targets_of(seed + 2, m, vocabulary, ignored);
        let (h64, w64) = (wide(&hidden), wide(&w));
        let loss = |h: &[f64], w: &[f64]| loss64(h, w, width, &targets, made);
        let expected = loss(&h64, &w64);
        let dh64 = slopes(&h64, |h| 0.25 * loss(h, &w64));
        let dw64 = slopes(&w64, |w| 0.25 * loss(&h64, w));
        let (cap, smoothing) = made;
        let weight = &Weight::f32(vocabulary, width, &w);
        let head = Head { weight, soft_cap: cap };
        let arena = Arena::new();
        let (mut dh, mut dw) = (vec![f32::NAN; hidden.len()], vec![1.0; w.len()]);
        let exact = Precision::Exact;
        let found = linear_cross_entropy(
            &hidden,
            m,
            head,
            &targets,
            Objective { scale: SCALE, smoothing, ..Objective::default() },
            Some(&mut dh),
            Some(&mut dw),
            &arena,
            exact,
        );
        assert_eq!(found.n_targets, targets.iter().filter(|t| **t != IGNORED).count());
        assert!((found.loss_sum - expected).abs() < 1e-5 * (1.0 + expected), "{found:?} {expected}");
        close("dhidden", &dh, &dh64, 1e-4);
        close("dw", &dw, &dw64.iter().map(|d| d + 1.0).collect::<Vec<_>>(), 1e-4);

        let alone = linear_cross_entropy(
            &hidden,
            m,
            head,
            &targets,
            Objective { smoothing, ..Objective::default() },
            None,
            None,
            &arena,
            exact,
        );
        assert_eq!(alone, found, "the loss is the same without gradients");
        let expected = loss64(&h64, &w64, width, &targets, (cap, 0.0));
        let mut each = vec![f64::NAN; m];
        linear_token_losses(&hidden, head, &targets, &mut each, &|| true, &arena, exact);
        let sum: f64 = each.iter().sum();
        assert!((sum - expected).abs() < 1e-5 * (1.0 + expected));
        assert!(each.iter().zip(&targets).all(|(l, t)| *t != IGNORED || *l == 0.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn agrees_with_f64(m in 0..9usize, width in 1..9usize, vocabulary in 1..50usize, ignored in 0f32..1.2,
                           cap in proptest::option::of(0.3f32..4.0), seed in 0..99u64) {
            check(m, width, vocabulary, ignored, (cap, 0.0), seed);
            check(m, width, vocabulary, ignored, (cap, 0.1), seed);
        }
    }

    #[test]
    fn every_instruction_set_agrees() {
        let x: Vec<f32> = numbers(1, 1003).iter().map(|v| v * 30.0).collect();
        let sum: f64 = x.iter().map(|v| f64::from(*v).exp()).sum();
        for isa in Isa::available() {
            let mut dx = x.clone();
            let loss = cross_entropy(isa, &mut dx, 17, Some(0.5));
            assert!((loss - (sum.ln() - f64::from(x[17]))).abs() < 1e-5);
            let expected: Vec<f64> = (0..x.len())
                .map(|i| 0.5 * (f64::from(x[i]).exp() / sum - f64::from(u8::from(i == 17))))
                .collect();
            close("dx", &dx, &expected, 1e-6);
            let mut dx = x.clone();
            dx[1000] = f32::NAN;
            assert!(cross_entropy(isa, &mut dx, 17, None).is_nan());
        }
    }

    #[test]
    fn every_instruction_set_caps_alike() {
        const CAP: f32 = 5.0;
        let x: Vec<f32> = numbers(1, 1003).iter().map(|v| v * 30.0).collect();
        let cap64 = f64::from(CAP);
        let tanh: Vec<f64> = x.iter().map(|v| (f64::from(*v) / cap64).tanh()).collect();
        let sum: f64 = tanh.iter().map(|v| (cap64 * v).exp()).sum();
        for isa in Isa::available() {
            let mut dx = x.clone();
            let loss = capped_cross_entropy(isa, &mut dx, 17, Some(0.5), CAP);
            assert!((loss - (sum.ln() - cap64 * tanh[17])).abs() < 1e-5);
            let expected: Vec<f64> = (0..x.len())
                .map(|i| (cap64 * tanh[i]).exp() / sum - f64::from(u8::from(i == 17)))
                .zip(&tanh)
                .map(|(d, tanh)| 0.5 * d * (1.0 - tanh * tanh))
                .collect();
            close("dx", &dx, &expected, 1e-6);
            let mut dx = x.clone();
            dx[1000] = f32::NAN;
            assert!(capped_cross_entropy(isa, &mut dx, 17, None, CAP).is_nan());
        }
    }

    #[test]
    fn chunks_are_even() {
        assert_eq!(chunk_rows(1024, 49152), 256);
        assert_eq!(chunk_rows(512, 49152), 256);
        assert_eq!(chunk_rows(100, 151_936), 64);
        assert_eq!(chunk_rows(7, 50_000_000), 7);
        assert_eq!(chunk_rows(0, 49152), 0);
    }
}
