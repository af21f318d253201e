//! A line on standard error that says how far something is; nothing when nobody watches.

use super::Cx;
use glassworks_protocol::text::Language;
use glassworks_protocol::{Progress, Unit};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

pub struct Meter {
    bar: ProgressBar,
    language: Language,
}

impl Meter {
    #[must_use]
    pub fn new(cx: &Cx) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style("{spinner} {msg}"));
        Self { bar, language: cx.language }
    }

    /// One that shows nothing, where another bar is on screen.
    #[must_use]
    pub fn hidden(cx: &Cx) -> Self {
        Self { bar: ProgressBar::hidden(), language: cx.language }
    }

    pub fn show(&self, progress: &Progress) {
        self.bar.set_message(self.language.render(&progress.stage));
        match progress.total {
            Some(total) => {
                let counts = match progress.unit {
                    Unit::Bytes => "{bytes}/{total_bytes}",
                    _ => "{pos}/{len}",
                };
                self.bar.set_style(style(&format!("{{msg}} {{bar:24}} {counts}")));
                self.bar.set_length(total);
                self.bar.set_position(progress.done);
            }
            None => self.bar.enable_steady_tick(Duration::from_millis(120)),
        }
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

/// A bar in this shape; a template with a mistake in it, which a test would find, falls back to indicatif's own.
pub fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━─")
}
