//! One layer's part of a capture, and pictures of its heads.

use super::maps::{MapShape, Maps};
use crate::generate::ModelSource;
use crate::train::TunedSource;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// What is kept of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerCapture {
    pub layer: u32,
    pub shape: MapShape,
    pub maps: Maps,
    pub thumbnails: Thumbnails,
    /// `[H]`, of this text.
    pub scores: Vec<HeadScores>,
    /// The mean over heads of each row, for [`super::rollout`]: of query i its `i + 1` numbers, each √a in 16 bits.
    pub mean: Vec<u16>,
}

impl LayerCapture {
    /// What it takes, bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        let pictures = self.thumbnails.max.len() + self.thumbnails.mean.len() + 2 * self.mean.len();
        self.maps.size_bytes() + pictures as u64
    }

    /// What [`Self::mean`] takes for T tokens, bytes.
    #[must_use]
    pub fn mean_bytes(n_tokens: usize) -> u64 {
        let t = n_tokens as u64;
        t * (t + 1)
    }

    /// The mean over heads of query i's row into `out`, `i + 1` numbers.
    pub fn mean_row(&self, query: usize, out: &mut Vec<f32>) {
        let start = query * (query + 1) / 2;
        let codes = self.mean.get(start..=start + query).unwrap_or(&[]);
        out.clear();
        out.extend(codes.iter().map(|code| (f32::from(*code) / 65535.0).powi(2)));
    }
}

/// Means as [`LayerCapture::mean`] keeps them.
#[must_use]
pub fn coded_means(means: &[f32]) -> Vec<u16> {
    means.iter().map(|a| (65535.0 * a.max(0.0).sqrt() + 0.5) as u16).collect()
}

/// Small pictures of all heads, made while the pass ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Thumbnails {
    /// Rows and columns: T, at most [`Thumbnails::MOST`].
    pub side: u32,
    /// `[H, side, side]`, the largest value of what a cell stands for, coded as [`super::maps`] does: a spike survives.
    pub max: Vec<u8>,
    /// The same of the mean.
    pub mean: Vec<u8>,
}

impl Thumbnails {
    pub const MOST: usize = 64;

    /// `[side, side]` of one head.
    #[must_use]
    pub fn of(&self, head: usize) -> &[u8] {
        let n = (self.side * self.side) as usize;
        self.max.get(head * n..(head + 1) * n).unwrap_or(&[])
    }
}

/// What a head does, as the means of what its rows do. On a sequence of random tokens that repeats after n: induction
/// A[i, i − n + 1], duplicate A[i, i − n] over the second half; on a text they are `None` where nothing repeats: there
/// the keys are all that follow, or are, an earlier one like the query. Previous A[i, i − 1]; sink A[i, 0]; entropy of a
/// row by the logarithm of its length, i ≥ 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeadScores {
    pub induction: Option<f32>,
    pub duplicate: Option<f32>,
    pub previous: f32,
    pub sink: f32,
    pub entropy: f32,
}

/// What a map's cells say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MapKind {
    /// A, after the softmax.
    #[default]
    Weights,
    /// What goes into the softmax; of maps kept as queries and keys only.
    Scores,
    /// ‖A·v·W_O‖: how much is brought in; with [`HeadSpec::value_norms`] only.
    Values,
}

/// How several heads become one map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Merge {
    #[default]
    Mean,
    Max,
}

/// Draw a map; what it is made of comes along, for nothing is kept by who draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadSpec {
    pub layer: Arc<LayerCapture>,
    /// At least one.
    pub heads: Vec<u32>,
    pub merge: Merge,
    pub kind: MapKind,
    /// Tokens put together (see [`super::segments`]), each a row and a column: sums over a segment's keys (of scores the
    /// largest), means over its queries. Empty: every token is one.
    pub segments: Vec<Range<u32>>,
    /// `[T, H]`: ‖v·W_O‖ of each key in each head, for [`MapKind::Values`].
    pub value_norms: Option<Arc<Vec<f32>>>,
    /// T: what is there when it is asked.
    pub n_tokens: u32,
    /// Rows and columns at most: more tokens are pooled.
    pub side: u32,
}

/// A drawn map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadImage {
    /// N: its segments, or tokens.
    pub n: u32,
    /// Rows and columns: cell c stands for the segments `c·N/side .. (c + 1)·N/side`; with side N for one.
    pub side: u32,
    /// `[side, side]`, the largest value in a cell; NaN where all of it is masked.
    pub cells: Vec<f32>,
    /// `[N]`: entropy of each row, bits; of weights only, else empty.
    pub row_entropy: Vec<f32>,
    /// `[N]`: sums over queries; of scores none.
    pub column_sums: Vec<f32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoresSpec {
    pub model: ModelSource,
    pub tuned: Option<TunedSource>,
    /// n: the sequence has twice as many, after the tokens that the tokenizer begins a text with.
    pub n_tokens: u32,
    pub seed: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoresReport {
    /// `[L][H]`
    pub heads: Vec<Vec<HeadScores>>,
    pub n_tokens: u32,
}
