//! A line on standard error that says how far something is; nothing when nobody watches.

use super::Cx;
use super::table::{file_size, grouped};
use glassworks_protocol::text::Language;
use glassworks_protocol::{Progress, Unit};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Cells of the bar.
const WIDTH: usize = 24;

pub struct Meter {
    bar: ProgressBar,
    language: Language,
}

impl Meter {
    #[must_use]
    pub fn new(cx: &Cx) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style("{wide_msg}"));
        Self { bar, language: cx.language }
    }

    /// One that shows nothing, where another bar is on screen.
    #[must_use]
    pub fn hidden(cx: &Cx) -> Self {
        Self { bar: ProgressBar::hidden(), language: cx.language }
    }

    pub fn show(&self, progress: &Progress) {
        // The whole line at once: set part by part, a redraw in between would show the halves of two stages.
        self.bar.set_message(line(self.language, progress));
    }

    /// Wipes the line, before something else is written.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.clear();
    }
}

fn line(language: Language, progress: &Progress) -> String {
    let stage = language.render(&progress.stage);
    let (Some(total), Some(fraction)) = (progress.total, progress.fraction()) else { return stage };
    let full = (fraction * WIDTH as f32).round() as usize;
    let bar = "━".repeat(full) + &"─".repeat(WIDTH - full);
    let count = |n: u64| if progress.unit == Unit::Bytes { file_size(n) } else { grouped(n) };
    format!("{stage} {bar} {} / {}", count(progress.done), count(total))
}

/// A bar in this shape; a template with a mistake in it, which a test would find, falls back to indicatif's own.
pub fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━─")
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::text::Text;

    #[test]
    fn a_line_tells_stage_bar_and_counts() {
        let check = |done, total, unit, expected: &str| {
            let progress =
                Progress { stage: Text::new("cli.tour.drawing"), done, total, unit, per_sec: None };
            assert_eq!(line(Language::English, &progress), expected);
        };
        let half = "━".repeat(12) + &"─".repeat(12);
        check(1, None, Unit::Tokens, "Drawing");
        check(3, Some(0), Unit::Tokens, "Drawing");
        check(1500, Some(3000), Unit::Tokens, &format!("Drawing {half} 1,500 / 3,000"));
        check(1_000_000, Some(2_000_000), Unit::Bytes, &format!("Drawing {half} 1.0 MB / 2.0 MB"));
    }
}
