//! The pass over plain slices: the rows of all sequences together go through norms and weights, each sequence attends
//! to its own cache. M rows in all; shapes as in `nn`.
//!
//! A row's numbers do not depend on which others are there, and what a request's adapters add is laid on its rows alone.

use super::Wanted;
use super::parts::{Block, Map, Mlp, Norm, Plan, Qkv as Projected};
use super::watch::{Sublayer, Watch};
use crate::nn::Adapters;
use anyhow::{Result, ensure};
use glassworks_kernels::arena::{Arena, Buf};
use glassworks_kernels::attention::BlockCache;
use glassworks_kernels::attention::{self, Qkv, Rows, Span};
use glassworks_kernels::dispatch::Precision;
use glassworks_kernels::matmul::{self, Part};
use glassworks_kernels::rope::{self, RopeShape, RopeTable};
use glassworks_kernels::weight::Weight as Matrix;
use glassworks_kernels::{activation, affine, embedding};
use std::ops::Range;

/// One sequence of a pass.
pub struct Rider<'a> {
    pub cache: &'a mut BlockCache,
    pub tokens: &'a [u32],
    pub adapters: Option<&'a Adapters>,
    pub wanted: Wanted,
    /// `[n, V]` of the positions wanted, once the pass is through.
    pub logits: &'a mut Vec<f32>,
    pub watch: Option<&'a mut dyn Watch>,
}

/// Where a pass begins that does not begin with its tokens.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    pub layer: usize,
    /// `[M, D]`: the residual stream before it.
    pub x: &'a [f32],
}

/// Tokens of one sequence up to which its rows are computed apart from one another, as the kernels do best. It is a
/// sequence's own length that decides, never the pass's, so that its numbers are its own.
const APART: usize = 16;

/// What all layers of a pass go by.
struct Pass<'a> {
    precision: Precision,
    /// M
    m: usize,
    /// The first so many rows are computed apart from one another.
    apart: usize,
    /// Of each rider.
    rows: Vec<Range<usize>>,
    adapters: Vec<Option<&'a Adapters>>,
    angles: Vec<Angles>,
    /// 0 to M − 1: each row's place in the angles.
    places: Vec<u32>,
}

/// `[M, R/2]`
struct Angles {
    cos: Vec<f32>,
    sin: Vec<f32>,
    half: usize,
}

/// The activations of a pass, each layer's in the place of the last one's.
struct Room {
    /// `[M, D]`
    x: Buf,
    /// `[M, D]`: what goes into a sublayer.
    normed: Buf,
    /// `[M, D]`: what comes out of one.
    made: Buf,
    /// `[M, D]`: the same after its norm, where a model has one there.
    extra: Buf,
    /// Queries, keys, values; or all in the first.
    qkv: [Buf; 3],
    /// A projection before it is taken apart, or queries and keys before their norms.
    raw: [Buf; 2],
    /// `[M, H·E]`
    attended: Buf,
    /// `[M, F]` each
    inner: [Buf; 3],
    /// For what norms find: two numbers a row, or one for each head of one.
    found: Buf,
}

/// Runs the pass; each rider gets the logits it wants. The riders change places. The caches grow when all is done.
///
/// # Errors
/// For ids outside the vocabulary, positions past the context, and what `between` returns, which is called between
/// the layers.
pub fn run(
    plan: &Plan<'_>,
    arena: &Arena,
    riders: &mut [Rider<'_>],
    start: Option<Start<'_>>,
    precision: Precision,
    between: &dyn Fn() -> Result<()>,
) -> Result<()> {
    // Those with a few tokens first.
    riders.sort_by_key(|rider| rider.tokens.len() > APART);
    let pass = Pass::of(plan, riders, precision)?;
    if pass.m == 0 {
        return Ok(());
    }
    riders.iter_mut().for_each(|rider| rider.cache.reserve(rider.tokens.len()));
    let mut room = Room::new(plan, arena, pass.m);
    match start {
        Some(start) => {
            ensure!(
                start.x.len() == room.x.len() && start.layer <= plan.blocks.len(),
                "no such place to start at"
            );
            room.x.copy_from_slice(start.x);
        }
        None => embed(plan, arena, riders, &mut room.x),
    }
    for (l, block) in plan.blocks.iter().enumerate().skip(start.map_or(0, |start| start.layer)) {
        between()?;
        pass.show(riders, &mut room.x, |watch, x| watch.residual(l, x));
        pass.block(l, block, riders, &mut room);
    }
    between()?;
    pass.show(riders, &mut room.x, |watch, x| watch.residual(plan.blocks.len(), x));
    pass.logits(plan, arena, riders, &room.x);
    riders.iter_mut().for_each(|rider| rider.cache.advance(rider.tokens.len()));
    Ok(())
}

fn embed(plan: &Plan<'_>, arena: &Arena, riders: &[Rider<'_>], x: &mut [f32]) {
    let tokens: Vec<u32> = riders.iter().flat_map(|rider| rider.tokens).copied().collect();
    embedding::gather(&tokens, &plan.tokens.matrix(), x);
    if plan.embedding_scale != 1.0 {
        affine::scale(x, plan.embedding_scale);
    }
    if let Some(positions) = &plan.positions {
        let ids: Vec<u32> = riders.iter().flat_map(|rider| positions_of(rider).map(|p| p as u32)).collect();
        let mut p = arena.take(x.len());
        embedding::gather(&ids, &positions.matrix(), &mut p);
        affine::add(x, &p);
    }
}

fn positions_of(rider: &Rider<'_>) -> Range<usize> {
    rider.cache.len()..rider.cache.len() + rider.tokens.len()
}

impl Room {
    fn new(plan: &Plan<'_>, arena: &Arena, m: usize) -> Self {
        let s = &plan.shape;
        let (q, kv) = (m * s.n_heads * s.head_width, m * s.n_kv_heads * s.head_width);
        let joint = plan.blocks.iter().any(|block| matches!(block.qkv, Projected::Joint(_)));
        let by_head = plan.blocks.iter().any(|block| matches!(block.qkv, Projected::ByHead(_)));
        let normed = plan.blocks.iter().any(|block| block.qk_norms.is_some());
        let after =
            plan.blocks.iter().any(|block| block.after_attention.is_some() || block.after_mlp.is_some());
        let gated = plan.blocks.iter().any(|block| matches!(block.mlp, Mlp::Gated { .. }));
        let raw = if by_head {
            [3 * q, 0]
        } else if normed {
            [q, kv]
        } else {
            [0, 0]
        };
        let qkv = if joint { [q + 2 * kv, 0, 0] } else { [q, kv, kv] };
        let inner = [m * s.mlp_width, m * s.mlp_width, if gated { m * s.mlp_width } else { 0 }];
        let take = |len| arena.take(len);
        Self {
            x: take(m * s.width),
            normed: take(m * s.width),
            made: take(m * s.width),
            extra: take(if after { m * s.width } else { 0 }),
            qkv: qkv.map(take),
            raw: raw.map(take),
            attended: take(q),
            inner: inner.map(take),
            found: take(m * s.n_heads.max(2)),
        }
    }
}

impl<'a> Pass<'a> {
    fn of(plan: &Plan<'_>, riders: &[Rider<'a>], precision: Precision) -> Result<Self> {
        let s = &plan.shape;
        for rider in riders {
            if let Some(id) = rider.tokens.iter().find(|id| **id as usize >= s.vocab_size) {
                anyhow::bail!("token {id} is outside the vocabulary of {}", s.vocab_size)
            }
            let end = positions_of(rider).end;
            ensure!(end <= s.context_length, "position {end} is past the context");
        }
        let rows = one_after_the_other(riders.iter().map(|rider| rider.tokens.len()));
        let m = rows.last().map_or(0, |rows| rows.end);
        let angles = plan.ropes.iter().map(|rope| {
            let tables = riders.iter().map(|rider| rope.tables(rider.cache.len(), rider.tokens.len()));
            let (cos, sin): (Vec<_>, Vec<_>) = tables.unzip();
            Angles { cos: cos.concat(), sin: sin.concat(), half: rope.width() / 2 }
        });
        Ok(Self {
            precision,
            m,
            apart: riders.iter().map(|rider| rider.tokens.len()).filter(|n| *n <= APART).sum(),
            rows,
            adapters: riders.iter().map(|rider| rider.adapters).collect(),
            angles: angles.collect(),
            places: (0..m as u32).collect(),
        })
    }

    /// Shows each rider's rows of `x` to whoever watches it.
    fn show(&self, riders: &mut [Rider<'_>], x: &mut [f32], see: impl Fn(&mut dyn Watch, &mut [f32])) {
        let width = x.len() / self.m;
        for (rider, rows) in riders.iter_mut().zip(&self.rows) {
            if let Some(watch) = &mut rider.watch {
                see(&mut **watch, &mut x[rows.start * width..rows.end * width]);
            }
        }
    }

    /// x becomes what follows it.
    fn block(&self, l: usize, block: &Block<'_>, riders: &mut [Rider<'_>], room: &mut Room) {
        block.norm_1.apply(&room.x, &mut room.normed, &mut room.found);
        self.attend(l, block, riders, room);
        if block.parallel {
            block.norm_2.apply(&room.x, &mut room.normed, &mut room.found);
        }
        self.add((l, Sublayer::Attention), block.after_attention.as_ref(), riders, room);
        if !block.parallel {
            block.norm_2.apply(&room.x, &mut room.normed, &mut room.found);
        }
        self.mlp(&block.mlp, room);
        self.add((l, Sublayer::Mlp), block.after_mlp.as_ref(), riders, room);
    }

    /// x += what a sublayer made, normed where it has such a norm.
    fn add(
        &self,
        (l, by): (usize, Sublayer),
        norm: Option<&Norm<'_>>,
        riders: &mut [Rider<'_>],
        room: &mut Room,
    ) {
        let made = match norm {
            Some(norm) => {
                norm.apply(&room.made, &mut room.extra, &mut room.found);
                &mut room.extra
            }
            None => &mut room.made,
        };
        self.show(riders, made, |watch, x| watch.added(l, by, x));
        affine::add(&mut room.x, made);
    }

    /// Attention over each rider's cache, which takes in this pass's keys and values: from `normed` to `made`.
    fn attend(&self, l: usize, block: &Block<'_>, riders: &mut [Rider<'_>], room: &mut Room) {
        let shape = &block.attention;
        let Room { normed, made, qkv: [q, k, v], raw, attended, found, .. } = room;
        match &block.qkv {
            Projected::Separate(maps) => {
                let outs = match &block.qk_norms {
                    Some(_) => {
                        let [raw_q, raw_k] = raw;
                        [&mut **raw_q, &mut **raw_k, &mut **v]
                    }
                    None => [&mut **q, &mut **k, &mut **v],
                };
                self.products(normed, maps.each_ref(), outs);
            }
            Projected::Joint(map) => self.products(normed, [map], [&mut **q]),
            Projected::ByHead(map) => {
                self.products(normed, [map], [&mut *raw[0]]);
                affine::split_heads(&raw[0], shape.head_width, [&mut **q, &mut **k, &mut **v]);
            }
        }
        if let Some([q_norm, k_norm]) = &block.qk_norms {
            q_norm.apply(&raw[0], q, found);
            k_norm.apply(&raw[1], k, found);
        }
        if let Some(which) = block.rope {
            self.turn(q, shape.n_heads, shape.head_width, which);
            self.turn(k, shape.n_kv_heads, shape.head_width, which);
        }
        let views = match &block.qkv {
            Projected::Joint(_) => shape.fused(q),
            Projected::Separate(_) | Projected::ByHead(_) => shape.apart(q, k, v),
        };
        for (rider, rows) in riders.iter_mut().zip(&self.rows) {
            rider.cache.write(l, from(views.k, rows.start), from(views.v, rows.start), rows.len());
        }
        let spans: Vec<Span<'_>> = riders
            .iter()
            .zip(&self.rows)
            .map(|(rider, rows)| Span { cache: &*rider.cache, rows: rows.clone() })
            .collect();
        attention::cached(shape, l, views.q, &spans, attended);
        let width = shape.q_width();
        for (rider, rows) in riders.iter_mut().zip(&self.rows) {
            if let Some(watch) = &mut rider.watch {
                let [q, k, v] = [views.q, views.k, views.v].map(|all| from(all, rows.start));
                watch.heads(l, Qkv { q, k, v }, &mut attended[rows.start * width..rows.end * width]);
            }
        }
        self.products(attended, [&block.o], [&mut **made]);
    }

    /// Turns each head of `x` `[M, H·E]` to its row's position.
    fn turn(&self, x: &mut [f32], n_heads: usize, head_width: usize, which: usize) {
        let Angles { cos, sin, half } = &self.angles[which];
        let shape = RopeShape { n_heads, head_width, row_stride: n_heads * head_width };
        rope::rope(x, shape, RopeTable { cos, sin, half: *half }, &self.places, false);
    }

    /// From `normed` to `made`.
    fn mlp(&self, mlp: &Mlp<'_>, room: &mut Room) {
        let Room { normed, made, inner: [up_out, inner, gate_out], .. } = room;
        let down = match mlp {
            Mlp::Gated { gate, up, down, activation } => {
                self.products(normed, [gate, up], [&mut **gate_out, &mut **up_out]);
                activation::gated(*activation, gate_out, up_out, inner);
                down
            }
            Mlp::Plain { up, down, activation } => {
                self.products(normed, [up], [&mut **up_out]);
                activation::plain(*activation, up_out, inner);
                down
            }
        };
        self.products(inner, [down], [&mut **made]);
    }

    /// Each map's output of the same x `[M, in]`, with what each rider's adapters add to its rows.
    fn products<const N: usize>(&self, x: &[f32], maps: [&Map<'_>; N], mut outs: [&mut [f32]; N]) {
        let n_in = x.len() / self.m;
        let (few, many) = x.split_at(self.apart * n_in);
        let weights = maps.map(|map| map.weight.matrix());
        if self.apart > 0 {
            let mut parts = parts(weights, &mut outs, 0..self.apart);
            matmul::linears_apart(few, self.apart, &mut parts, self.precision);
        }
        if self.m > self.apart {
            let mut parts = parts(weights, &mut outs, self.apart..self.m);
            matmul::linears(many, self.m - self.apart, &mut parts, self.precision);
        }
        for (map, out) in maps.iter().zip(&mut outs) {
            if let Some(bias) = &map.bias {
                affine::add_bias(out, bias.values());
            }
            let n_out = out.len() / self.m;
            for (adapters, rows) in self.adapters.iter().zip(&self.rows) {
                if let Some(adapters) = adapters {
                    let x = &x[rows.start * n_in..rows.end * n_in];
                    adapters.add_to(map.id, x, rows.len(), &mut out[rows.start * n_out..rows.end * n_out]);
                }
            }
        }
    }

    /// Final norm and unembedding: `[M, D]` → `[M, V]`.
    fn unembed(&self, plan: &Plan<'_>, arena: &Arena, rows: &[f32]) -> Buf {
        let (mut normed, mut found) = (arena.take(rows.len()), arena.take(2 * self.m));
        plan.norm.apply(rows, &mut normed, &mut found);
        let mut logits = arena.take(self.m * plan.shape.vocab_size);
        self.products(&normed, [&plan.head], [&mut logits]);
        if let Some(cap) = plan.logit_cap {
            activation::soft_cap(&mut logits, cap);
        }
        logits
    }

    /// Final norm and unembedding of the rows that each rider wants.
    fn logits(&self, plan: &Plan<'_>, arena: &Arena, riders: &mut [Rider<'_>], x: &[f32]) {
        let mut wanted: Vec<(usize, Range<usize>)> = Vec::with_capacity(riders.len());
        for (i, (rider, rows)) in riders.iter().zip(&self.rows).enumerate() {
            match rider.wanted {
                Wanted::Nothing => {}
                Wanted::Last => wanted.push((i, rows.end - 1..rows.end)),
                Wanted::Tail(n) => wanted.push((i, rows.end - n.min(rows.len())..rows.end)),
                Wanted::At(at) => wanted.push((i, rows.start + at..rows.start + at + 1)),
                Wanted::All => wanted.push((i, rows.clone())),
            }
        }
        wanted.sort_by_key(|(_, rows)| rows.len() > APART);
        let n: usize = wanted.iter().map(|(_, rows)| rows.len()).sum();
        if n == 0 {
            return;
        }
        let (width, vocab) = (plan.shape.width, plan.shape.vocab_size);
        let mut rows = arena.take(n * width);
        let all = wanted.iter().flat_map(|(_, rows)| rows.clone());
        for (to, from) in rows.chunks_exact_mut(width).zip(all) {
            to.copy_from_slice(&x[from * width..(from + 1) * width]);
        }
        let head = Pass {
            precision: self.precision,
            m: n,
            apart: wanted.iter().map(|(_, rows)| rows.len()).filter(|n| *n <= APART).sum(),
            rows: one_after_the_other(wanted.iter().map(|(_, rows)| rows.len())),
            adapters: wanted.iter().map(|(i, _)| self.adapters[*i]).collect(),
            angles: Vec::new(),
            places: Vec::new(),
        };
        let logits = head.unembed(plan, arena, &rows);
        for ((i, _), rows) in wanted.iter().zip(&head.rows) {
            riders[*i].logits.extend_from_slice(&logits[rows.start * vocab..rows.end * vocab]);
        }
    }
}

/// Final norm and unembedding of rows of the residual stream, `[n, D]` → `[n, V]`, all of one sequence.
pub fn unembed(
    plan: &Plan<'_>,
    arena: &Arena,
    rows: &[f32],
    adapters: Option<&Adapters>,
    precision: Precision,
) -> Vec<f32> {
    let n = rows.len() / plan.shape.width;
    if n == 0 {
        return Vec::new();
    }
    let head = Pass {
        precision,
        m: n,
        apart: if n <= APART { n } else { 0 },
        rows: std::iter::once(0..n).collect(),
        adapters: vec![adapters],
        angles: Vec::new(),
        places: Vec::new(),
    };
    head.unembed(plan, arena, rows).to_vec()
}

/// A layer's output projection without its bias: `[n, H·E]` → `[n, D]`, all rows of one sequence.
pub fn project(block: &Block<'_>, rows: &[f32], n: usize, adapters: Option<&Adapters>) -> Vec<f32> {
    let pass = Pass {
        precision: Precision::Exact,
        m: n,
        apart: if n <= APART { n } else { 0 },
        rows: std::iter::once(0..n).collect(),
        adapters: vec![adapters],
        angles: Vec::new(),
        places: Vec::new(),
    };
    let mut out = vec![0.0; n * block.o.weight.matrix().n_out];
    pass.products(rows, [&block.o], [&mut out]);
    if let Some(bias) = &block.o.bias {
        let less: Vec<f32> = bias.values().iter().map(|b| -b).collect();
        affine::add_bias(&mut out, &less);
    }
    out
}

/// These rows of each weight's output.
fn parts<'a, const N: usize>(
    weights: [Matrix<'a>; N],
    outs: &'a mut [&mut [f32]; N],
    rows: Range<usize>,
) -> [Part<'a>; N] {
    let mut outs = outs.iter_mut();
    weights.map(|weight| {
        let rows = rows.start * weight.n_out..rows.end * weight.n_out;
        // As many outs as weights.
        Part { weight, out: outs.next().map_or(&mut [], |out| &mut out[rows]) }
    })
}

/// The rows from `first` on.
fn from(all: Rows<'_>, first: usize) -> Rows<'_> {
    Rows::new(all.values.get(first * all.stride..).unwrap_or(&[]), all.stride)
}

/// Ranges of these lengths.
fn one_after_the_other(lens: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut at = 0;
    lens.map(|len| {
        let start = at;
        at += len;
        start..at
    })
    .collect()
}
