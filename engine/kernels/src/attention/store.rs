//! How rows of keys and values get into the order of a cache's block.
#![expect(unsafe_code, reason = "transposes blocks by address")]

use super::Rows;
use super::cache::BLOCK;
use crate::dispatch::vectorised;
use crate::lanes::kernel;

kernel! {
    /// Writes `t` rows of `width` as columns `from..from + t` of `keys` \[E, BLOCK\].
    pub(super) fn store_keys[S](s, rows: Rows<'_>, t: usize, width: usize, keys: &mut [f32], from: usize) {
        assert!(from + t <= BLOCK && keys.len() == width * BLOCK, "columns of a block");
        let mut done = 0;
        while done + S::N <= t {
            let mut e = 0;
            while e + S::N <= width {
                let src = &rows.values[done * rows.stride + e..][..(S::N - 1) * rows.stride + S::N];
                // SAFETY: `src` has N rows of N, and columns from + done.. and rows e.. are N each of `keys`.
                unsafe {
                    let dst = keys.as_mut_ptr().add(e * BLOCK + from + done);
                    s.transpose(src.as_ptr(), rows.stride, dst, BLOCK);
                }
                e += S::N;
            }
            for i in done..done + S::N {
                store_key(&rows.values[i * rows.stride..][..width], e, keys, from + i);
            }
            done += S::N;
        }
        for i in done..t {
            store_key(&rows.values[i * rows.stride..][..width], 0, keys, from + i);
        }
    }
}

/// Writes `row[e..]` down a column.
#[inline(always)]
fn store_key(row: &[f32], e: usize, keys: &mut [f32], column: usize) {
    for (key, value) in keys[e * BLOCK..].chunks_exact_mut(BLOCK).zip(&row[e..]) {
        key[column] = *value;
    }
}

vectorised! {
    /// Rounds `from` to whole numbers of −127 to 127 times what it returns: not a number if one of them is
    /// infinite or none, so that what reads them gets to know.
    pub(super) fn quantise(from: &[f32], to: &mut [i8]) -> f32 {
        let mut most = 0.0f32;
        let mut odd = 0.0f32;
        for x in from {
            most = most.max(x.abs());
            odd += x * 0.0;
        }
        let scale = most / 127.0 + odd;
        let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
        for (to, x) in to.iter_mut().zip(from) {
            // Adding and taking away 1.5·2²³ rounds: exact for numbers this small.
            const SHIFT: f32 = 12_582_912.0;
            *to = ((x * inverse + SHIFT) - SHIFT) as i8;
        }
        scale
    }
}

vectorised! {
    /// Widens each value.
    pub(super) fn widen(from: &[i8], to: &mut [f32]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = f32::from(*from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::numbers;
    use crate::dispatch::Isa;

    #[test]
    fn rounding_is_within_half_a_step_and_keeps_what_is_not_a_number() {
        for isa in Isa::available() {
            for n in [1, 7, 16, 40, 64] {
                let (from, mut to) = (numbers(n as u64, n), vec![0; n]);
                let scale = quantise(isa, &from, &mut to);
                let most = from.iter().fold(0.0f32, |a, b| a.max(b.abs()));
                assert!((scale * 127.0 - most).abs() <= 1e-6 * most, "the largest is the whole range");
                let mut back = vec![0.0; n];
                widen(isa, &to, &mut back);
                for (x, back) in from.iter().zip(back) {
                    assert!((x - back * scale).abs() <= 0.5001 * scale, "{isa}: {x} is not {}", back * scale);
                }
            }
            assert_eq!(quantise(isa, &[0.0, -0.0], &mut [1, 1]), 0.0);
            assert!(quantise(isa, &[0.5, f32::NAN], &mut [0, 0]).is_nan());
            assert!(quantise(isa, &[0.5, f32::INFINITY], &mut [0, 0]).is_nan());
            // Too small for their inverse: all the same they are near zero, and numbers.
            let mut to = [0];
            let scale = quantise(isa, &[1e-42], &mut to);
            assert!((f32::from(to[0]) * scale).abs() < 1e-38);
        }
    }

    #[test]
    fn keys_lie_across_wherever_they_begin() {
        for isa in Isa::available() {
            for (width, from, t) in
                [(1, 0, 1), (5, 3, 2), (16, 0, 16), (40, 7, 33), (64, 0, 64), (20, 48, 16)]
            {
                let stride = width + 3;
                let rows = numbers(3, t * stride);
                let mut keys = vec![9.0; width * BLOCK];
                store_keys(isa, Rows::new(&rows, stride), t, width, &mut keys, from);
                for (e, column) in (0..width).flat_map(|e| (0..BLOCK).map(move |c| (e, c))) {
                    let inside = (from..from + t).contains(&column);
                    let expected = if inside { rows[(column - from) * stride + e] } else { 9.0 };
                    assert_eq!(keys[e * BLOCK + column], expected, "{isa} {width} {from} {t}");
                }
            }
        }
    }
}
