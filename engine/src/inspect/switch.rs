//! Parts of a model switched off while a sequence passes. Heads are switched off in the input of the output projection,
//! where slices are heads (Michel et al. 2019); an edge before the softmax, so that the others take its share
//! (Geva et al. 2023).

use crate::infer::watch::{Sublayer, Watch};
use glassworks_kernels::attention::{AttentionShape, Qkv, Rows};
use glassworks_protocol::inside::{Ablation, Instead, Part};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What parts made of other tokens, to stand in for what they make of these: by layer `[T, H·E]` and `[T, D]`.
#[derive(Default)]
pub struct Donors {
    heads: BTreeMap<usize, Vec<f32>>,
    added: BTreeMap<(usize, bool), Vec<f32>>,
    /// Layers whose heads are asked for, and those whose sublayers are.
    of_heads: BTreeSet<usize>,
    of_added: BTreeSet<usize>,
}

impl Donors {
    /// Remembers what these parts make in the pass that it watches.
    pub fn of(parts: &[Part]) -> Self {
        let mut donors = Self::default();
        for part in parts {
            let heads = matches!(part, Part::Head { .. } | Part::KvHead { .. });
            let layers = if heads { &mut donors.of_heads } else { &mut donors.of_added };
            layers.insert(part.layer() as usize);
        }
        donors
    }

    /// Layers of which something is remembered, at most.
    pub fn n_layers(&self) -> usize {
        self.of_heads.union(&self.of_added).count()
    }
}

impl Watch for Donors {
    fn heads(&mut self, layer: usize, _: Qkv<'_>, heads: &mut [f32]) {
        if self.of_heads.contains(&layer) {
            self.heads.insert(layer, heads.to_vec());
        }
    }

    fn added(&mut self, layer: usize, by: Sublayer, x: &mut [f32]) {
        if self.of_added.contains(&layer) {
            self.added.insert((layer, by == Sublayer::Mlp), x.to_vec());
        }
    }
}

/// Switches parts off in one sequence: in its first pass, and in those that take it on.
pub struct Switch<'a> {
    ablations: Vec<Ablation>,
    attention: &'a [AttentionShape],
    /// D
    width: usize,
    donors: Option<&'a Donors>,
    /// Positions before this pass, by layer.
    at: BTreeMap<usize, usize>,
    /// What the first pass's means are, for those that follow.
    means: BTreeMap<(usize, Place), Vec<f32>>,
    /// Values of all positions so far `[T, K, E]`, where something weighs them anew.
    values: BTreeMap<usize, Vec<f32>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Heads,
    Attention,
    Mlp,
}

impl<'a> Switch<'a> {
    /// `width`: D.
    pub fn new(
        ablations: &[Ablation],
        attention: &'a [AttentionShape],
        width: usize,
        donors: Option<&'a Donors>,
    ) -> Self {
        Self {
            ablations: ablations.to_vec(),
            attention,
            width,
            donors,
            at: BTreeMap::new(),
            means: BTreeMap::new(),
            values: BTreeMap::new(),
        }
    }

    /// The heads that an ablation is about; nothing where it is not about heads.
    fn heads_of(&self, part: Part) -> Range<usize> {
        match part {
            Part::Head { head, .. } => head as usize..head as usize + 1,
            Part::KvHead { layer, kv_head } => {
                let shape = &self.attention[layer as usize];
                let group = shape.n_heads / shape.n_kv_heads;
                kv_head as usize * group..(kv_head as usize + 1) * group
            }
            _ => 0..0,
        }
    }

    fn switch_heads(
        &mut self,
        layer: usize,
        which: Range<usize>,
        instead: Instead,
        at: usize,
        heads: &mut [f32],
    ) {
        let shape = self.attention[layer];
        let (width, e) = (shape.q_width(), shape.head_width);
        let columns = which.start * e..which.end * e;
        match instead {
            Instead::Zero => heads.chunks_exact_mut(width).for_each(|row| row[columns.clone()].fill(0.0)),
            Instead::Mean => {
                let means = self.means.entry((layer, Place::Heads)).or_insert_with(|| means_of(heads, width));
                heads.chunks_exact_mut(width).for_each(|row| {
                    row[columns.clone()].copy_from_slice(&means[columns.clone()]);
                });
            }
            Instead::Resample => {
                let Some(donor) = self.donors.and_then(|donors| donors.heads.get(&layer)) else { return };
                stand_in(heads, donor, width, columns, at);
            }
            Instead::Uniform => {
                let values = self.values.get(&layer).map_or(&[][..], Vec::as_slice);
                for (i, row) in heads.chunks_exact_mut(width).enumerate() {
                    for head in which.clone() {
                        uniform(&shape, values, head, at + i, &mut row[head * e..(head + 1) * e]);
                    }
                }
            }
        }
    }
}

impl Watch for Switch<'_> {
    fn heads(&mut self, layer: usize, qkv: Qkv<'_>, heads: &mut [f32]) {
        let shape = self.attention[layer];
        let n = heads.len() / shape.q_width();
        let at = self.at.get(&layer).copied().unwrap_or(0);
        let here: Vec<Ablation> =
            self.ablations.iter().copied().filter(|one| one.part.layer() as usize == layer).collect();
        if here.iter().any(|one| one.instead == Instead::Uniform) {
            let kept = self.values.entry(layer).or_default();
            let rows = qkv.v.values.chunks(qkv.v.stride).take(n);
            rows.for_each(|row| kept.extend_from_slice(&row[..shape.kv_width()]));
        }
        // Edges first, all of a row at once: what they leave may be switched off as well.
        if at == 0 {
            for ((head, query), keys) in edges(&here) {
                if query < n {
                    let e = shape.head_width;
                    let from = query * shape.q_width() + head * e;
                    without(&shape, &qkv, head, (query, &keys), &mut heads[from..from + e]);
                }
            }
        }
        for ablation in here.iter().filter(|one| !matches!(one.part, Part::Edge { .. })) {
            let which = self.heads_of(ablation.part);
            self.switch_heads(layer, which, ablation.instead, at, heads);
        }
        self.at.insert(layer, at + n);
    }

    fn added(&mut self, layer: usize, by: Sublayer, x: &mut [f32]) {
        let place = if by == Sublayer::Mlp { Place::Mlp } else { Place::Attention };
        let is_of = |part: Part| match part {
            Part::Attention { .. } => by == Sublayer::Attention,
            Part::Mlp { .. } => by == Sublayer::Mlp,
            Part::Layer { .. } => true,
            _ => false,
        };
        let mine = |one: &&Ablation| one.part.layer() as usize == layer && is_of(one.part);
        let Some(ablation) = self.ablations.iter().find(mine).copied() else { return };
        match ablation.instead {
            Instead::Zero | Instead::Uniform => x.fill(0.0),
            Instead::Mean => {
                let width = self.width;
                let means = self.means.entry((layer, place)).or_insert_with(|| means_of(x, width));
                x.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(means));
            }
            Instead::Resample => {
                let donor = self.donors.and_then(|donors| donors.added.get(&(layer, by == Sublayer::Mlp)));
                let Some(donor) = donor else { return };
                // Heads have counted this pass's positions already.
                let after = self.at.get(&layer).copied().unwrap_or(0);
                let at = after.saturating_sub(x.len() / self.width);
                stand_in(x, donor, self.width, 0..self.width, at);
            }
        }
    }
}

/// The keys that a head's query is not to see, by head and query.
fn edges(ablations: &[Ablation]) -> BTreeMap<(usize, usize), Vec<usize>> {
    let mut edges: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for one in ablations {
        if let Part::Edge { head, query, key, .. } = one.part {
            edges.entry((head as usize, query as usize)).or_default().push(key as usize);
        }
    }
    edges
}

/// The mean of each column of rows of `width`.
fn means_of(x: &[f32], width: usize) -> Vec<f32> {
    let n = (x.len() / width).max(1) as f64;
    let mut sums = vec![0.0f64; width];
    for row in x.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    sums.iter().map(|sum| (sum / n) as f32).collect()
}

/// These columns of the donor's rows in place of `x`'s, position by position; after its last one from its first again.
fn stand_in(x: &mut [f32], donor: &[f32], width: usize, columns: Range<usize>, at: usize) {
    let n = donor.len() / width;
    for (i, row) in x.chunks_exact_mut(width).enumerate() {
        let from = (at + i) % n.max(1) * width;
        if let Some(donor) = donor.get(from..from + width) {
            row[columns.clone()].copy_from_slice(&donor[columns.clone()]);
        }
    }
}

fn visible(shape: &AttentionShape, query: usize) -> Range<usize> {
    shape.window.map_or(0, |window| (query + 1).saturating_sub(window))..query + 1
}

/// A head's output when every key that it sees weighs the same; `values` `[T, K, E]`.
fn uniform(shape: &AttentionShape, values: &[f32], head: usize, query: usize, out: &mut [f32]) {
    let e = shape.head_width;
    let column = head / (shape.n_heads / shape.n_kv_heads) * e;
    let seen = visible(shape, query);
    let part = 1.0 / seen.len() as f32;
    out.fill(0.0);
    for key in seen {
        let from = key * shape.kv_width() + column;
        if let Some(v) = values.get(from..from + e) {
            out.iter_mut().zip(v).for_each(|(out, v)| *out += part * v);
        }
    }
}

/// A head's output at `query` when it does not see `hidden`: softmax over the others. Of no key nothing is left.
fn without(
    shape: &AttentionShape,
    qkv: &Qkv<'_>,
    head: usize,
    (query, hidden): (usize, &[usize]),
    out: &mut [f32],
) {
    let e = shape.head_width;
    let kv = head / (shape.n_heads / shape.n_kv_heads);
    let slice = |rows: Rows<'_>, row: usize, at: usize| -> Vec<f32> {
        rows.values[row * rows.stride + at * e..][..e].to_vec()
    };
    let q = slice(qkv.q, query, head);
    let keys: Vec<usize> = visible(shape, query).filter(|one| !hidden.contains(one)).collect();
    let scores: Vec<f32> = keys
        .iter()
        .map(|key| {
            let dot: f32 = q.iter().zip(slice(qkv.k, *key, kv)).map(|(q, k)| q * k).sum();
            let score = dot * shape.scale;
            shape.soft_cap.map_or(score, |cap| cap * (score / cap).tanh())
        })
        .collect();
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
    let sum: f32 = weights.iter().sum();
    out.fill(0.0);
    for (key, weight) in keys.iter().zip(&weights) {
        let v = slice(qkv.v, *key, kv);
        out.iter_mut().zip(v).for_each(|(out, v)| *out += weight / sum * v);
    }
}
