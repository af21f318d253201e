//! Rows of a table by token: gathered, and their gradients scattered back.

use crate::dispatch::{self, Isa};
use crate::lanes::kernel;
use crate::split;
use crate::weight::Weight;

/// `out` \[M, D\] `=` row `tokens[i]` of `table` \[V, D\], for each i.
///
/// # Panics
/// If the shapes disagree or a token is not in the table.
pub fn gather(tokens: &[u32], table: &Weight<'_>, out: &mut [f32]) {
    let width = table.n_in;
    assert_eq!(out.len(), tokens.len() * width, "a row for each token");
    let rows = split::rows_per_task(width);
    split::chunks([out], [rows * width], |i, [out]| {
        for (token, out) in tokens[i * rows..].iter().zip(out.chunks_exact_mut(width)) {
            table.read_row(*token as usize, out);
        }
    });
}

/// `dtable[tokens[i]] += dout[i]`, for each i in order: dout \[M, D\], dtable \[V, D\].
///
/// # Panics
/// If the shapes disagree or a token is not in the table.
pub fn scatter_add(tokens: &[u32], dout: &[f32], width: usize, dtable: &mut [f32]) {
    scatter_add_on(dispatch::active(), tokens, dout, width, dtable);
}

fn scatter_add_on(isa: Isa, tokens: &[u32], dout: &[f32], width: usize, dtable: &mut [f32]) {
    assert!(width > 0 && dout.len() == tokens.len() * width, "a row for each token");
    assert!(dtable.len().is_multiple_of(width), "rows of {width} in {}", dtable.len());
    let vocabulary = dtable.len() / width;
    assert!(tokens.iter().all(|t| (*t as usize) < vocabulary), "a token that is not in the table");
    // A task owns a range of the vocabulary and looks through all tokens: cheap beside adding rows.
    let rows = vocabulary.div_ceil(64).max(1);
    split::chunks([dtable], [rows * width], |i, [dtable]| {
        let from = i * rows;
        for (token, dout) in tokens.iter().zip(dout.chunks_exact(width)) {
            if let Some(row) = (*token as usize).checked_sub(from).filter(|row| *row < rows) {
                add(isa, dout, &mut dtable[row * width..][..width]);
            }
        }
    });
}

kernel! {
    fn add[S](s, x: &[f32], y: &mut [f32]) {
        for i in (0..x.len()).step_by(S::N) {
            s.store(y, i, s.add(s.load(y, i), s.load(x, i)));
        }
    }
}

#[cfg(test)]
mod tests {
    use half::bf16;
    use proptest::prelude::*;

    use super::*;
    use crate::check::{close, everywhere, numbers, wide};
    use crate::weight::Values;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn rows_come_and_go(vocabulary in 1..200usize, width in 1..40usize, n in 0..50usize, seed in 0..99u64) {
            let table: Vec<bf16> = numbers(seed, vocabulary * width).into_iter().map(bf16::from_f32).collect();
            let tokens: Vec<u32> = numbers(seed + 1, n)
                .iter()
                .map(|v| ((v + 1.0) / 2.0 * 0.999 * vocabulary as f32) as u32)
                .collect();
            let dout = numbers(seed + 2, n * width);
            let before = numbers(seed + 3, vocabulary * width);
            let mut expected = wide(&before);
            for (token, dout) in tokens.iter().zip(dout.chunks(width)) {
                for (j, d) in dout.iter().enumerate() {
                    expected[*token as usize * width + j] += f64::from(*d);
                }
            }
            let weight = Weight::new(vocabulary, width, Values::Bf16(&table));
            let run = |isa| {
                let (mut out, mut dtable) = (vec![f32::NAN; n * width], before.clone());
                gather(&tokens, &weight, &mut out);
                scatter_add_on(isa, &tokens, &dout, width, &mut dtable);
                (out, dtable)
            };
            everywhere(run, |_, (out, dtable)| {
                for (token, out) in tokens.iter().zip(out.chunks(width)) {
                    let row = &table[*token as usize * width..][..width];
                    assert!(row.iter().zip(out).all(|(a, b)| a.to_f32() == *b));
                }
                close("dtable", dtable, &expected, 1e-5);
            });
        }
    }
}
