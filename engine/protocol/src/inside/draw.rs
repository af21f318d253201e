//! A map as it is drawn: heads put together, tokens put together, rows and columns pooled. One way for whoever draws:
//! the window a few rows at once, the engine all of them.

use super::layer::{HeadImage, HeadSpec, MapKind, Merge};
use std::ops::Range;

/// Room that rows are made in, kept between them.
#[derive(Debug, Default)]
pub struct RowRoom {
    /// A head's row, by token.
    keys: Vec<f32>,
    /// The same, by segment.
    head: Vec<f32>,
    /// Queries that see something of a segment.
    n_seen: Vec<u32>,
}

impl HeadSpec {
    /// N: rows of the map, as many as columns.
    #[must_use]
    pub fn n(&self) -> usize {
        if self.segments.is_empty() { self.n_tokens as usize } else { self.segments.len() }
    }

    /// The tokens of a row or column.
    #[must_use]
    pub fn segment(&self, at: usize) -> Range<usize> {
        match self.segments.get(at) {
            Some(range) => range.start as usize..range.end as usize,
            None => at..at + 1,
        }
    }

    /// The row or column that a token is in.
    #[must_use]
    pub fn segment_of(&self, token: usize) -> usize {
        if self.segments.is_empty() {
            return token;
        }
        self.segments.partition_point(|range| range.end as usize <= token)
    }

    /// Row `at` of the map into `out`, N numbers, NaN where masked; nothing where the kind's numbers are not kept.
    ///
    /// # Panics
    /// If there is no such row, or a head that the layer lacks.
    pub fn row(&self, at: usize, room: &mut RowRoom, out: &mut Vec<f32>) {
        out.clear();
        if !self.is_kept() {
            return;
        }
        out.resize(self.n(), f32::NAN);
        let share = 1.0 / self.heads.len().max(1) as f32;
        for head in &self.heads {
            self.head_row(*head as usize, at, room);
            for (all, one) in out.iter_mut().zip(&room.head) {
                match (self.merge, all.is_nan()) {
                    (Merge::Mean, true) => *all = one * share,
                    (Merge::Mean, false) => *all += one * share,
                    (Merge::Max, _) => *all = all.max(*one),
                }
            }
        }
    }

    /// Whether what the map is to say can be read off the layer.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        match self.kind {
            MapKind::Weights => true,
            MapKind::Scores => self.layer.maps.storage() == super::Storage::Qk,
            MapKind::Values => self.value_norms.is_some(),
        }
    }

    /// One head's part of a row, by segment, into the room.
    fn head_row(&self, head: usize, at: usize, room: &mut RowRoom) {
        let shape = &self.layer.shape;
        if self.segments.is_empty() {
            self.keys(head, at, &mut room.head);
            room.head[..shape.visible(at).start].fill(f32::NAN);
            return;
        }
        let n = at + 1;
        room.head.clear();
        room.head.resize(n, 0.0);
        room.n_seen.clear();
        room.n_seen.resize(n, 0);
        let queries = self.segment(at);
        for query in queries.clone() {
            let seen = shape.visible(query);
            self.keys(head, query, &mut room.keys);
            for segment in self.segment_of(seen.start)..n {
                let keys = self.segment(segment);
                let keys = keys.start.max(seen.start)..keys.end.min(seen.end);
                if keys.is_empty() {
                    continue;
                }
                let values = &room.keys[keys];
                room.head[segment] += match self.kind {
                    MapKind::Scores => values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
                    MapKind::Weights | MapKind::Values => values.iter().sum(),
                };
                room.n_seen[segment] += 1;
            }
        }
        for (value, n_seen) in room.head.iter_mut().zip(&room.n_seen) {
            let n = if self.kind == MapKind::Scores { *n_seen as usize } else { queries.len() };
            *value = if *n_seen == 0 { f32::NAN } else { *value / n as f32 };
        }
    }

    /// What the map says of one query in one head, by token: `query + 1` numbers.
    fn keys(&self, head: usize, query: usize, out: &mut Vec<f32>) {
        let (shape, maps) = (&self.layer.shape, &self.layer.maps);
        match (self.kind, &self.value_norms) {
            (MapKind::Scores, _) => {
                out.clear();
                out.extend((0..=query).map(|key| maps.score(shape, head, query, key).unwrap_or(f32::NAN)));
            }
            (MapKind::Values, Some(norms)) => {
                maps.row(shape, head, query, out);
                let heads = shape.n_heads as usize;
                out.iter_mut().enumerate().for_each(|(key, value)| *value *= norms[key * heads + head]);
            }
            _ => maps.row(shape, head, query, out),
        }
    }

    /// Rows and columns of its picture.
    #[must_use]
    pub fn cells(&self) -> usize {
        let n = if self.is_kept() { self.n() } else { 0 };
        n.min(self.side as usize)
    }

    /// All of it. `go_on` is asked before each row.
    ///
    /// # Errors
    /// What `go_on` says.
    pub fn draw<E>(&self, go_on: impl FnMut() -> Result<(), E>) -> Result<HeadImage, E> {
        Ok(self.whole([self.band(0..self.cells(), go_on)?]))
    }

    /// Some lines of its picture.
    ///
    /// # Errors
    /// What `go_on` says, which is asked before each row.
    pub fn band<E>(&self, lines: Range<usize>, mut go_on: impl FnMut() -> Result<(), E>) -> Result<Band, E> {
        let (n, side) = (self.n(), self.cells());
        let mut band = Band {
            cells: vec![f32::NAN; lines.len() * side],
            row_entropy: Vec::new(),
            column_sums: if self.kind == MapKind::Scores { Vec::new() } else { vec![0.0; n] },
        };
        let (mut room, mut row) = (RowRoom::default(), Vec::new());
        for (line, cells) in lines.zip(band.cells.chunks_exact_mut(side.max(1))) {
            for at in line * n / side..(line + 1) * n / side {
                go_on()?;
                self.row(at, &mut room, &mut row);
                for (column, value) in cells.iter_mut().enumerate() {
                    let part = &row[column * n / side..(column + 1) * n / side];
                    *value = part.iter().copied().fold(*value, f32::max);
                }
                if self.kind == MapKind::Weights {
                    band.row_entropy.push(entropy_bits(&row));
                }
                for (a, sum) in row.iter().zip(&mut band.column_sums) {
                    *sum += if a.is_nan() { 0.0 } else { *a };
                }
            }
        }
        Ok(band)
    }

    /// The picture that these bands make, one after the other.
    #[must_use]
    pub fn whole(&self, bands: impl IntoIterator<Item = Band>) -> HeadImage {
        let side = self.cells();
        let n = if self.is_kept() { self.n() } else { 0 };
        let mut image = HeadImage {
            n: n as u32,
            side: side as u32,
            cells: Vec::with_capacity(side * side),
            row_entropy: Vec::new(),
            column_sums: if self.kind == MapKind::Scores { Vec::new() } else { vec![0.0; n] },
        };
        for band in bands {
            image.cells.extend(band.cells);
            image.row_entropy.extend(band.row_entropy);
            image.column_sums.iter_mut().zip(band.column_sums).for_each(|(sum, part)| *sum += part);
        }
        image
    }
}

/// Some lines of a picture, with what they add to its margins.
#[derive(Clone, Debug)]
pub struct Band {
    cells: Vec<f32>,
    row_entropy: Vec<f32>,
    column_sums: Vec<f32>,
}

/// −Σ a·log₂ a.
#[must_use]
pub fn entropy_bits(row: &[f32]) -> f32 {
    -row.iter().filter(|a| **a > 0.0).map(|a| a * a.log2()).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::super::{LayerCapture, MapShape, Maps, Thumbnails};
    use super::*;
    use std::convert::Infallible;
    use std::sync::Arc;

    /// Two heads over five tokens: one looks at itself, one at all it sees alike.
    fn spec(window: Option<u32>) -> HeadSpec {
        let shape = MapShape { n_heads: 2, n_kv_heads: 1, head_width: 4, scale: 0.5, soft_cap: None, window };
        let mut maps = Maps::empty(super::super::Storage::Dense);
        for i in 0..5 {
            let seen = shape.visible(i);
            let own = (0..=i).map(|j| if j == i { 1.0 } else { 0.0 });
            let even = (0..=i).map(|j| if seen.contains(&j) { 1.0 / seen.len() as f32 } else { 0.0 });
            maps.push_row(&own.chain(even).collect::<Vec<f32>>());
        }
        let thumbnails = Thumbnails::default();
        HeadSpec {
            layer: Arc::new(LayerCapture {
                layer: 0,
                shape,
                maps,
                thumbnails,
                scores: Vec::new(),
                mean: Vec::new(),
            }),
            heads: vec![0],
            merge: Merge::Mean,
            kind: MapKind::Weights,
            segments: Vec::new(),
            value_norms: None,
            n_tokens: 5,
            side: 8,
        }
    }

    fn rows(spec: &HeadSpec) -> Vec<Vec<Option<f32>>> {
        let (mut room, mut row) = (RowRoom::default(), Vec::new());
        let one = |at| {
            spec.row(at, &mut room, &mut row);
            row.iter().map(|a| (!a.is_nan()).then_some((a * 1000.0).round() / 1000.0)).collect()
        };
        (0..spec.n()).map(one).collect()
    }

    #[test]
    fn heads_are_put_together_by_mean_or_by_the_largest() {
        let mean = HeadSpec { heads: vec![0, 1], ..spec(None) };
        assert_eq!(rows(&mean)[1], [Some(0.25), Some(0.75), None, None, None]);
        let max = HeadSpec { merge: Merge::Max, ..mean };
        assert_eq!(rows(&max)[1], [Some(0.5), Some(1.0), None, None, None]);
        let window = HeadSpec { heads: vec![1], ..spec(Some(2)) };
        assert_eq!(rows(&window)[3], [None, None, Some(0.5), Some(0.5), None], "masked is not zero");
    }

    #[test]
    fn segments_sum_over_keys_and_take_the_mean_over_queries() {
        let words = HeadSpec { heads: vec![1], segments: vec![0..2, 2..5], ..spec(None) };
        // Queries 2, 3, 4 give the first word 2/3, 2/4 and 2/5.
        let first = (2.0 / 3.0 + 0.5 + 0.4) / 3.0;
        let expected =
            [Some((first * 1000.0f32).round() / 1000.0), Some(((1.0 - first) * 1000.0).round() / 1000.0)];
        assert_eq!(rows(&words), [vec![Some(1.0), None], expected.to_vec()]);
        assert_eq!((words.segment_of(1), words.segment_of(2), words.segment_of(4)), (0, 1, 1));
    }

    #[test]
    fn a_drawn_map_keeps_its_largest_values_and_its_margins() {
        let whole = spec(None).draw(|| Ok::<(), Infallible>(())).unwrap();
        assert_eq!((whole.n, whole.side), (5, 5));
        assert_eq!(whole.column_sums, [1.0; 5]);
        assert!(whole.row_entropy.iter().all(|bits| bits.abs() < 1e-6));
        let even = HeadSpec { heads: vec![1], side: 2, ..spec(None) };
        let pooled = even.draw(|| Ok::<(), Infallible>(())).unwrap();
        assert_eq!((pooled.n, pooled.side), (5, 2));
        assert!((pooled.cells[0] - 1.0).abs() < 1e-6 && pooled.cells[1].is_nan(), "{:?}", pooled.cells);
        assert!((pooled.cells[2] - 1.0 / 3.0).abs() < 1e-6 && (pooled.cells[3] - 1.0 / 3.0).abs() < 1e-6);
        assert!((pooled.row_entropy[3] - 2.0).abs() < 1e-6, "a quarter each is two bits");
        assert_eq!(even.draw(|| Err("stopped")), Err("stopped"));
        let scores = HeadSpec { kind: MapKind::Scores, ..spec(None) };
        assert_eq!(scores.draw(|| Ok::<(), Infallible>(())).unwrap().n, 0, "of weights alone there are none");
    }
}
