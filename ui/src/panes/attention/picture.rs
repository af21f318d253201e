//! What is in sight of a map, coloured on the processor into one texture: masked cells are left out, so that what lies
//! below shows.

use super::drawn::Drawn;
use crate::theme::Tokens;
use egui::{Color32, ColorImage, Rect, TextureHandle, TextureOptions, Ui, Vec2, pos2};
use std::ops::Range;

/// Steps of a scale.
const STEPS: usize = 1024;
/// Cells from this size on are a pixel apart.
pub const GAP_FROM: f32 = 12.0;

/// Colours for numbers from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// 0 to 1, ember; value^gamma.
    Weights { gamma: f32 },
    /// −most to most, zero in the middle.
    Scores { most: f32 },
}

impl Scale {
    #[must_use]
    pub fn color(self, t: &Tokens, value: f32) -> Color32 {
        match self {
            Self::Weights { gamma } => Tokens::map(&t.ember, value.clamp(0.0, 1.0).powf(gamma)),
            Self::Scores { most } => {
                Tokens::map(&t.diverging, 0.5 + 0.5 * value / most.max(f32::MIN_POSITIVE))
            }
        }
    }

    fn table(self, t: &Tokens) -> Vec<Color32> {
        let last = (STEPS - 1) as f32;
        let at = |i: usize| match self {
            Self::Weights { .. } => i as f32 / last,
            Self::Scores { most } => (2.0 * i as f32 / last - 1.0) * most,
        };
        (0..STEPS).map(|i| self.color(t, at(i))).collect()
    }

    fn step(self, value: f32) -> usize {
        let part = match self {
            Self::Weights { .. } => value,
            Self::Scores { most } => 0.5 + 0.5 * value / most.max(f32::MIN_POSITIVE),
        };
        ((part.clamp(0.0, 1.0) * (STEPS - 1) as f32) + 0.5) as usize
    }
}

/// Which part of a map is in sight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sight {
    /// Column and row at the top left.
    pub first: Vec2,
    /// Points a cell.
    pub cell: f32,
}

impl Sight {
    /// Rows in sight of a map of `n`, in `points`.
    #[must_use]
    pub fn range(&self, first: f32, points: f32, n: usize) -> Range<usize> {
        let end = (first + points / self.cell.max(1e-6)).ceil().max(0.0) as usize;
        (first.max(0.0) as usize).min(n)..end.min(n)
    }
}

#[derive(Clone, Copy, PartialEq)]
struct Made {
    version: u64,
    size: [usize; 2],
    sight: Sight,
    scale: Scale,
    pane: Color32,
}

#[derive(Default)]
pub struct Picture {
    texture: Option<TextureHandle>,
    made: Option<Made>,
}

impl Picture {
    /// Draws what `sight` shows of a map of `n` rows into `rect`.
    pub fn show(&mut self, ui: &Ui, rect: Rect, drawn: &Drawn, sight: Sight, scale: Scale, t: &Tokens) {
        let scaled = rect.size() * ui.pixels_per_point();
        let size = [scaled.x.round().max(1.0) as usize, scaled.y.round().max(1.0) as usize];
        let made = Made { version: drawn.version, size, sight, scale, pane: t.pane };
        if self.made != Some(made) || self.texture.is_none() {
            let Some(image) = coloured(drawn, &made, ui.pixels_per_point(), t) else { return };
            match &mut self.texture {
                Some(texture) => texture.set(image, TextureOptions::NEAREST),
                None => {
                    self.texture =
                        Some(ui.ctx().load_texture("attention map", image, TextureOptions::NEAREST));
                }
            }
            self.made = Some(made);
        }
        if let Some(texture) = &self.texture {
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture.id(), rect, whole, crate::theme::AS_IT_IS);
        }
    }
}

/// What one line of pixels stands for: rows or columns, and whether it is the line between two cells.
struct Line {
    cells: Range<usize>,
    gap: bool,
}

fn lines(n_pixels: usize, first: f32, cell: f32, n: usize) -> Vec<Line> {
    let gaps = cell >= GAP_FROM;
    let at = |pixel: usize| first + pixel as f32 / cell;
    let one = |pixel: usize| {
        let (from, to) = (at(pixel), at(pixel + 1));
        let start = (from.max(0.0) as usize).min(n);
        let end = (to.ceil().max(0.0) as usize).clamp(start, n);
        // A pixel that is wider than a cell stands for those that begin in it; else for the one that it lies in.
        let cells = if cell < 1.0 { start..end.max(start + 1).min(n) } else { start..(start + 1).min(n) };
        Line { cells, gap: gaps && (at(pixel + 1) as usize) > (from.max(0.0) as usize) }
    };
    (0..n_pixels).map(one).collect()
}

fn coloured(drawn: &Drawn, made: &Made, pixels_per_point: f32, t: &Tokens) -> Option<ColorImage> {
    let cells = drawn.cells()?;
    let [width, height] = made.size;
    let (n, side) = (cells.values.n as usize, cells.side);
    let cell = made.sight.cell * pixels_per_point;
    let columns = lines(width, made.sight.first.x, cell, n);
    let rows = lines(height, made.sight.first.y, cell, n);
    // Of a row that is kept pooled: the cells that stand for segments.
    let pooled = |range: &Range<usize>| {
        let of = |at: usize| ((at + 1) * side - 1) / n;
        if range.is_empty() { 0..0 } else { of(range.start)..of(range.end - 1) + 1 }
    };
    let runs = runs(&columns);
    let pooled_runs: Vec<Range<usize>> = runs.iter().map(|run| pooled(&run.cells)).collect();
    let table = made.scale.table(t);
    let mut pixels = vec![Color32::TRANSPARENT; width * height];
    let mut largest = vec![f32::NAN; runs.len()];
    let mut before: Option<(Range<usize>, bool)> = None;
    for (y, row) in rows.iter().enumerate() {
        let line = y * width..(y + 1) * width;
        if before.as_ref() == Some(&(row.cells.clone(), row.gap)) {
            pixels.copy_within(line.start - width..line.start, line.start);
            continue;
        }
        before = Some((row.cells.clone(), row.gap));
        largest.fill(f32::NAN);
        for at in row.cells.clone() {
            if let Some(exact) = drawn.made_row(at) {
                fold(&mut largest, exact, runs.iter().map(|run| &run.cells));
            }
        }
        if row.cells.clone().all(|at| drawn.made_row(at).is_none()) {
            for at in pooled(&row.cells) {
                fold(&mut largest, &cells.values.cells[at * side..(at + 1) * side], pooled_runs.iter());
            }
        }
        let line = &mut pixels[line];
        for (run, value) in runs.iter().zip(&largest).filter(|(_, value)| !value.is_nan()) {
            let colour = if row.gap || run.gap { made.pane } else { table[made.scale.step(*value)] };
            line[run.pixels.clone()].fill(colour);
        }
    }
    Some(ColorImage::new(made.size, pixels))
}

/// Neighbouring pixels that stand for the same cells: zoomed in, many do.
struct Run {
    cells: Range<usize>,
    gap: bool,
    pixels: Range<usize>,
}

fn runs(columns: &[Line]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (x, line) in columns.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if run.cells == line.cells && run.gap == line.gap => run.pixels.end = x + 1,
            _ => runs.push(Run { cells: line.cells.clone(), gap: line.gap, pixels: x..x + 1 }),
        }
    }
    runs
}

/// The largest number of each range, where it is larger than what was there.
fn fold<'a>(largest: &mut [f32], row: &[f32], ranges: impl Iterator<Item = &'a Range<usize>>) {
    for (most, range) in largest.iter_mut().zip(ranges) {
        *most = match row.get(range.clone()) {
            // What is not a number gives way.
            Some([one]) => most.max(*one),
            Some(part) => part.iter().copied().fold(*most, f32::max),
            None => *most,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::DARK;

    #[test]
    fn pixels_stand_for_cells() {
        let small: Vec<Range<usize>> = lines(4, 0.0, 0.5, 8).into_iter().map(|line| line.cells).collect();
        assert_eq!(small, [0..2, 2..4, 4..6, 6..8]);
        let large = lines(24, 0.5, 12.0, 8);
        assert_eq!((large[0].cells.clone(), large[6].cells.clone()), (0..1, 1..2));
        assert_eq!(
            large.iter().enumerate().filter(|(_, line)| line.gap).map(|(at, _)| at).collect::<Vec<_>>(),
            [5, 17]
        );
        let beyond = lines(4, 7.0, 1.0, 8);
        assert_eq!(beyond.iter().map(|line| line.cells.len()).collect::<Vec<_>>(), [1, 0, 0, 0]);
    }

    #[test]
    fn scales_begin_and_end_where_they_say() {
        let weights = Scale::Weights { gamma: 0.6 };
        assert_eq!(weights.color(&DARK, 0.0), DARK.ember[0]);
        assert_eq!(weights.color(&DARK, 1.0), DARK.ember[4]);
        let table = weights.table(&DARK);
        assert_eq!(table[weights.step(0.613)], weights.color(&DARK, 627.0 / 1023.0));
        let scores = Scale::Scores { most: 4.0 };
        assert_eq!(scores.color(&DARK, -4.0), DARK.diverging[0]);
        assert_eq!(scores.color(&DARK, 0.0), DARK.diverging[2]);
    }
}
