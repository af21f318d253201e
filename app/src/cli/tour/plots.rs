//! The tour's pictures: one head's attention as PNG, the reply's surprisal as SVG.

use super::Findings;
use anyhow::{Result, anyhow};
use eframe::egui::Color32;
use glassworks_protocol::text::Language;
use glassworks_ui::theme::{self, Tokens};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, FontTransform, register_font};
use std::path::Path;

pub const ATTENTION: &str = "attention.png";
pub const SURPRISAL: &str = "surprisal.svg";

const MONO: &str = "JetBrains Mono";
const SANS: &str = "Inter";
const HAN: &str = "Noto Sans SC";

/// The window's light theme: ember for attention, the first series for surprisal.
const COLOURS: Tokens = theme::LIGHT;

/// Pixels a point in the bitmap, so that its text is sharp; the SVG needs no more than one.
const SHARP: i32 = 2;
const CELL: i32 = 22 * SHARP;
const MARGIN: i32 = 16;
/// Room for the tokens beside and above the map.
const LABELS: i32 = 104;
const HEADING: i32 = 64;

pub type Area<B> = DrawingArea<B, Shift>;

/// Draws both into `folder`.
///
/// # Errors
/// When a font or a file cannot be used.
pub fn draw(language: Language, findings: &Findings, folder: &Path) -> Result<()> {
    let sans = fonts(language)?;
    attention(language, sans, findings, &folder.join(ATTENTION))?;
    surprisal(language, sans, findings, &folder.join(SURPRISAL))
}

/// Makes the fonts known; the one for the language's words.
///
/// # Errors
/// When one cannot be used.
pub fn fonts(language: Language) -> Result<&'static str> {
    let fonts: [(&str, &'static [u8]); 3] = [
        (SANS, include_bytes!("../../../../assets/fonts/Inter-Regular.otf")),
        (MONO, include_bytes!("../../../../assets/fonts/JetBrainsMono-Regular.ttf")),
        (HAN, include_bytes!("../../../../assets/fonts/NotoSansSC-Regular.otf")),
    ];
    for (name, bytes) in fonts {
        register_font(name, FontStyle::Normal, bytes)
            .map_err(|_| anyhow!("the font {name} cannot be used"))?;
    }
    Ok(if language == Language::Chinese { HAN } else { SANS })
}

fn attention(language: Language, sans: &str, findings: &Findings, path: &Path) -> Result<()> {
    let seen = &findings.seen;
    let side = CELL * seen.n_tokens as i32;
    let (margin, labels) = (MARGIN * SHARP, LABELS * SHARP);
    let top = margin + HEADING * SHARP + labels;
    // Narrow maps still need room for the words above them.
    let width = (2 * margin + labels + side).max(560 * SHARP);
    let size = (width as u32, (top + side + 40 * SHARP + margin) as u32);
    let area = BitMapBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let title = language.format(
        "cli.tour.plot_attention",
        &[("layer", &(seen.layer + 1)), ("head", &(seen.head + 1)), ("model", &findings.model.name)],
    );
    heading(&area, (sans, SHARP), &title, language.get("cli.tour.plot_reading"))?;
    let left = margin + labels;
    for (at, (_, token)) in findings.inside.tokens.iter().enumerate() {
        let along = CELL * at as i32 + CELL / 2;
        let label = shown(token);
        let beside = style(MONO, 12 * SHARP, COLOURS.text_1).pos(Pos::new(HPos::Right, VPos::Center));
        area.draw_text(&label, &beside, (left - 8 * SHARP, top + along))?;
        let above = style(MONO, 12 * SHARP, COLOURS.text_1).transform(FontTransform::Rotate270);
        area.draw_text(
            &label,
            &above.pos(Pos::new(HPos::Left, VPos::Center)),
            (left + along, top - 8 * SHARP),
        )?;
    }
    for (query, row) in seen.map.chunks_exact(seen.n_tokens.max(1)).enumerate() {
        for (key, weight) in row.iter().enumerate() {
            let (x, y) = (left + CELL * key as i32, top + CELL * query as i32);
            let cell = [(x, y), (x + CELL - 1, y + CELL - 1)];
            if key > query {
                // Masked is hatched, not zero.
                area.draw(&PathElement::new(
                    [(x + 4, y + CELL - 5), (x + CELL - 5, y + 4)],
                    rgb(COLOURS.line),
                ))?;
            } else {
                area.draw(&Rectangle::new(cell, ember(*weight).filled()))?;
                area.draw(&Rectangle::new(cell, rgb(COLOURS.line).mix(0.6)))?;
            }
        }
    }
    legend(&area, (left, top + side + 20 * SHARP))?;
    area.present()?;
    Ok(())
}

/// The colours from 0 to 1, with their numbers.
fn legend<B>(area: &Area<B>, at: (i32, i32)) -> Result<()>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    const WIDTH: i32 = 200 * SHARP;
    const HEIGHT: i32 = 10 * SHARP;
    for x in 0..WIDTH {
        let colour = ember(x as f32 / (WIDTH - 1) as f32);
        area.draw(&Rectangle::new([(at.0 + x, at.1), (at.0 + x + 1, at.1 + HEIGHT)], colour.filled()))?;
    }
    area.draw(&Rectangle::new([at, (at.0 + WIDTH, at.1 + HEIGHT)], rgb(COLOURS.line)))?;
    for (x, label) in [(0, "0"), (WIDTH / 2, "0.5"), (WIDTH, "1")] {
        let below = style(MONO, 11 * SHARP, COLOURS.text_3).pos(Pos::new(HPos::Center, VPos::Top));
        area.draw_text(label, &below, (at.0 + x, at.1 + HEIGHT + 4 * SHARP))?;
    }
    Ok(())
}

fn surprisal(language: Language, sans: &str, findings: &Findings, path: &Path) -> Result<()> {
    const BAR: i32 = 14;
    const HEIGHT: i32 = 260;
    let tokens = &findings.reply.tokens;
    let width = (2 * MARGIN + 48 + BAR * tokens.len() as i32).max(560);
    let area = SVGBackend::new(path, (width as u32, (HEADING + HEIGHT + LABELS + 2 * MARGIN) as u32))
        .into_drawing_area();
    area.fill(&WHITE)?;
    let title = language.format("cli.tour.plot_surprisal", &[("model", &findings.model.name)]);
    heading(&area, (sans, 1), &title, language.get("cli.tour.plot_bits"))?;
    let most = tokens.iter().map(|token| token.surprisal_bits()).fold(1.0, f32::max).ceil();
    let (left, bottom) = (MARGIN + 40, MARGIN + HEADING + HEIGHT);
    let height_of = |bits: f32| (bits / most * HEIGHT as f32).round() as i32;
    let step = (most / 4.0).ceil().max(1.0);
    for tick in 0..=(most / step) as i32 {
        let bits = tick as f32 * step;
        let y = bottom - height_of(bits);
        area.draw(&PathElement::new([(left, y), (width - MARGIN, y)], rgb(COLOURS.line)))?;
        let beside = style(MONO, 11, COLOURS.text_3).pos(Pos::new(HPos::Right, VPos::Center));
        area.draw_text(&format!("{bits:.0}"), &beside, (left - 8, y))?;
    }
    for (at, token) in tokens.iter().enumerate() {
        let x = left + BAR * at as i32;
        let bar = [(x + 2, bottom - height_of(token.surprisal_bits())), (x + BAR - 2, bottom)];
        area.draw(&Rectangle::new(bar, rgb(COLOURS.series[0]).filled()))?;
        let below = style(MONO, 10, COLOURS.text_1).transform(FontTransform::Rotate90);
        let below = below.pos(Pos::new(HPos::Left, VPos::Center));
        area.draw_text(&shown(&token.text), &below, (x + BAR / 2, bottom + 6))?;
    }
    area.present()?;
    Ok(())
}

/// `scale` is the pixels a point.
fn heading<B>(area: &Area<B>, (sans, scale): (&str, i32), title: &str, hint: &str) -> Result<()>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let margin = MARGIN * scale;
    area.draw_text(title, &style(sans, 18 * scale, COLOURS.text_1), (margin, margin))?;
    area.draw_text(hint, &style(sans, 13 * scale, COLOURS.text_3), (margin, margin + 28 * scale))?;
    Ok(())
}

#[must_use]
pub fn style(family: &str, size: i32, colour: Color32) -> TextStyle<'_> {
    (family, size).into_font().color(&rgb(colour))
}

#[must_use]
pub fn rgb(colour: Color32) -> RGBColor {
    RGBColor(colour.r(), colour.g(), colour.b())
}

/// Between the two stops around `weight`.
fn ember(weight: f32) -> RGBColor {
    let stops = COLOURS.ember.map(rgb);
    let at = weight.clamp(0.0, 1.0) * (stops.len() - 1) as f32;
    let low = (at as usize).min(stops.len() - 2);
    let part = at - low as f32;
    let (a, b) = (stops[low], stops[low + 1]);
    let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * part).round() as u8;
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

/// A token alone: its spaces and line ends visible, long ones cut.
fn shown(token: &str) -> String {
    let mut text: String = token
        .chars()
        .take(13)
        .flat_map(|c| match c {
            ' ' => vec!['·'],
            '\n' => vec!['\\', 'n'],
            '\t' => vec!['\\', 't'],
            c => vec![c],
        })
        .collect();
    if token.chars().nth(13).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_run_from_the_first_stop_to_the_last() {
        assert_eq!(ember(0.0), rgb(COLOURS.ember[0]));
        assert_eq!(ember(1.0), rgb(COLOURS.ember[4]));
        assert_eq!(ember(0.5), rgb(COLOURS.ember[2]));
    }

    #[test]
    fn tokens_show_their_spaces() {
        assert_eq!(shown(" the\n"), "·the\\n");
        assert_eq!(shown("abcdefghijklmnop"), "abcdefghijklm…");
    }
}
