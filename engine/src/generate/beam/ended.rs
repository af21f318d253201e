//! Texts that have ended, the best of them, and whether a better one may still come: the bookkeeping of transformers'
//! `_beam_search` (5.23) for one prompt, without its fixed shapes.

use glassworks_protocol::generate::{BeamSpec, EarlyStopping};

/// As many ended texts as there are beams, best first.
pub struct Ended<T> {
    beams: BeamSpec,
    /// The longest that a text may get, in tokens.
    most: usize,
    kept: Vec<(f32, T)>,
}

impl<T> Ended<T> {
    pub fn new(beams: BeamSpec, most: usize) -> Self {
        Self { beams, most, kept: Vec::new() }
    }

    /// What a text of `n` tokens is worth.
    pub fn worth(&self, log_prob: f32, n: usize) -> f32 {
        log_prob / (n as f64).powf(f64::from(self.beams.length_penalty)) as f32
    }

    /// Takes a text of `n` tokens if it is better than one of those that are kept, or there is room.
    pub fn offer(&mut self, log_prob: f32, n: usize, text: T) {
        let worth = self.worth(log_prob, n);
        let at = self.kept.iter().position(|(other, _)| *other < worth).unwrap_or(self.kept.len());
        self.kept.insert(at, (worth, text));
        self.kept.truncate(self.beams.n as usize);
    }

    pub fn best(&self) -> Option<&(f32, T)> {
        self.kept.first()
    }

    /// Whether the search is over, `n` tokens having been written and `running` being the log-probability of the best
    /// text that goes on.
    pub fn is_over(&self, n: usize, running: Option<f32>) -> bool {
        let Some(running) = running else { return true };
        if self.kept.len() < self.beams.n as usize {
            return false;
        }
        let n = match self.beams.early_stopping {
            EarlyStopping::Yes => return true,
            // What the best may come to if it gets as long as it may.
            EarlyStopping::Never if self.beams.length_penalty > 0.0 => self.most,
            EarlyStopping::No | EarlyStopping::Never => n,
        };
        self.kept.last().is_some_and(|(worst, _)| self.worth(running, n) <= *worst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(length_penalty: f32, early_stopping: EarlyStopping) -> Ended<&'static str> {
        Ended::new(BeamSpec { n: 2, length_penalty, early_stopping }, 10)
    }

    #[test]
    fn length_decides_between_equals() {
        for (length_penalty, best) in [(2.0, "long"), (0.5, "long"), (0.0, "first"), (-1.0, "short")] {
            let mut ended = ended(length_penalty, EarlyStopping::No);
            ended.offer(-4.0, 4, "first");
            ended.offer(-4.0, 2, "short");
            ended.offer(-4.0, 8, "long");
            assert_eq!(ended.best().map(|(_, text)| *text), Some(best), "{length_penalty}");
            assert_eq!(ended.kept.len(), 2);
        }
    }

    #[test]
    fn a_search_is_over_when_its_rule_says_so() {
        // Two have ended, worth −1 and −2; what runs is at −6 after 4 tokens: worth −1.5 now, −0.6 after 10.
        let check = |early_stopping, running: Option<f32>, over: bool| {
            let mut ended = ended(1.0, early_stopping);
            assert!(!ended.is_over(4, Some(-6.0)), "none has ended");
            ended.offer(-4.0, 4, "");
            assert!(!ended.is_over(4, Some(-6.0)), "one has");
            ended.offer(-8.0, 4, "");
            assert_eq!(ended.is_over(4, running), over, "{early_stopping:?}, {running:?}");
        };
        check(EarlyStopping::Yes, Some(-6.0), true);
        check(EarlyStopping::No, Some(-6.0), false);
        check(EarlyStopping::No, Some(-9.0), true);
        check(EarlyStopping::Never, Some(-9.0), false);
        check(EarlyStopping::Never, Some(-21.0), true);
        check(EarlyStopping::Never, None, true);
        let mut short = ended(-1.0, EarlyStopping::Never);
        short.offer(-1.0, 2, "");
        short.offer(-2.0, 2, "");
        assert!(short.is_over(4, Some(-1.5)), "where short ones are favoured, longer is no better");
    }
}
