//! The keys and values of one sequence, in blocks that sequences with a common beginning share.
//!
//! Inside a block positions lie across the lanes for keys and along the rows for values, which is the order that
//! [`cached`](super::cached()) reads them in; nobody else has to know.

use std::fmt;
use std::sync::Arc;

use super::Rows;
use super::store::{quantise, store_keys};
use crate::arena::Block as Memory;
use crate::dispatch::{self, Isa};
use crate::lanes::MAX_LANES;
use crate::pool;

/// Positions of a block: a few vectors of them on every instruction set.
pub const BLOCK: usize = 64;

/// How keys and values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CachePrecision {
    /// As they are.
    F32,
    /// Rounded to whole 127ths of the largest of a position and head, which is kept beside them: off by at most
    /// half of a 127th of it.
    Int8,
}

/// What a cache holds for each position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheShape {
    pub n_layers: usize,
    /// Heads of keys and values.
    pub n_kv_heads: usize,
    /// E, the width of a head.
    pub head_width: usize,
    pub precision: CachePrecision,
}

impl CacheShape {
    /// The width of a row of values in a block: whole vectors on every instruction set.
    pub(super) fn padded(&self) -> usize {
        self.head_width.next_multiple_of(MAX_LANES)
    }

    /// Keys and values of a block that belong to one head of one layer: keys \[E, BLOCK\], then values
    /// \[BLOCK, padded E\].
    fn head_len(&self) -> usize {
        BLOCK * (self.head_width + self.padded())
    }

    /// Heads of all layers.
    fn heads(&self) -> usize {
        self.n_layers * self.n_kv_heads
    }

    /// Cache lines of keys and values, and of their scales.
    fn lines(&self) -> (usize, usize) {
        match self.precision {
            CachePrecision::F32 => (Memory::lines_for::<f32>(self.heads() * self.head_len()), 0),
            CachePrecision::Int8 => (
                Memory::lines_for::<i8>(self.heads() * self.head_len()),
                Memory::lines_for::<f32>(self.heads() * 2 * BLOCK),
            ),
        }
    }

    fn block_bytes(&self) -> usize {
        let (values, scales) = self.lines();
        (values + scales) * crate::arena::LINE_BYTES
    }
}

/// `BLOCK` positions of every layer.
#[derive(Clone)]
struct Block {
    /// \[layers, Kv, keys and values\], see [`CacheShape::head_len`].
    values: Memory,
    /// With [`CachePrecision::Int8`] \[layers, Kv, 2, BLOCK\], of keys and of values.
    scales: Memory,
}

impl Block {
    fn new(shape: &CacheShape) -> Self {
        let (values, scales) = shape.lines();
        Self { values: Memory::new(values), scales: Memory::new(scales) }
    }

    /// Takes the first rows of `k` and `v` as positions `from..from + t` of this block.
    fn write(
        &mut self,
        isa: Isa,
        shape: &CacheShape,
        layer: usize,
        given: &Given<'_>,
        from: usize,
        t: usize,
    ) {
        let (width, padded) = (shape.head_width, shape.padded());
        let head_len = shape.head_len();
        for head in 0..shape.n_kv_heads {
            let at = layer * shape.n_kv_heads + head;
            let [k, v] = [given.k, given.v].map(|rows| Rows::new(&rows.values[head * width..], rows.stride));
            match shape.precision {
                CachePrecision::F32 => {
                    let all = self.values.values_mut::<f32>(shape.heads() * head_len);
                    let (keys, values) = all[at * head_len..][..head_len].split_at_mut(width * BLOCK);
                    store_keys(isa, k, t, width, keys, from);
                    for (i, to) in values[from * padded..].chunks_exact_mut(padded).take(t).enumerate() {
                        to[..width].copy_from_slice(&v.values[i * v.stride..][..width]);
                    }
                }
                CachePrecision::Int8 => {
                    let all = self.values.values_mut::<i8>(shape.heads() * head_len);
                    let (keys, values) = all[at * head_len..][..head_len].split_at_mut(width * BLOCK);
                    let scales = self.scales.values_mut::<f32>(shape.heads() * 2 * BLOCK);
                    let (k_scales, v_scales) = scales[at * 2 * BLOCK..][..2 * BLOCK].split_at_mut(BLOCK);
                    let mut row = vec![0; width];
                    for (i, position) in (from..from + t).enumerate() {
                        k_scales[position] = quantise(isa, &k.values[i * k.stride..][..width], &mut row);
                        row.iter().enumerate().for_each(|(e, x)| keys[e * BLOCK + position] = *x);
                        let to = &mut values[position * padded..][..width];
                        v_scales[position] = quantise(isa, &v.values[i * v.stride..][..width], to);
                    }
                }
            }
        }
    }
}

/// Rows to write.
struct Given<'a> {
    k: Rows<'a>,
    v: Rows<'a>,
}

/// One head of one layer of a block: keys \[E, BLOCK\] and values \[BLOCK, padded E\].
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    F32 {
        keys: &'a [f32],
        values: &'a [f32],
    },
    /// To be multiplied by the scale of their position.
    Int8 {
        keys: &'a [i8],
        values: &'a [i8],
        key_scales: &'a [f32],
        value_scales: &'a [f32],
    },
}

/// Keys and values of one sequence, all layers, in blocks of [`BLOCK`] positions.
///
/// Clones and prefixes share blocks; one that is shared is copied before it is written to, so nobody sees what
/// another writes. A pass asks for room ([`reserve`](Self::reserve)), writes each layer's keys and values behind
/// what counts ([`write`](Self::write)), attends to them, and lets them count at the end
/// ([`advance`](Self::advance)): one that fails half way leaves the cache as it was.
#[derive(Clone)]
pub struct BlockCache {
    shape: CacheShape,
    blocks: Vec<Arc<Block>>,
    len: usize,
}

impl fmt::Debug for BlockCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockCache")
            .field("shape", &self.shape)
            .field("len", &self.len)
            .field("blocks", &self.blocks.len())
            .finish()
    }
}

impl BlockCache {
    /// An empty cache; takes no memory yet.
    ///
    /// # Panics
    /// If `shape` has a zero.
    #[must_use]
    pub fn new(shape: CacheShape) -> Self {
        assert!(shape.heads() > 0 && shape.head_width > 0, "a cache of {shape:?}");
        Self { shape, blocks: Vec::new(), len: 0 }
    }

    /// What it holds for each position.
    #[must_use]
    pub fn shape(&self) -> &CacheShape {
        &self.shape
    }

    /// Positions that count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no position counts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets all positions from `len` on, if there are so many, and lets their blocks go.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len {
            self.len = len;
            self.blocks.truncate(len.div_ceil(BLOCK));
        }
    }

    /// A cache of the first `len` positions, which shares their blocks.
    ///
    /// # Panics
    /// If fewer count.
    #[must_use]
    pub fn prefix(&self, len: usize) -> Self {
        assert!(len <= self.len, "{len} positions of {}", self.len);
        Self { shape: self.shape, blocks: self.blocks[..len.div_ceil(BLOCK)].to_vec(), len }
    }

    /// Makes room for `t` more positions in every layer: takes memory for new blocks, and copies those to be
    /// written to that are shared.
    pub fn reserve(&mut self, t: usize) {
        if t == 0 {
            return;
        }
        let (first, end) = (self.len / BLOCK, (self.len + t).div_ceil(BLOCK));
        let (shape, had, len) = (&self.shape, self.blocks.len(), self.len);
        let mut made: Vec<Option<Arc<Block>>> = vec![None; end.saturating_sub(first)];
        let blocks = &mut self.blocks;
        let lacks: Vec<bool> =
            (first..end).map(|i| i >= had || Arc::get_mut(&mut blocks[i]).is_none()).collect();
        // On the pool, since memory is cleared when it is taken.
        let old = &self.blocks;
        pool::chunks_mut(&mut made, 1, |i, made| {
            if lacks[i] {
                let keeps = (first + i) * BLOCK < len;
                made[0] = Some(Arc::new(if keeps { (*old[first + i]).clone() } else { Block::new(shape) }));
            }
        });
        for (i, block) in made.into_iter().enumerate() {
            match block {
                Some(block) if first + i < had => self.blocks[first + i] = block,
                Some(block) => self.blocks.push(block),
                None => {}
            }
        }
    }

    /// Takes `t` rows of keys and of values, \[T, Kv, E\] each, as positions `len..len + t` of a layer. They can
    /// be attended to, but don't count yet; writing again writes over them. On the pool if they are many.
    ///
    /// # Panics
    /// If the rows are fewer or narrower, there is no such layer, or [`reserve`](Self::reserve) made no room.
    pub fn write(&mut self, layer: usize, k: Rows<'_>, v: Rows<'_>, t: usize) {
        self.write_on(dispatch::active(), layer, k, v, t);
    }

    pub(super) fn write_on(&mut self, isa: Isa, layer: usize, k: Rows<'_>, v: Rows<'_>, t: usize) {
        let width = self.shape.n_kv_heads * self.shape.head_width;
        assert!(layer < self.shape.n_layers, "layer {layer} of {}", self.shape.n_layers);
        if t == 0 {
            return;
        }
        for rows in [k, v] {
            assert!(rows.stride >= width, "rows of {width}, {} apart", rows.stride);
            assert!(rows.values.len() >= (t - 1) * rows.stride + width, "{t} rows of {width}");
        }
        assert!(self.len + t <= self.blocks.len() * BLOCK, "room for {t} positions after {}", self.len);
        let (shape, len) = (self.shape, self.len);
        let first = len / BLOCK;
        pool::chunks_mut(&mut self.blocks[first..(len + t).div_ceil(BLOCK)], 1, |i, block| {
            let from = len.max((first + i) * BLOCK);
            let to = (len + t).min((first + i + 1) * BLOCK);
            let block = Arc::get_mut(&mut block[0]);
            assert!(block.is_some(), "block {} is shared: no room was made", first + i);
            let [k, v] = [k, v].map(|r| Rows::new(&r.values[(from - len) * r.stride..], r.stride));
            if let Some(block) = block {
                block.write(isa, &shape, layer, &Given { k, v }, from % BLOCK, to - from);
            }
        });
    }

    /// Lets the next `t` positions count, whose keys and values are written in every layer.
    ///
    /// # Panics
    /// If there was no room for so many.
    pub fn advance(&mut self, t: usize) {
        assert!(self.len + t <= self.blocks.len() * BLOCK, "{t} positions were written");
        self.len += t;
    }

    /// The memory of its blocks; those that are shared count in full.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.blocks.len() * self.shape.block_bytes()
    }

    /// The memory that `n_positions` take.
    #[must_use]
    pub fn bytes_for(shape: &CacheShape, n_positions: usize) -> usize {
        n_positions.div_ceil(BLOCK) * shape.block_bytes()
    }

    /// The keys and values \[E\] of one position and head, as they are read: for looking inside.
    ///
    /// # Panics
    /// If there is no such place.
    #[must_use]
    pub fn read(&self, layer: usize, position: usize, head: usize) -> (Vec<f32>, Vec<f32>) {
        assert!(position < self.len, "position {position} of {}", self.len);
        let (width, padded, i) = (self.shape.head_width, self.shape.padded(), position % BLOCK);
        match self.part(layer, head, position / BLOCK) {
            Part::F32 { keys, values } => {
                ((0..width).map(|e| keys[e * BLOCK + i]).collect(), values[i * padded..][..width].to_vec())
            }
            Part::Int8 { keys, values, key_scales, value_scales } => (
                (0..width).map(|e| f32::from(keys[e * BLOCK + i]) * key_scales[i]).collect(),
                values[i * padded..][..width].iter().map(|v| f32::from(*v) * value_scales[i]).collect(),
            ),
        }
    }

    /// Positions there is room for.
    pub(super) fn room(&self) -> usize {
        self.blocks.len() * BLOCK
    }

    pub(super) fn part(&self, layer: usize, head: usize, block: usize) -> Part<'_> {
        let shape = &self.shape;
        assert!(layer < shape.n_layers && head < shape.n_kv_heads, "layer {layer}, head {head}");
        let (block, at, head_len) = (&self.blocks[block], layer * shape.n_kv_heads + head, shape.head_len());
        let keys_len = shape.head_width * BLOCK;
        match shape.precision {
            CachePrecision::F32 => {
                let all = block.values.values::<f32>(shape.heads() * head_len);
                let (keys, values) = all[at * head_len..][..head_len].split_at(keys_len);
                Part::F32 { keys, values }
            }
            CachePrecision::Int8 => {
                let all = block.values.values::<i8>(shape.heads() * head_len);
                let (keys, values) = all[at * head_len..][..head_len].split_at(keys_len);
                let scales = block.scales.values::<f32>(shape.heads() * 2 * BLOCK);
                let (key_scales, value_scales) = scales[at * 2 * BLOCK..][..2 * BLOCK].split_at(BLOCK);
                Part::Int8 { keys, values, key_scales, value_scales }
            }
        }
    }
}
