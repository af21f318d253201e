//! Choices by a seed: the same on every machine and in every version, for a seed is kept with what came of it.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct Chance(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Scatters a number over all 64 bits.
#[must_use]
pub fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Chance {
    /// A stream of its own for each list of numbers: seed, row, copy.
    #[must_use]
    pub fn new(of: &[u64]) -> Self {
        Self(of.iter().fold(STEP, |state, part| mix(state ^ mix(part.wrapping_add(STEP)))))
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// Below `n`; 0 of nothing.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.draw()) * n as u128) >> 64) as usize
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// `n` of `of` places, in order.
    pub fn some(&mut self, n: usize, of: usize) -> Vec<usize> {
        let mut places: Vec<usize> = (0..of).collect();
        self.shuffle(&mut places);
        places.truncate(n);
        places.sort_unstable();
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_its_seeds() {
        let drawn = |of: &[u64]| {
            let mut chance = Chance::new(of);
            (0..4).map(|_| chance.draw()).collect::<Vec<_>>()
        };
        assert_eq!(drawn(&[1, 2]), drawn(&[1, 2]));
        assert_ne!(drawn(&[1, 2]), drawn(&[2, 1]));
        assert_ne!(drawn(&[0]), drawn(&[0, 0]));
        // What was drawn once is drawn always: splits that were made go by it.
        assert_eq!(Chance::new(&[7]).some(3, 10), Chance::new(&[7]).some(3, 10));
    }

    #[test]
    fn draws_are_even() {
        let mut chance = Chance::new(&[3]);
        let mut counts = [0; 10];
        for _ in 0..10_000 {
            counts[chance.below(10)] += 1;
        }
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
        assert_eq!(chance.some(5, 5), [0, 1, 2, 3, 4]);
        assert_eq!(chance.below(0), 0);
    }
}
