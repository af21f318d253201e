//! What a watched pass leaves behind: maps as the plan keeps them, small pictures and scores of all heads, and the
//! residual stream.

use super::pooled::Pooled;
use crate::infer::watch::Watch;
use crate::models::ModelShape;
use glassworks_kernels::attention::{AttentionShape, MapRows, Qkv, Rows, weights};
use glassworks_protocol::inside::{
    HeadScores, LayerCapture, MapShape, Maps, Storage, Thumbnails, coded_means,
};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// How each layer's attention is made, for who asks before anything runs.
pub fn map_shapes(shape: &ModelShape, attention: &[AttentionShape]) -> Vec<MapShape> {
    attention
        .iter()
        .map(|layer| MapShape {
            n_heads: shape.n_heads as u32,
            n_kv_heads: shape.n_kv_heads as u32,
            head_width: shape.head_width as u32,
            scale: layer.scale,
            soft_cap: layer.soft_cap,
            window: layer.window.map(|window| window as u32),
        })
        .collect()
}

/// What watching a pass of T tokens takes besides what is kept, bytes.
pub fn working_bytes(shape: &ModelShape, t: usize) -> u64 {
    let pictures = shape.n_heads * 3 * Thumbnails::MOST * Thumbnails::MOST;
    4 * (t * (t + 1) / 2 + pictures + t * shape.n_heads) as u64
}

/// Watches one pass of T tokens from the first layer on.
pub struct Recorder<'a> {
    tokens: &'a [u32],
    attention: &'a [AttentionShape],
    shapes: &'a [MapShape],
    /// Which layers, and how their maps are kept.
    storage: BTreeMap<usize, Storage>,
    /// Whether the residual stream is kept.
    residuals: bool,
    /// Of each token the last place before it that holds the same one; [`NONE`] where none does.
    earlier: Vec<u32>,
    tell: &'a dyn Fn(Arc<LayerCapture>),
    pub layers: Vec<Arc<LayerCapture>>,
    pub kept: Vec<Arc<Vec<f32>>>,
}

impl<'a> Recorder<'a> {
    pub fn new(
        tokens: &'a [u32],
        attention: &'a [AttentionShape],
        shapes: &'a [MapShape],
        storage: BTreeMap<usize, Storage>,
        residuals: bool,
        tell: &'a dyn Fn(Arc<LayerCapture>),
    ) -> Self {
        let earlier = earlier(tokens);
        Self {
            tokens,
            attention,
            shapes,
            storage,
            residuals,
            earlier,
            tell,
            layers: Vec::new(),
            kept: Vec::new(),
        }
    }
}

impl Watch for Recorder<'_> {
    fn residual(&mut self, _: usize, x: &mut [f32]) {
        if self.residuals {
            self.kept.push(Arc::new(x.to_vec()));
        }
    }

    fn heads(&mut self, layer: usize, qkv: Qkv<'_>, _: &mut [f32]) {
        let Some(storage) = self.storage.get(&layer) else { return };
        let (shape, t) = (&self.shapes[layer], self.tokens.len());
        let mut seen = Seen::of(&self.attention[layer], shape, *storage, &qkv, &self.earlier);
        let capture = LayerCapture {
            layer: layer as u32,
            shape: *shape,
            maps: seen.maps(*storage, shape, &qkv, t),
            thumbnails: Thumbnails {
                side: seen.pictures[0].side() as u32,
                max: seen.pictures.iter().flat_map(Pooled::max_codes).collect(),
                mean: seen.pictures.iter().flat_map(Pooled::mean_codes).collect(),
            },
            scores: seen.sums.iter().map(|sums| sums.scores(t)).collect(),
            mean: seen.means(),
        };
        let capture = Arc::new(capture);
        self.layers.push(Arc::clone(&capture));
        (self.tell)(capture);
    }
}

/// No such place.
const NONE: u32 = u32::MAX;

/// For each token the last place before it that holds the same one.
fn earlier(tokens: &[u32]) -> Vec<u32> {
    let mut places: BTreeMap<u32, u32> = BTreeMap::new();
    tokens.iter().enumerate().map(|(at, id)| places.insert(*id, at as u32).unwrap_or(NONE)).collect()
}

/// A layer's maps while tiles of them come by.
struct Seen {
    /// `[T, H]`
    lse: Vec<f32>,
    pictures: Vec<Pooled>,
    sums: Vec<Sums>,
    /// Of maps that are kept as values.
    values: Maps,
    /// Sums over heads, of query i its `i + 1` numbers.
    summed: Vec<f32>,
}

impl Seen {
    fn of(
        attention: &AttentionShape,
        shape: &MapShape,
        storage: Storage,
        qkv: &Qkv<'_>,
        earlier: &[u32],
    ) -> Self {
        let (t, h) = (earlier.len(), attention.n_heads);
        let n_values = h * t * (t + 1) / 2;
        let values = match storage {
            Storage::Qk => Maps::empty(Storage::Dense),
            Storage::Dense => Maps::Dense(vec![0.0; n_values]),
            Storage::Coded => Maps::Coded(vec![0; n_values]),
        };
        let seen = Mutex::new(Self {
            lse: vec![0.0; t * h],
            pictures: vec![Pooled::new(t, Thumbnails::MOST); h],
            sums: vec![Sums::default(); h],
            values,
            summed: vec![0.0; t * (t + 1) / 2],
        });
        weights(attention, qkv.q, qkv.k, t, 0..h, &|rows| {
            // What takes long is done before the others have to wait.
            let mut picture = Pooled::new(t, Thumbnails::MOST);
            let mut sums = Sums::default();
            for (i, row) in rows.weights.chunks_exact(rows.stride).enumerate() {
                let query = rows.query + i;
                picture.add(query, shape.visible(query), row);
                sums.add(query, row, (rows.entropy[i], shape.visible(query).len()), earlier);
            }
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.pictures[rows.head].merge(&picture, rows.query..rows.query + rows.lse.len());
            seen.sums[rows.head].merge(&sums);
            seen.keep(shape, h, &rows);
        });
        seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&mut self, shape: &MapShape, n_heads: usize, rows: &MapRows<'_>) {
        for (i, row) in rows.weights.chunks_exact(rows.stride).enumerate() {
            let query = rows.query + i;
            self.lse[query * n_heads + rows.head] = rows.lse[i];
            self.values.set_row(shape, rows.head, query, &row[..=query]);
            let start = query * (query + 1) / 2;
            self.summed[start..].iter_mut().zip(&row[..=query]).for_each(|(sum, a)| *sum += a);
        }
    }

    fn means(&mut self) -> Vec<u16> {
        let part = 1.0 / self.sums.len().max(1) as f32;
        self.summed.iter_mut().for_each(|sum| *sum *= part);
        coded_means(&self.summed)
    }

    fn maps(&mut self, storage: Storage, shape: &MapShape, qkv: &Qkv<'_>, t: usize) -> Maps {
        let width = |n: u32| (n * shape.head_width) as usize;
        match storage {
            Storage::Qk => Maps::Qk {
                q: packed(qkv.q, width(shape.n_heads), t),
                k: packed(qkv.k, width(shape.n_kv_heads), t),
                lse: std::mem::take(&mut self.lse),
            },
            Storage::Dense | Storage::Coded => {
                std::mem::replace(&mut self.values, Maps::empty(Storage::Dense))
            }
        }
    }
}

/// Rows one after the other.
fn packed(rows: Rows<'_>, width: usize, n: usize) -> Vec<f32> {
    rows.values.chunks(rows.stride).take(n).flat_map(|row| &row[..width]).copied().collect()
}

/// What a head's rows do, summed up.
#[derive(Clone, Debug, Default)]
struct Sums {
    previous: f64,
    sink: f64,
    entropy: f64,
    induction: f64,
    duplicate: f64,
    /// Rows whose token has been there before.
    n_again: u32,
}

impl Sums {
    /// `entropy` in nats, of a row of so many keys.
    fn add(&mut self, query: usize, row: &[f32], (entropy, n): (f32, usize), earlier: &[u32]) {
        if query == 0 {
            return;
        }
        let at = |key: usize| f64::from(row[key]);
        self.previous += at(query - 1);
        self.sink += at(0);
        if n > 1 {
            self.entropy += f64::from(entropy) / (n as f64).ln();
        }
        let mut place = earlier[query];
        self.n_again += u32::from(place != NONE);
        while place != NONE {
            self.duplicate += at(place as usize);
            self.induction += at(place as usize + 1);
            place = earlier[place as usize];
        }
    }

    fn merge(&mut self, other: &Self) {
        self.previous += other.previous;
        self.sink += other.sink;
        self.entropy += other.entropy;
        self.induction += other.induction;
        self.duplicate += other.duplicate;
        self.n_again += other.n_again;
    }

    /// Of T tokens.
    fn scores(&self, t: usize) -> HeadScores {
        let rows = (t - 1).max(1) as f64;
        let again = |sum: f64| (self.n_again > 0).then(|| (sum / f64::from(self.n_again)) as f32);
        HeadScores {
            induction: again(self.induction),
            duplicate: again(self.duplicate),
            previous: (self.previous / rows) as f32,
            sink: (self.sink / rows) as f32,
            entropy: (self.entropy / rows) as f32,
        }
    }
}

/// The layers that a plan names, and how their maps are kept so that all of it fits.
pub fn storage(
    shapes: &[MapShape],
    layers: &[usize],
    n_tokens: usize,
    budget_bytes: u64,
) -> BTreeMap<usize, Storage> {
    let each = budget_bytes / layers.len().max(1) as u64;
    layers.iter().map(|layer| (*layer, shapes[*layer].storage(n_tokens, each))).collect()
}

/// The cells that a token's row or column falls into when `n` are made `side`.
pub fn cell(at: usize, n: usize, side: usize) -> usize {
    at * side / n.max(1)
}

/// The tokens that a cell stands for.
pub fn tokens_of(cell: usize, n: usize, side: usize) -> Range<usize> {
    (cell * n).div_ceil(side)..((cell + 1) * n).div_ceil(side)
}
