//! The bundled model's claim: what it has read once it expects to go on as before (Olsson et al. 2022,
//! arXiv:2209.11895), measured on random tokens that are said twice.

use super::*;
use glassworks_engine::data::batches::draw;
use glassworks_engine::inspect;

/// Tokens of a copy, and how many texts.
const COPY: usize = 64;
const TEXTS: u64 = 8;
/// Below are special tokens and single bytes.
const FIRST_WORD: u64 = 259;

#[test]
fn the_starter_goes_on_as_it_has_read_before() {
    let model = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/starter"));
    let n_words = model.shape().vocab_size as u64 - FIRST_WORD;
    let (mut first, mut second) = (0.0, 0.0);
    let mut scores: HashMap<(usize, usize), f64> = HashMap::new();
    for text in 0..TEXTS {
        let copy: Vec<u32> =
            (0..COPY as u64).map(|i| (FIRST_WORD + draw(text, 3, i) % n_words) as u32).collect();
        let ids = [copy.as_slice(), copy.as_slice()].concat();
        let captured = inspect::run(&*model, &ids, &|| Ok(())).unwrap();
        for (i, row) in captured.logits.to_vec2::<f32>().unwrap().iter().enumerate().take(2 * COPY - 1) {
            let most = row.iter().copied().fold(f32::MIN, f32::max);
            let sum: f64 = row.iter().map(|x| f64::from(x - most).exp()).sum();
            let loss = sum.ln() - f64::from(row[ids[i + 1] as usize] - most);
            if i + 1 < COPY {
                first += loss / (COPY - 1) as f64 / TEXTS as f64;
            } else if i >= COPY {
                second += loss / (COPY - 1) as f64 / TEXTS as f64;
            }
        }
        for (l, attention) in captured.attention.iter().enumerate() {
            for (h, head) in attention.to_vec3::<f32>().unwrap().iter().enumerate() {
                // From a token's second place to what came after its first.
                let seen: f64 = (COPY..2 * COPY - 1).map(|i| f64::from(head[i][i - COPY + 1])).sum();
                *scores.entry((l, h)).or_default() += seen / (COPY - 1) as f64 / TEXTS as f64;
            }
        }
    }
    let (place, score) = scores.iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    let measured = format!("loss {first:.3} → {second:.3}, head {place:?} {score:.3}");
    println!("{measured}");
    assert!(second <= first / 2.0 && *score > 0.4, "{measured}");
}
