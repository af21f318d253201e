//! A line of measurements, smoothed, and thinned to what a screen can show of it.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

/// Measurements over an axis, drawn as often as needed: what a view shows of them is worked out once.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// Never fall.
    xs: Vec<f64>,
    ys: Vec<f64>,
    /// As long as `ys`; empty where nothing is smoothed.
    smooth: Vec<f64>,
    thin: RefCell<Option<(View, Arc<Thin>)>>,
}

/// Part of an axis on so many columns of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    pub from: f64,
    pub to: f64,
    pub columns: usize,
}

/// What a view shows.
#[derive(Debug, Default)]
pub(super) struct Thin {
    /// At most four points a column: its first, lowest, highest and last.
    pub raw: Vec<[f64; 2]>,
    /// At most the same.
    pub smooth: Vec<[f64; 2]>,
    /// Lowest and highest of all that was measured.
    pub range: Option<(f64, f64)>,
    /// The same without the lowest and the highest hundredth.
    pub clipped: Option<(f64, f64)>,
}

/// Values looked at for [`Thin::clipped`].
const MAX_RANKED: usize = 4096;
/// Fewer values have no outliers.
const MIN_RANKED: usize = 20;

impl Curve {
    /// `smoothing` is the weight of what came before, 0 for none to 0.99: an exponential moving average, divided by
    /// what its weights add up to so that it starts at the first value and not at 0 (TensorBoard's).
    #[must_use]
    pub fn new(points: impl Iterator<Item = (f64, f64)>, smoothing: f32) -> Self {
        let (xs, ys): (Vec<f64>, Vec<f64>) = points.unzip();
        let smooth = if smoothing > 0.0 { smoothed(&ys, f64::from(smoothing)) } else { Vec::new() };
        Self { xs, ys, smooth, thin: RefCell::default() }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.xs.is_empty()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.xs.len()
    }

    /// The first and the last place on the axis.
    #[must_use]
    pub fn extent(&self) -> Option<(f64, f64)> {
        Some((*self.xs.first()?, *self.xs.last()?))
    }

    /// The measurement that is nearest to `x`: its place and value.
    #[must_use]
    pub fn nearest(&self, x: f64) -> Option<(f64, f64)> {
        let after = self.xs.partition_point(|at| *at < x);
        let near = [after.checked_sub(1), Some(after)].into_iter().flatten().filter(|i| *i < self.xs.len());
        let best = near.min_by(|a, b| (self.xs[*a] - x).abs().total_cmp(&(self.xs[*b] - x).abs()))?;
        Some((self.xs[best], self.ys[best]))
    }

    /// The measurement `by` places after the one nearest to `x`.
    #[must_use]
    pub fn step_from(&self, x: f64, by: isize) -> Option<f64> {
        let (near, _) = self.nearest(x)?;
        let at = self.xs.partition_point(|at| *at < near);
        self.xs.get(at.saturating_add_signed(by).min(self.xs.len() - 1)).copied()
    }

    pub(super) fn has_smooth(&self) -> bool {
        !self.smooth.is_empty()
    }

    pub(super) fn thin(&self, view: View) -> Arc<Thin> {
        let mut held = self.thin.borrow_mut();
        if let Some((_, thin)) = held.as_ref().filter(|(known, _)| *known == view) {
            return Arc::clone(thin);
        }
        let shown = self.shown(view);
        let inside = self.xs.partition_point(|x| *x < view.from)..self.xs.partition_point(|x| *x <= view.to);
        let thin = Arc::new(Thin {
            raw: thinned(&self.xs, &self.ys, shown.clone(), view),
            smooth: if self.has_smooth() { thinned(&self.xs, &self.smooth, shown, view) } else { Vec::new() },
            range: range(self.ys[inside.clone()].iter().copied()),
            clipped: clipped(&self.ys[inside]),
        });
        *held = Some((view, Arc::clone(&thin)));
        thin
    }

    /// What lies in the view, and one more on each side so that lines go on to the edge.
    fn shown(&self, view: View) -> Range<usize> {
        let first = self.xs.partition_point(|x| *x < view.from).saturating_sub(1);
        let end = (self.xs.partition_point(|x| *x <= view.to) + 1).min(self.xs.len());
        first.min(end)..end
    }
}

fn smoothed(ys: &[f64], weight: f64) -> Vec<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    let one = |y: &f64| {
        sum = weight * sum + (1.0 - weight) * y;
        weights = weight * weights + (1.0 - weight);
        sum / weights
    };
    ys.iter().map(one).collect()
}

fn thinned(xs: &[f64], ys: &[f64], shown: Range<usize>, view: View) -> Vec<[f64; 2]> {
    if shown.len() <= 2 * view.columns {
        return shown.map(|i| [xs[i], ys[i]]).collect();
    }
    let per_column = view.columns as f64 / (view.to - view.from).max(f64::MIN_POSITIVE);
    let column = |i: usize| ((xs[i] - view.from) * per_column).floor();
    let mut out = Vec::with_capacity(4 * view.columns);
    let mut first = shown.start;
    while first < shown.end {
        let (mut low, mut high, mut last) = (first, first, first);
        let here = column(first);
        while last + 1 < shown.end && column(last + 1) == here {
            last += 1;
            if ys[last] < ys[low] {
                low = last;
            }
            if ys[last] > ys[high] {
                high = last;
            }
        }
        let mut kept = [first, low.min(high), low.max(high), last];
        kept.sort_unstable();
        for (n, i) in kept.into_iter().enumerate() {
            if n == 0 || i != kept[n - 1] {
                out.push([xs[i], ys[i]]);
            }
        }
        first = last + 1;
    }
    out
}

pub(super) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

fn clipped(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < MIN_RANKED {
        return range(values.iter().copied());
    }
    let stride = values.len().div_ceil(MAX_RANKED);
    let mut ranked: Vec<f64> = values.iter().step_by(stride).copied().collect();
    ranked.sort_by(f64::total_cmp);
    let cut = ranked.len().div_ceil(100);
    Some((ranked[cut], ranked[ranked.len() - 1 - cut]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(n: u32, smoothing: f32) -> Curve {
        // One spike that no thinning may lose.
        let y = |i: u32| if i == 777 { 50.0 } else { 2.0 + 1.0 / f64::from(i + 1) };
        Curve::new((0..n).map(|i| (f64::from(i), y(i))), smoothing)
    }

    #[test]
    fn a_hundred_thousand_points_become_columns_and_keep_their_extremes() {
        let curve = curve(100_000, 0.9);
        let view = View { from: 0.0, to: 99_999.0, columns: 800 };
        let thin = curve.thin(view);
        assert!(thin.raw.len() <= 4 * 801 && thin.smooth.len() <= 4 * 801, "{}", thin.raw.len());
        assert!(thin.raw.contains(&[777.0, 50.0]) && thin.raw.windows(2).all(|w| w[0][0] < w[1][0]));
        assert_eq!(thin.raw.first(), Some(&[0.0, 3.0]));
        assert_eq!(thin.range.map(|(_, high)| high), Some(50.0));
        assert!(thin.clipped.is_some_and(|(_, high)| high < 3.0), "the spike is an outlier");
        assert!(Arc::ptr_eq(&thin, &curve.thin(view)), "worked out once");
    }

    #[test]
    fn a_close_view_shows_every_point_and_one_beyond() {
        let curve = curve(1000, 0.0);
        let thin = curve.thin(View { from: 9.5, to: 12.5, columns: 800 });
        assert_eq!(thin.raw.iter().map(|p| p[0]).collect::<Vec<_>>(), [9.0, 10.0, 11.0, 12.0, 13.0]);
        assert!(thin.smooth.is_empty());
    }

    #[test]
    fn smoothing_starts_at_the_first_value() {
        let curve = Curve::new([(0.0, 4.0), (1.0, 2.0)].into_iter(), 0.5);
        // (0.25 · 4 + 0.5 · 2) / 0.75
        assert_eq!(curve.smooth[0], 4.0);
        assert!((curve.smooth[1] - 8.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_nearest_measurement_is_found() {
        let curve = Curve::new([(0.0, 4.0), (50.0, 2.0), (100.0, 1.0)].into_iter(), 0.0);
        assert_eq!(curve.nearest(70.0), Some((50.0, 2.0)));
        assert_eq!(curve.nearest(1e9), Some((100.0, 1.0)));
        assert_eq!(curve.nearest(-5.0), Some((0.0, 4.0)));
        assert_eq!((curve.step_from(60.0, 1), curve.step_from(60.0, -9)), (Some(100.0), Some(0.0)));
        assert_eq!(Curve::default().nearest(1.0), None);
    }
}
