//! One map as a picture, by all threads: of a head, or of several as one; of tokens, or of segments; no larger than was
//! asked for. What its numbers are is `HeadSpec`'s to say.

use anyhow::{Result, ensure};
use glassworks_kernels::pool;
use glassworks_protocol::inside::{Band, HeadImage, HeadSpec, MapKind};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Bands that a thread draws, about: as many as keep all busy to the end.
const BANDS: usize = 8;

/// Draws the map; `between` is asked now and then whether to go on.
///
/// # Errors
/// When the heads, segments or values asked for are not there, and what `between` returns.
pub fn draw(spec: &HeadSpec, between: &(dyn Fn() -> Result<()> + Sync)) -> Result<HeadImage> {
    let n_tokens = spec.n_tokens as usize;
    let n_heads = spec.layer.shape.n_heads;
    ensure!(!spec.heads.is_empty() && spec.heads.iter().all(|head| *head < n_heads), "no such head");
    ensure!(n_tokens > 0 && spec.side > 0, "nothing to draw");
    ensure!(n_tokens <= spec.layer.maps.n_tokens(&spec.layer.shape), "more tokens than maps");
    let follow = |at: u32, range: &Range<u32>| (range.start == at && range.end > at).then_some(range.end);
    let whole = spec.segments.iter().try_fold(0, follow);
    ensure!(spec.segments.is_empty() || whole == Some(spec.n_tokens), "segments that leave tokens out");
    ensure!(spec.is_kept(), "numbers that are not kept");
    if spec.kind == MapKind::Values {
        let norms = spec.value_norms.as_ref().map(|norms| norms.len());
        ensure!(norms == Some(n_tokens * n_heads as usize), "norms of other values");
    }
    let side = spec.cells();
    let lines = side.div_ceil(BANDS * pool::threads().max(1)).max(1);
    let bands: Mutex<Vec<Option<Result<Band>>>> =
        Mutex::new((0..side.div_ceil(lines)).map(|_| None).collect());
    pool::for_each(side.div_ceil(lines), |at| {
        let band = spec.band(at * lines..((at + 1) * lines).min(side), between);
        bands.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(band);
    });
    let bands = bands.into_inner().unwrap_or_else(PoisonError::into_inner);
    let bands = bands.into_iter().flatten().collect::<Result<Vec<_>>>()?;
    Ok(spec.whole(bands))
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::inside::{LayerCapture, MapShape, Maps, Merge, Storage, Thumbnails};
    use std::sync::Arc;

    const SHAPE: MapShape =
        MapShape { n_heads: 2, n_kv_heads: 1, head_width: 4, scale: 1.0, soft_cap: None, window: Some(40) };

    /// Maps kept as values: head 0 flat over what is seen, head 1 all on the query itself.
    fn layer(n: usize) -> Arc<LayerCapture> {
        let mut maps = Maps::empty(Storage::Dense);
        for i in 0..n {
            let seen = SHAPE.visible(i);
            let flat = (0..=i).map(|j| if seen.contains(&j) { 1.0 / seen.len() as f32 } else { 0.0 });
            let own = (0..=i).map(|j| f32::from(u8::from(j == i)));
            maps.push_row(&flat.chain(own).collect::<Vec<_>>());
        }
        let thumbnails = Thumbnails::default();
        Arc::new(LayerCapture {
            layer: 0,
            shape: SHAPE,
            maps,
            thumbnails,
            scores: Vec::new(),
            mean: Vec::new(),
        })
    }

    fn spec(n: u32, heads: &[u32], side: u32) -> HeadSpec {
        HeadSpec {
            layer: layer(n as usize),
            heads: heads.to_vec(),
            merge: Merge::Mean,
            kind: MapKind::Weights,
            segments: Vec::new(),
            value_norms: None,
            n_tokens: n,
            side,
        }
    }

    #[test]
    fn a_small_map_is_its_values() {
        let image = draw(&spec(50, &[0], 100), &|| Ok(())).expect("drawn");
        assert_eq!((image.n, image.side), (50, 50));
        let at = |i: usize, j: usize| image.cells[i * 50 + j];
        assert!(at(0, 0) == 1.0 && at(3, 1) == 0.25 && at(49, 20) == 1.0 / 40.0);
        assert!(at(1, 2).is_nan() && at(49, 9).is_nan(), "masked, not zero");
        assert!((image.row_entropy[3] - 2.0).abs() < 1e-6);
        let sums: f32 = image.column_sums.iter().sum();
        assert!((sums - 50.0).abs() < 1e-3, "each row sums to 1");
    }

    #[test]
    fn heads_and_segments_become_one() {
        let mut both = spec(50, &[0, 1], 100);
        let image = draw(&both, &|| Ok(())).expect("drawn");
        assert_eq!((image.cells[3 * 50 + 1], image.cells[3 * 50 + 3]), (0.125, 0.625));
        both.merge = Merge::Max;
        let image = draw(&both, &|| Ok(())).expect("drawn");
        assert_eq!((image.cells[3 * 50 + 1], image.cells[3 * 50 + 3]), (0.25, 1.0));
        let mut parts = spec(4, &[0], 100);
        parts.segments = vec![0..1, 1..4];
        let image = draw(&parts, &|| Ok(())).expect("drawn");
        // Rows 1 to 3: on token 0 a half, a third, a quarter.
        let first = (1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 4.0) / 3.0;
        assert!((image.cells[2] - first).abs() < 1e-6 && (image.cells[3] - (1.0 - first)).abs() < 1e-6);
        assert!(image.cells[1].is_nan());
        parts.segments.truncate(1);
        assert!(draw(&parts, &|| Ok(())).is_err(), "a token is in no segment");
    }

    #[test]
    fn a_large_map_is_pooled_by_its_largest() {
        let image = draw(&spec(300, &[1], 30), &|| Ok(())).expect("drawn");
        assert_eq!((image.n, image.side, image.cells.len()), (300, 30, 900));
        assert!((0..30).all(|c| image.cells[c * 30 + c] == 1.0), "every spike survives");
        assert!(image.cells[29 * 30].is_nan(), "before the window");
        assert_eq!(image.column_sums, vec![1.0; 300]);
        assert!(draw(&spec(300, &[2], 30), &|| Ok(())).is_err());
        assert!(draw(&spec(300, &[0], 30), &|| anyhow::bail!("stop")).is_err());
    }

    #[test]
    fn what_is_brought_in_goes_by_the_values_norms() {
        let mut values = spec(4, &[1], 9);
        values.kind = MapKind::Values;
        assert!(draw(&values, &|| Ok(())).is_err(), "without norms");
        values.value_norms = Some(Arc::new((0..8).map(|x| x as f32).collect()));
        let image = draw(&values, &|| Ok(())).expect("drawn");
        assert_eq!((0..4).map(|i| image.cells[i * 5]).collect::<Vec<_>>(), [1.0, 3.0, 5.0, 7.0]);
    }
}
