//! Signatures beside those of datasketch (`fixtures/minhash.py`): the true likeness is the same, and the estimate as
//! good.

use glassworks_datasets::findings::minhash::{estimate, jaccard, plain, shingles, signature};
use serde::Deserialize;

#[derive(Deserialize)]
struct Pair {
    a: String,
    b: String,
    jaccard: f64,
    datasketch: f64,
}

fn set(text: &str) -> Vec<u64> {
    let (mut chars, mut hashes) = (Vec::new(), Vec::new());
    plain(text, &mut chars);
    shingles(&chars, &mut hashes);
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

#[test]
fn estimates_are_as_good_as_the_reference() {
    let pairs: Vec<Pair> = serde_json::from_str(include_str!("fixtures/minhash.json")).unwrap();
    let (mut ours, mut theirs) = (0.0, 0.0);
    for pair in &pairs {
        let (a, b) = (set(&pair.a), set(&pair.b));
        let likeness = jaccard(&a, &b);
        assert!((likeness - pair.jaccard).abs() < 1e-12, "{} {likeness}: {:?}", pair.jaccard, pair.a);
        ours += (estimate(&signature(&a), &signature(&b)) - likeness).powi(2);
        theirs += (pair.datasketch - likeness).powi(2);
    }
    let off = |sum: f64| (sum / pairs.len() as f64).sqrt();
    assert!(off(ours) <= off(theirs) * 1.2, "{} and {}", off(ours), off(theirs));
    assert!(off(ours) < 0.05, "{}", off(ours));
}
