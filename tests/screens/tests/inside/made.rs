//! Captures made without a model: queries and keys of which some look one back, some at the first token, some at tokens
//! like themselves or at what followed those; grouped heads, a window where it is wished.

use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{
    Capture, CaptureSpec, HeadScores, LayerCapture, MapShape, Maps, SeenToken, Sizes, Storage, Thumbnails,
    TurnSpan, coded,
};
use glassworks_protocol::model::{ModelRef, Precision};
use std::sync::Arc;

const WIDTH: usize = 16;
/// Of positions, then the first token, then what the token is.
const PLACES: usize = 8;

/// How captures are made.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub n_layers: u32,
    pub n_heads: u32,
    pub n_kv_heads: u32,
    pub window: Option<u32>,
    /// `None`: the smaller exact one.
    pub storage: Option<Storage>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self { n_layers: 6, n_heads: 9, n_kv_heads: 3, window: None, storage: None }
    }
}

/// Numbers by a seed, −1 to 1.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f32 / (1u64 << 30) as f32) - 1.0
    }
}

/// Words with the space before them, parts of contractions, marks; characters of Chinese alone.
pub fn tokens(text: &str) -> Vec<SeenToken> {
    let mut words: Vec<String> = Vec::new();
    for c in text.chars() {
        let begins = match words.last().and_then(|word| word.chars().last()) {
            None => true,
            Some(last) => {
                c == ' '
                    || c == '\''
                    || !c.is_ascii()
                    || !last.is_ascii()
                    || (c.is_ascii_punctuation() && last != ' ')
            }
        };
        match words.last_mut() {
            Some(word) if !begins => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    let first = SeenToken { id: 1, text: "<s>".into(), name: "<s>".into(), special: true };
    let one =
        |text: String| SeenToken { id: id_of(&text), name: text.replace(' ', "Ġ"), text, special: false };
    std::iter::once(first).chain(words.into_iter().map(one)).collect()
}

fn id_of(text: &str) -> u32 {
    text.trim().bytes().fold(7, |id: u32, byte| id.wrapping_mul(31).wrapping_add(byte.into())) % 49_000 + 10
}

fn place(at: f32) -> [f32; PLACES] {
    let mut out = [0.0; PLACES];
    for (i, pair) in out.chunks_mut(2).enumerate() {
        let angle = at * [1.1, 0.6, 0.23, 0.05][i];
        (pair[0], pair[1]) = (angle.cos(), angle.sin());
    }
    out
}

fn likeness(id: u32) -> [f32; WIDTH - PLACES - 1] {
    let mut random = Random(u64::from(id) * 977 + 5);
    std::array::from_fn(|_| random.next())
}

/// What a head does: how much it looks one back, at the first token, at tokens that are like it.
fn habits(layer: u32, head: u32, n_heads: u32) -> (f32, f32, f32) {
    let mut random = Random(u64::from(layer * n_heads + head) * 131 + 17);
    for _ in 0..3 {
        random.next();
    }
    match (layer * n_heads + head) * 7 % 11 {
        0 | 5 => (9.0, 0.5, 0.0),
        1 | 4 | 8 => (0.8, 7.0, 0.4),
        2 => (0.2, 2.5, 6.0),
        _ => (2.0 + random.next(), 2.5 + 2.0 * random.next(), 1.5 + 1.5 * random.next()),
    }
}

/// Exact maps of a layer, as queries and keys.
pub fn layer_maps(tokens: &[SeenToken], layer: u32, shape: &MapShape) -> Maps {
    let (n_heads, n_kv) = (shape.n_heads, shape.n_kv_heads);
    let (mut q, mut k, mut lse) = (Vec::new(), Vec::new(), Vec::new());
    let mut random = Random(u64::from(layer) + 99);
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map_or(0, |before| tokens[before].id);
        for kv in 0..n_kv {
            k.extend(place(at as f32));
            k.push(if at == 0 { 1.0 } else { 0.0 });
            // The last group's keys say what came before them: its heads look at what followed.
            let what = if kv + 1 == n_kv && n_kv > 1 { before } else { token.id };
            k.extend(likeness(what).map(|a| a + 0.1 * random.next()));
        }
        for head in 0..n_heads {
            let (back, first, like) = habits(layer, head, n_heads);
            q.extend(place(at as f32 - 1.0).map(|a| a * back));
            q.push(first * 4.0);
            q.extend(likeness(token.id).map(|a| a * like * 2.0 + 0.2 * random.next()));
        }
    }
    for at in 0..tokens.len() {
        for head in 0..n_heads as usize {
            let sum: f32 = shape.visible(at).map(|key| score(shape, &q, &k, head, at, key).exp()).sum();
            lse.push(sum.ln());
        }
    }
    Maps::Qk { q, k, lse }
}

fn score(shape: &MapShape, q: &[f32], k: &[f32], head: usize, query: usize, key: usize) -> f32 {
    let q = &q[(query * shape.n_heads as usize + head) * WIDTH..][..WIDTH];
    let k = &k[(key * shape.n_kv_heads as usize + shape.kv_head(head)) * WIDTH..][..WIDTH];
    q.iter().zip(k).map(|(a, b)| a * b).sum::<f32>() * shape.scale
}

/// One layer of a capture.
pub fn layer(tokens: &[SeenToken], layer: u32, recipe: &Recipe) -> LayerCapture {
    let shape = MapShape {
        n_heads: recipe.n_heads,
        n_kv_heads: recipe.n_kv_heads,
        head_width: WIDTH as u32,
        scale: 0.25,
        soft_cap: None,
        window: recipe.window,
    };
    let exact = layer_maps(tokens, layer, &shape);
    let storage = recipe.storage.unwrap_or_else(|| shape.storage(tokens.len(), u64::MAX));
    let n = tokens.len();
    let side = n.min(Thumbnails::MOST);
    let mut max = vec![0; recipe.n_heads as usize * side * side];
    let mut scores = vec![HeadScores::default(); recipe.n_heads as usize];
    let mut kept = Maps::empty(storage);
    let mut row = Vec::new();
    for at in 0..n {
        let mut all = Vec::new();
        for (head, score) in scores.iter_mut().enumerate() {
            exact.row(&shape, head, at, &mut row);
            for (key, a) in row.iter().enumerate() {
                let cell = head * side * side + at * side / n * side + key * side / n;
                max[cell] = max[cell].max(coded(*a));
            }
            count(score, tokens, &row, at);
            all.extend_from_slice(&row);
        }
        kept.push_row(&all);
    }
    let thumbnails = Thumbnails { side: side as u32, max, mean: Vec::new() };
    let maps = if storage == Storage::Qk { exact } else { kept };
    LayerCapture {
        mean: Vec::new(),
        layer,
        shape,
        maps,
        thumbnails,
        scores: scores.into_iter().map(|one| mean(one, tokens)).collect(),
    }
}

fn repeats(tokens: &[SeenToken], at: usize) -> Option<usize> {
    (1..at).rev().find(|before| tokens[*before].id == tokens[at].id)
}

fn count(score: &mut HeadScores, tokens: &[SeenToken], row: &[f32], at: usize) {
    if at == 0 {
        return;
    }
    score.previous += row[at - 1];
    score.sink += row[0];
    let bits: f32 = row.iter().filter(|a| **a > 0.0).map(|a| -a * a.ln()).sum();
    score.entropy += bits / (row.len() as f32).ln();
    if let Some(before) = repeats(tokens, at) {
        *score.duplicate.get_or_insert(0.0) += row[before];
        *score.induction.get_or_insert(0.0) += row[before + 1];
    }
}

fn mean(sums: HeadScores, tokens: &[SeenToken]) -> HeadScores {
    let n = (tokens.len() - 1).max(1) as f32;
    let again = (1..tokens.len()).filter(|at| repeats(tokens, *at).is_some()).count().max(1) as f32;
    HeadScores {
        induction: sums.induction.map(|sum| sum / again),
        duplicate: sums.duplicate.map(|sum| sum / again),
        previous: sums.previous / n,
        sink: sums.sink / n,
        entropy: sums.entropy / n,
    }
}

/// A capture without its layers.
pub fn begun(spec: &CaptureSpec, tokens: Vec<SeenToken>, turns: Vec<TurnSpan>, recipe: &Recipe) -> Capture {
    let read = super::reports::read(&tokens);
    Capture {
        id: spec.id,
        source: spec.model.clone(),
        tuned: spec.tuned,
        model: ModelRef {
            base: "ab".repeat(32),
            name: "SmolLM2-135M-Instruct".into(),
            precision: Precision::Exact,
            tuned: None,
        },
        tuned_step: None,
        sizes: Sizes {
            n_layers: recipe.n_layers,
            n_heads: recipe.n_heads,
            n_kv_heads: recipe.n_kv_heads,
            head_width: WIDTH as u32,
            width: recipe.n_heads * WIDTH as u32,
            vocab_size: 49_152,
        },
        tokens,
        turns,
        layers: Vec::new(),
        residuals: Vec::new(),
        read,
        read_from: 1,
        next: super::reports::next(),
        size_bytes: 0,
        took_ms: 0,
    }
}

/// A whole one, of a text.
pub fn capture(text: &str, recipe: &Recipe) -> Capture {
    let spec = CaptureSpec {
        id: CaptureId::mint(),
        model: glassworks_protocol::generate::ModelSource::Path("/models/x".into()),
        tuned: None,
        subject: glassworks_protocol::inside::Subject::Tokens(Vec::new()),
        plan: Default::default(),
    };
    let mut capture = begun(&spec, tokens(text), Vec::new(), recipe);
    let layers = 0..recipe.n_layers;
    capture.layers = layers.map(|one| Arc::new(layer(&capture.tokens, one, recipe))).collect();
    capture
}
