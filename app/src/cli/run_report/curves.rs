//! A run's curves, drawn as SVG.

use super::super::table::grouped;
use super::{Page, escaped};
use glassworks_protocol::train::Series;
use std::fmt::Write as _;

/// Points drawn of a curve at most: more than the page is wide.
const MOST_POINTS: usize = 1_200;
/// Width and height of a plot, and the room for its numbers.
const PLOT: (f64, f64) = (720.0, 260.0);
const LEFT: f64 = 56.0;
const BELOW: f64 = 28.0;
/// A curve of a plot.
struct Curve {
    name: String,
    class: &'static str,
    /// Step and value.
    points: Vec<(f64, f64)>,
}

impl Page<'_> {
    pub fn curves(&self) -> String {
        let curve = |series: Series, class| {
            let of = self.points.iter().filter(|point| point.series == series);
            let points: Vec<(f64, f64)> = of.map(|point| (point.step as f64, point.value)).collect();
            Curve { name: self.say(series.metric().label), class, points: thinned(points) }
        };
        let losses = vec![curve(Series::TrainLoss, "a"), curve(Series::ValidationLoss, "b")];
        let more = [Series::LearningRate, Series::GradNorm, Series::TokensPerSec];
        let plots = std::iter::once(losses).chain(more.map(|series| vec![curve(series, "a")]));
        plots.map(|curves| self.plot(&curves)).collect()
    }

    /// Lines over the steps, with their names; nothing where nothing was measured.
    fn plot(&self, curves: &[Curve]) -> String {
        let all = || curves.iter().flat_map(|curve| &curve.points);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        all().for_each(|(_, value)| (low, high) = (low.min(*value), high.max(*value)));
        if !low.is_finite() || !high.is_finite() {
            return String::new();
        }
        let last = all().map(|(step, _)| *step).fold(1.0, f64::max);
        let room = ((high - low) * 0.06).max(high.abs() * 1e-3).max(1e-12);
        (low, high) = (low - room, high + room);
        let (width, height) = PLOT;
        let x = |step: f64| LEFT + step / last * (width - LEFT - 8.0);
        let y = |value: f64| 8.0 + (high - value) / (high - low) * (height - BELOW - 8.0);
        let names: Vec<&str> = curves.iter().map(|curve| curve.name.as_str()).collect();
        let mut svg = format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">\n",
            escaped(&names.join(", "))
        );
        for i in 0..=4 {
            let value = low + (high - low) * f64::from(i) / 4.0;
            let at = y(value);
            drawn(
                &mut svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>",
                    width - 8.0
                ),
            );
            drawn(
                &mut svg,
                format_args!(
                    "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                    LEFT - 8.0,
                    at + 4.0,
                    number(value)
                ),
            );
            let step = (last * f64::from(i) / 4.0).round();
            drawn(
                &mut svg,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                    x(step).min(width - 24.0),
                    height - 8.0,
                    grouped(step as u64)
                ),
            );
        }
        for curve in curves {
            let path: String = curve
                .points
                .iter()
                .enumerate()
                .map(|(i, (step, value))| {
                    format!("{}{:.1} {:.1}", if i == 0 { "M" } else { "L" }, x(*step), y(*value))
                })
                .collect();
            drawn(&mut svg, format_args!("<path class=\"{}\" d=\"{path}\"/>", curve.class));
            if curve.class == "b" {
                for (step, value) in &curve.points {
                    drawn(
                        &mut svg,
                        format_args!(
                            "<circle class=\"b\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
                            x(*step),
                            y(*value)
                        ),
                    );
                }
            }
        }
        svg.push_str("</svg>\n");
        let legend: String = curves
            .iter()
            .filter(|curve| !curve.points.is_empty())
            .map(|curve| format!("<span class=\"key {}\">{}</span> ", curve.class, escaped(&curve.name)))
            .collect();
        format!("<figure>\n<figcaption>{}</figcaption>\n{svg}</figure>\n", legend.trim_end())
    }
}

/// At most [`MOST_POINTS`], the first and the last among them.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let stride = points.len().div_ceil(MOST_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let kept = |i: usize| i.is_multiple_of(stride) || i == last;
    points.into_iter().enumerate().filter(|(i, _)| kept(*i)).map(|(_, point)| point).collect()
}

fn drawn(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _infallible = writeln!(svg, "{element}");
}

/// Short enough for an axis.
fn number(value: f64) -> String {
    match value.abs() {
        x if x >= 1000.0 => grouped(value.max(0.0) as u64),
        x if x >= 0.01 => format!("{value:.2}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_keep_their_ends() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), 0.0)).collect();
        let thin = thinned(points);
        assert!(thin.len() <= MOST_POINTS + 1);
        assert_eq!((thin[0].0, thin[thin.len() - 1].0), (0.0, 9_999.0));
    }
}
