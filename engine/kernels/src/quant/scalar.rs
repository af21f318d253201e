//! The product as it is defined, one number after the other.
#![expect(unsafe_code, reason = "writes places that are this task's own")]

use super::layout::{GROUP, Scales};
use super::{Activations, Out, Quantised, groups};
use std::ops::Range;

pub(super) fn panels(x: &Activations, w: &Quantised, panels: Range<usize>, out: Out<'_, '_>) {
    let groups = groups(w);
    for p in panels {
        let panel = w.panel(p);
        for r in 0..out.places(0, p).1 {
            let mut sums = vec![0f32; x.m()];
            for g in 0..groups {
                let q = panel.quants_of(g, r);
                let scales = [0, 1].map(|half| panel.scales_of(g, half, r));
                for (m, sum) in sums.iter_mut().enumerate() {
                    let at = (m * groups + g) * GROUP;
                    let (x_q, x_d) = (&x.quants()[at..at + GROUP], x.factors()[m * groups + g]);
                    let x_sums = &x.sums()[2 * (m * groups + g)..][..2];
                    let dot = |half: usize| -> i32 {
                        let part = half * GROUP / 2..(half + 1) * GROUP / 2;
                        let products = q[part.clone()].iter().zip(&x_q[part]);
                        products.map(|(w, x)| i32::from(*w) * i32::from(*x)).sum()
                    };
                    let zero = panel.format.zero;
                    *sum += x_d
                        * match panel.format.scales {
                            Scales::Halves => (0..2)
                                .map(|half| scales[half].0 * (dot(half) - zero * x_sums[half]) as f32)
                                .sum::<f32>(),
                            _ => {
                                let all = x_sums[0] + x_sums[1];
                                let (d, m) = scales[0];
                                d * (dot(0) + dot(1) - zero * all) as f32 + m * all as f32
                            }
                        };
                }
            }
            for (m, sum) in sums.into_iter().enumerate() {
                // SAFETY: output r of this panel, which is this task's.
                unsafe { out.values.slice(out.places(m, p).0 + r, 1)[0] = sum };
            }
        }
    }
}

/// As [`super::exact_panels`].
pub(super) fn exact_panels(x: &[f32], m: usize, w: &Quantised, panels: Range<usize>, out: Out<'_, '_>) {
    let mut row = vec![0f32; w.n_in];
    for p in panels {
        for r in 0..out.places(0, p).1 {
            w.panel(p).read(r, &mut row);
            for (m, x) in x.chunks_exact(w.n_in).take(m).enumerate() {
                let sum: f32 = x.iter().zip(&row).map(|(x, w)| x * w).sum();
                // SAFETY: output r of this panel, which is this task's.
                unsafe { out.values.slice(out.places(m, p).0 + r, 1)[0] = sum };
            }
        }
    }
}
