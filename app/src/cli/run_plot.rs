//! A run's losses as a picture: PNG or SVG, by the file's ending.

use super::tour::plots::{self, Area, rgb, style};
use anyhow::{Result, bail};
use glassworks_protocol::text::Language;
use glassworks_protocol::train::{MetricPoint, RunRecord, Series};
use glassworks_ui::theme::{self, Tokens};
use plotters::prelude::*;
use std::path::Path;

const COLOURS: Tokens = theme::LIGHT;
const SIZE: (u32, u32) = (900, 520);
/// Pixels a point in the bitmap, so that its text is sharp.
const SHARP: u32 = 2;

/// Draws training and validation loss over the steps.
///
/// # Errors
/// When there is nothing to draw, or a font or the file cannot be used.
pub fn draw(language: Language, run: &RunRecord, points: &[MetricPoint], path: &Path) -> Result<()> {
    let family = plots::fonts(language)?;
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("svg")) {
        let area = SVGBackend::new(path, SIZE).into_drawing_area();
        return losses(&area, (family, 1), language, run, points);
    }
    let area = BitMapBackend::new(path, (SIZE.0 * SHARP, SIZE.1 * SHARP)).into_drawing_area();
    losses(&area, (family, SHARP as i32), language, run, points)
}

fn losses<B>(
    area: &Area<B>,
    (family, scale): (&str, i32),
    language: Language,
    run: &RunRecord,
    points: &[MetricPoint],
) -> Result<()>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let line = |series: Series| -> Vec<(f64, f64)> {
        points.iter().filter(|p| p.series == series).map(|p| (p.step as f64, p.value)).collect()
    };
    let drawn =
        [(Series::TrainLoss, 0), (Series::ValidationLoss, 1)].map(|(series, i)| (series, line(series), i));
    let all = || drawn.iter().flat_map(|(_, line, _)| line);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    all().for_each(|(_, value)| (low, high) = (low.min(*value), high.max(*value)));
    if !low.is_finite() {
        bail!("nothing was measured");
    }
    let room = ((high - low) * 0.06).max(1e-3);
    let last = all().map(|(step, _)| *step).fold(1.0, f64::max);
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(&run.name, style(family, 18 * scale, COLOURS.text_1))
        .margin(16 * scale)
        .x_label_area_size(40 * scale)
        .y_label_area_size(64 * scale)
        .build_cartesian_2d(0.0..last, low - room..high + room)?;
    chart
        .configure_mesh()
        .x_desc(language.get("train.plot.step"))
        .y_desc(language.get("train.plot.loss"))
        .axis_style(rgb(COLOURS.line))
        .bold_line_style(rgb(COLOURS.line))
        .light_line_style(TRANSPARENT)
        .label_style(style(family, 12 * scale, COLOURS.text_2))
        .axis_desc_style(style(family, 13 * scale, COLOURS.text_3))
        .draw()?;
    for (series, line, i) in drawn {
        let colour = rgb(COLOURS.series[i]);
        let stroke = colour.stroke_width((2 * scale) as u32);
        chart
            .draw_series(LineSeries::new(line.iter().copied(), stroke))?
            .label(language.get(series.metric().label))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], stroke));
        if series == Series::ValidationLoss {
            let dot = |at: &(f64, f64)| Circle::new(*at, 3 * scale, colour.filled());
            chart.draw_series(line.iter().map(dot))?;
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE)
        .border_style(rgb(COLOURS.line))
        .label_font(style(family, 12 * scale, COLOURS.text_1))
        .draw()?;
    area.present()?;
    Ok(())
}
