//! Dropout whose mask is a function of a key and a place: the same on the way back, when something is computed
//! again, after a resume, and on any number of threads.
//!
//! Element i is kept if the upper half of splitmix64's i-th number after `key` (Steele, Lea & Flood 2014) is not
//! below share · 2³²; what is kept is divided by 1 − share, as `torch.nn.Dropout` does.

use crate::pool;

/// Values in one task.
const TASK: usize = 1 << 15;
/// splitmix64's step.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// splitmix64's finalizer: mixes the bits of one number.
#[must_use]
pub fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Which elements are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The part that is left out, 0 to below 1.
    pub share: f64,
    pub key: u64,
}

impl Dropout {
    fn threshold(&self) -> u64 {
        (self.share * (1u64 << 32) as f64) as u64
    }

    /// What a kept element is multiplied by.
    fn factor(&self) -> f32 {
        (1.0 / (1.0 - self.share)) as f32
    }

    fn keeps(&self, i: usize, threshold: u64) -> bool {
        mix(self.key.wrapping_add((i as u64 + 1).wrapping_mul(GOLDEN))) >> 32 >= threshold
    }

    /// y = x where it is kept, scaled; 0 elsewhere.
    ///
    /// # Panics
    /// If the lengths disagree.
    pub fn forward(&self, x: &[f32], y: &mut [f32]) {
        assert_eq!(x.len(), y.len(), "x and y are of one length");
        let (threshold, factor) = (self.threshold(), self.factor());
        pool::chunks_mut(y, TASK, |task, y| {
            let from = task * TASK;
            for (i, (y, x)) in y.iter_mut().zip(&x[from..]).enumerate() {
                *y = if self.keeps(from + i, threshold) { x * factor } else { 0.0 };
            }
        });
    }

    /// dx += dy where it was kept, scaled.
    ///
    /// # Panics
    /// If the lengths disagree.
    pub fn backward(&self, dy: &[f32], dx: &mut [f32]) {
        assert_eq!(dy.len(), dx.len(), "dy and dx are of one length");
        let (threshold, factor) = (self.threshold(), self.factor());
        pool::chunks_mut(dx, TASK, |task, dx| {
            let from = task * TASK;
            for (i, (dx, dy)) in dx.iter_mut().zip(&dy[from..]).enumerate() {
                if self.keeps(from + i, threshold) {
                    *dx += dy * factor;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of splitmix64 from seed 1234567, as its authors' program prints them.
    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let number = |i: u64| mix(1_234_567u64.wrapping_add(i.wrapping_mul(GOLDEN)));
        assert_eq!([number(1), number(2)], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn the_way_back_has_the_mask_of_the_way_there() {
        let dropout = Dropout { share: 0.25, key: 99 };
        let n = 3 * TASK + 5;
        let (x, mut y) = (vec![3.0; n], vec![f32::NAN; n]);
        dropout.forward(&x, &mut y);
        let kept = y.iter().filter(|y| **y != 0.0).count() as f64 / n as f64;
        assert!((kept - 0.75).abs() < 0.01, "{kept}");
        assert!(y.iter().all(|y| *y == 0.0 || *y == 4.0));
        let mut dx = vec![1.0; n];
        dropout.backward(&x, &mut dx);
        assert!(y.iter().zip(&dx).all(|(y, dx)| *dx == y + 1.0));
        let mut other = vec![0.0; n];
        Dropout { key: 100, ..dropout }.forward(&x, &mut other);
        assert_ne!(y, other);
    }

    #[test]
    fn nothing_is_left_out_at_0() {
        let x: Vec<f32> = (0..100).map(|i| i as f32).collect();
        let mut y = vec![0.0; 100];
        Dropout { share: 0.0, key: 5 }.forward(&x, &mut y);
        assert_eq!(x, y);
    }
}
