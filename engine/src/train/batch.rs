//! What a step computes on: sequences one after the other with what each token should tell; and what a loss over them
//! comes to.

use crate::data::Example;
use anyhow::Result;
use glassworks_kernels::arena::Arena;
use glassworks_kernels::dispatch::Precision;
use glassworks_kernels::loss;

/// What is not a target.
pub const IGNORED: i32 = loss::IGNORED;

/// Sequences one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// `[M]`
    pub tokens: Vec<u32>,
    /// What each position should predict, its next token; [`IGNORED`] for nothing. `[M]`
    pub targets: Vec<i32>,
    /// Where each sequence starts, and M at the end.
    pub starts: Vec<usize>,
}

impl Batch {
    /// Adds a sequence with labels as transformers has them: `labels[i]` belongs to `tokens[i]` and is predicted
    /// from what stands before it.
    pub fn push(&mut self, tokens: &[u32], labels: &[i32]) {
        assert_eq!(tokens.len(), labels.len(), "a label for each token");
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        self.tokens.extend_from_slice(tokens);
        self.targets.extend(labels.iter().skip(1));
        self.targets.extend((!tokens.is_empty()).then_some(IGNORED));
        self.starts.push(self.tokens.len());
    }

    /// Adds a sequence of one of some classes, which its last token should tell.
    ///
    /// # Panics
    /// If there are no tokens.
    pub fn push_class(&mut self, tokens: &[u32], class: u32) {
        assert!(!tokens.is_empty(), "a class is told by a last token");
        self.push(tokens, &vec![IGNORED; tokens.len()]);
        if let Some(last) = self.targets.last_mut() {
            *last = class.cast_signed();
        }
    }

    /// Adds a row of a dataset.
    pub fn push_example(&mut self, example: &Example) {
        match example.class {
            Some(class) => self.push_class(&example.ids, class),
            None => self.push(&example.ids, &example.labels),
        }
    }

    #[must_use]
    pub fn n_targets(&self) -> usize {
        self.targets.iter().filter(|t| **t != IGNORED).count()
    }

    pub(super) fn positions(&self) -> Vec<u32> {
        self.starts.windows(2).flat_map(|pair| 0..(pair[1] - pair[0]) as u32).collect()
    }
}

/// A loss before it is averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchLoss {
    /// Σ −ln p(target), nats; where targets have weights, each times its own.
    pub sum: f64,
    pub n_targets: usize,
    /// What the sum is divided by: the number of targets, or the sum of their weights.
    pub weight: f64,
}

impl BatchLoss {
    /// Nats per target; 0 without targets.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.n_targets == 0 { 0.0 } else { self.sum / self.weight }
    }

    /// Adds that of another batch.
    pub fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.n_targets += other.n_targets;
        self.weight += other.weight;
    }
}

/// What every layer of a pass goes by.
pub(crate) struct StepCx<'a> {
    pub arena: &'a Arena,
    pub precision: Precision,
    /// M
    pub m: usize,
    pub starts: &'a [usize],
    pub positions: &'a [u32],
    /// Of each of the model's ropes.
    pub angles: Vec<Angles>,
    /// `None` where nothing is left out: in evaluation.
    pub dropout_key: Option<u64>,
    /// Asked between the parts of a layer; its error ends the pass.
    pub between: &'a dyn Fn() -> Result<()>,
}

/// `[longest sequence, R/2]`
pub(crate) struct Angles {
    pub cos: Vec<f32>,
    pub sin: Vec<f32>,
    /// R/2
    pub half: usize,
}
