//! The window's size, kept between runs in `<home>/window.json`. Its place is the window manager's affair.

use eframe::egui;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

pub const DEFAULT: egui::Vec2 = egui::vec2(1440.0, 900.0);
pub const LEAST: egui::Vec2 = egui::vec2(1024.0, 700.0);
/// Larger than any screen: a file that says more is not believed.
const MOST: egui::Vec2 = egui::vec2(16_384.0, 16_384.0);

/// In logical points, without the zoom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Geometry {
    width: f32,
    height: f32,
    maximized: bool,
}

impl Default for Geometry {
    fn default() -> Self {
        Self { width: DEFAULT.x, height: DEFAULT.y, maximized: false }
    }
}

impl Geometry {
    /// What the last run left, or the default.
    #[must_use]
    pub fn load(home: &Path) -> Self {
        let text = std::fs::read_to_string(file(home)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    #[must_use]
    pub fn size(&self) -> egui::Vec2 {
        let size = egui::vec2(self.width, self.height);
        // NaN survives `clamp`; JSON has none, so this is for infinities only.
        size.clamp(LEAST, MOST)
    }

    #[must_use]
    pub fn is_maximized(&self) -> bool {
        self.maximized
    }

    /// Takes in how the window stands now. The size it had before it was maximized is the one to go back to.
    pub fn follow(&mut self, ctx: &egui::Context) {
        let zoom = ctx.zoom_factor();
        ctx.input(|input| {
            let viewport = input.viewport();
            self.maximized = viewport.maximized.unwrap_or(false);
            let settled = !self.maximized && !viewport.minimized.unwrap_or(false);
            if let Some(inner) =
                viewport.inner_rect.filter(|_| settled && !viewport.fullscreen.unwrap_or(false))
            {
                (self.width, self.height) = (inner.width() * zoom, inner.height() * zoom);
            }
        });
    }

    /// Keeps it. A window that opens at its default size next time is no misfortune, so a failure is only logged.
    pub fn save(&self, home: &Path) {
        let path = file(home);
        let aside = path.with_extension("json.incomplete");
        let text = serde_json::to_string(self).unwrap_or_default();
        let saved = std::fs::write(&aside, text).and_then(|()| std::fs::rename(&aside, &path));
        if let Err(error) = saved {
            tracing::warn!("{}: {error}", path.display());
        }
    }
}

fn file(home: &Path) -> PathBuf {
    home.join("window.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_kept_and_nonsense_is_not_believed() {
        let home = tempfile::tempdir().expect("a folder");
        assert_eq!(Geometry::load(home.path()), Geometry::default());
        let wide = Geometry { width: 1600.0, height: 1000.0, maximized: true };
        wide.save(home.path());
        assert_eq!(Geometry::load(home.path()), wide);
        let check = |text: &str, size: egui::Vec2| {
            std::fs::write(file(home.path()), text).expect("written");
            assert_eq!(Geometry::load(home.path()).size(), size, "{text}");
        };
        check("", DEFAULT);
        check("{\"width\":1,\"height\":-5,\"maximized\":false}", LEAST);
        check("{\"width\":1e9,\"height\":1e9,\"maximized\":false}", MOST);
    }
}
