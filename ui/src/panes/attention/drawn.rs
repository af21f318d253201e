//! The numbers of the map that is shown: short texts at once, longer ones from the engine, with the rows in sight exact
//! as soon as there are few of them. No colours, no places.

use crate::panes::PaneCx;
use glassworks_protocol::ids::{CaptureId, JobId};
use glassworks_protocol::inside::{
    Capture, HeadImage, HeadSpec, InsideJob, LayerCapture, MapKind, Maps, Merge, RowRoom, Segmenting,
    segments,
};
use glassworks_protocol::{Failure, JobSpec};
use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::look::{Choices, Look};

/// Texts of so many tokens are drawn without asking.
const AT_ONCE: usize = 128;
/// Products that one frame may cost.
const MOST_PRODUCTS: usize = 8 << 20;
/// Rows and columns of a map that the engine draws: more than a window has points.
const SIDE: u32 = 1024;
/// Maps that stay.
const MOST_IMAGES: usize = 24;
/// Exact rows that stay.
const MOST_ROWS: usize = 512;
/// For exact rows, of one frame.
const BUDGET: Duration = Duration::from_millis(2);

/// What a map was drawn of.
#[derive(Clone, Debug, PartialEq)]
struct Of {
    capture: CaptureId,
    layer: u32,
    heads: Vec<u32>,
    merge: Merge,
    kind: MapKind,
    segmenting: Segmenting,
    n_tokens: usize,
}

/// Pooled numbers, from wherever they came.
#[derive(Clone, Debug)]
pub struct Cells {
    pub side: usize,
    /// `[side, side]`, NaN where all of it is masked.
    pub values: Arc<HeadImage>,
    /// From the small picture of a head, until the real one is there.
    pub rough: bool,
}

#[derive(Default)]
pub struct Drawn {
    of: Option<Of>,
    spec: Option<Arc<HeadSpec>>,
    cells: Option<Cells>,
    job: Option<JobId>,
    pub failure: Option<Failure>,
    images: Vec<(Of, Arc<HeadImage>)>,
    rows: HashMap<usize, Vec<f32>>,
    room: RowRoom,
    /// Changes with the numbers.
    pub version: u64,
}

impl Drawn {
    /// Makes the map that is looked at the one that is drawn.
    pub fn follow(
        &mut self,
        cx: &mut PaneCx,
        capture: &Capture,
        layer: &Arc<LayerCapture>,
        look: &Look,
        choices: &Choices,
    ) {
        let of = Of {
            capture: capture.id,
            layer: layer.layer,
            heads: look.heads.clone(),
            merge: if look.heads.len() > 1 { choices.merge } else { Merge::Mean },
            kind: if matches!(layer.maps, Maps::Qk { .. }) { choices.kind } else { MapKind::Weights },
            segmenting: choices.segmenting,
            n_tokens: capture.n_tokens(),
        };
        if self.of.as_ref() != Some(&of) {
            self.begin(cx, capture, layer, of);
        }
        self.hear(cx);
    }

    fn begin(&mut self, cx: &mut PaneCx, capture: &Capture, layer: &Arc<LayerCapture>, of: Of) {
        if let Some(job) = self.job.take() {
            cx.cancel(job);
        }
        self.version += 1;
        self.rows.clear();
        self.failure = None;
        let cut = match of.segmenting {
            Segmenting::Token => Vec::new(),
            by => segments(&capture.tokens, &capture.turns, by),
        };
        let spec = Arc::new(HeadSpec {
            layer: Arc::clone(layer),
            heads: of.heads.clone(),
            merge: of.merge,
            kind: of.kind,
            segments: cut,
            value_norms: None,
            n_tokens: of.n_tokens as u32,
            side: SIDE,
        });
        let products = of.n_tokens * of.n_tokens / 2 * of.heads.len() * layer.shape.head_width as usize;
        let known = self.images.iter().find(|(known, _)| *known == of).map(|(_, image)| Arc::clone(image));
        self.cells = if let Some(values) = known {
            Some(Cells { side: values.side as usize, values, rough: false })
        } else if of.n_tokens <= AT_ONCE && products <= MOST_PRODUCTS {
            let Ok(image) = spec.draw(|| Ok::<(), Infallible>(()));
            Some(Cells { side: image.side as usize, values: Arc::new(image), rough: false })
        } else {
            self.job = Some(cx.start(JobSpec::Inside(InsideJob::Head((*spec).clone()))));
            thumbnail(&spec)
        };
        (self.of, self.spec) = (Some(of), Some(spec));
    }

    fn hear(&mut self, cx: &mut PaneCx) {
        let (Some(job), Some(of)) = (self.job, &self.of) else { return };
        match cx.model.captures.image(job) {
            Some(Ok(Some(image))) => {
                if self.images.len() >= MOST_IMAGES {
                    self.images.remove(0);
                }
                self.images.push((of.clone(), Arc::clone(image)));
                let side = image.side as usize;
                self.cells = Some(Cells { side, values: Arc::clone(image), rough: false });
                self.version += 1;
                self.job = None;
            }
            Some(Err(failure)) => {
                self.failure = Some(failure.clone());
                self.job = None;
            }
            Some(Ok(None)) | None => {}
        }
    }

    #[must_use]
    pub fn spec(&self) -> Option<&Arc<HeadSpec>> {
        self.spec.as_ref()
    }

    #[must_use]
    pub fn cells(&self) -> Option<&Cells> {
        self.cells.as_ref()
    }

    /// Whether the engine is at it.
    #[must_use]
    pub fn is_drawing(&self) -> bool {
        self.job.is_some()
    }

    /// A row as it is, from the maps and not from the picture.
    pub fn row(&mut self, at: usize) -> &[f32] {
        if self.rows.len() > 2 * MOST_ROWS {
            self.rows.clear();
        }
        let (room, spec) = (&mut self.room, &self.spec);
        let make = || {
            let mut row = Vec::new();
            if let Some(spec) = spec {
                spec.row(at, room, &mut row);
            }
            row
        };
        self.rows.entry(at).or_insert_with(make)
    }

    /// A row that has been made already.
    #[must_use]
    pub fn made_row(&self, at: usize) -> Option<&[f32]> {
        self.rows.get(&at).map(Vec::as_slice)
    }

    /// Makes rows in sight exact, as many as a frame allows. Says whether some are still missing.
    pub fn make_rows(&mut self, sight: Range<usize>) -> bool {
        let n = self.spec.as_ref().map_or(0, |spec| spec.n());
        let whole = self.cells.as_ref().is_some_and(|cells| cells.side == n && !cells.rough);
        if whole || sight.len() > MOST_ROWS / 2 {
            return false;
        }
        if self.rows.len() + sight.len() > MOST_ROWS {
            self.rows.retain(|at, _| sight.contains(at));
        }
        let begun = Instant::now();
        for at in sight {
            if self.rows.contains_key(&at) {
                continue;
            }
            if begun.elapsed() > BUDGET {
                self.version += 1;
                return true;
            }
            self.row(at);
            self.version += 1;
        }
        false
    }

    /// The value of a cell; `None` where it is masked.
    pub fn value(&mut self, row: usize, column: usize) -> Option<f32> {
        self.row(row).get(column).copied().filter(|value| !value.is_nan())
    }
}

/// The picture made while the pass ran, of the largest values, until the map is there. Of scores and segments there is
/// none.
fn thumbnail(spec: &HeadSpec) -> Option<Cells> {
    let (layer, n) = (&spec.layer, spec.n_tokens as usize);
    let side = layer.thumbnails.side as usize;
    if spec.kind != MapKind::Weights || !spec.segments.is_empty() || side == 0 {
        return None;
    }
    let mut cells = vec![f32::NAN; side * side];
    for head in &spec.heads {
        for (cell, code) in cells.iter_mut().zip(layer.thumbnails.of(*head as usize)) {
            let value = glassworks_protocol::inside::decoded(*code);
            *cell = match spec.merge {
                Merge::Mean => value / spec.heads.len() as f32 + if cell.is_nan() { 0.0 } else { *cell },
                Merge::Max => cell.max(value),
            };
        }
    }
    for row in 0..side {
        let queries = row * n / side..(row + 1) * n / side;
        for column in 0..side {
            let keys = column * n / side..(column + 1) * n / side;
            let seen = layer.shape.visible(queries.start).start..queries.end;
            if keys.start >= seen.end || keys.end <= seen.start {
                cells[row * side + column] = f32::NAN;
            }
        }
    }
    let values =
        HeadImage { n: n as u32, side: side as u32, cells, row_entropy: Vec::new(), column_sums: Vec::new() };
    Some(Cells { side, values: Arc::new(values), rough: true })
}
