//! How everything looks: colours, sizes, fonts, icons. Panes and widgets take them from here and nowhere else.

mod fonts;
pub mod icons;
mod style;
mod tokens;

pub use fonts::{Type, Weight, icon_font};
pub use tokens::{DARK, DELTA_FULL_BITS, LIGHT, SURPRISAL_FULL_BITS, Tokens, contrast};

use egui::{Context, Id, Ui};
use glassworks_protocol::text::Language;
use std::sync::Arc;

/// What a texture is multiplied by where it is shown as it is.
pub const AS_IT_IS: egui::Color32 = egui::Color32::WHITE;

/// Sizes in points, on a grid of 4.
pub mod size {
    pub const RAIL: f32 = 56.0;
    pub const STATUS_BAR: f32 = 28.0;
    pub const HEADER: f32 = 44.0;
    pub const ROW: f32 = 32.0;
    pub const CONTROL: f32 = 28.0;
    /// In a toolbar.
    pub const CONTROL_SMALL: f32 = 24.0;
    /// The one main action.
    pub const CONTROL_MAIN: f32 = 36.0;
    pub const GAP: f32 = 4.0;
    pub const PADDING: f32 = 16.0;
    pub const FIELD: f32 = 148.0;
    pub const FORM_LABEL: f32 = 176.0;
    /// The widest a column of prose gets.
    pub const TEXT_COLUMN: f32 = 632.0;
    /// Below this width of the window the list tile folds into a picker.
    pub const FOLD_LIST_BELOW: f32 = 1280.0;
    /// Below this width of the window the inspector becomes a drawer.
    pub const FOLD_INSPECTOR_BELOW: f32 = 1120.0;
    pub const RADIUS_CHIP: u8 = 3;
    pub const RADIUS_TAG: u8 = 4;
    pub const RADIUS_CONTROL: u8 = 6;
    pub const RADIUS_TILE: u8 = 8;
    pub const RADIUS_HERO: u8 = 10;
    pub const ICON: f32 = 16.0;
    pub const ICON_SMALL: f32 = 14.0;
    pub const ICON_RAIL: f32 = 20.0;
}

/// The look of one frame, and the language its widgets speak.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    pub dark: bool,
    pub high_contrast: bool,
    pub reduced_motion: bool,
    pub tokens: Tokens,
    pub language: Language,
}

impl Theme {
    #[must_use]
    pub fn new(dark: bool, high_contrast: bool, reduced_motion: bool, language: Language) -> Self {
        let tokens = Tokens::new(dark, high_contrast);
        Self { dark, high_contrast, reduced_motion, tokens, language }
    }

    /// A duration in seconds, 0 with reduced motion.
    #[must_use]
    pub fn motion(&self, secs: f32) -> f32 {
        if self.reduced_motion { 0.0 } else { secs }
    }

    /// The sentence for `key`.
    #[must_use]
    pub fn t(&self, key: &str) -> String {
        self.language.get(key).to_owned()
    }
}

/// Sets fonts; once.
pub fn install(ctx: &Context) {
    fonts::install(ctx);
    apply(ctx, &Theme::new(true, false, false, Language::English));
}

/// Makes `theme` the look of everything drawn from now on.
pub fn apply(ctx: &Context, theme: &Theme) {
    let style = Arc::new(style::style(theme));
    ctx.set_style_of(egui::Theme::Dark, Arc::clone(&style));
    ctx.set_style_of(egui::Theme::Light, style);
    ctx.data_mut(|d| d.insert_temp(Id::NULL, Arc::new(theme.clone())));
}

/// The look of this `ui`.
#[must_use]
pub fn of(ui: &Ui) -> Arc<Theme> {
    of_ctx(ui.ctx())
}

#[must_use]
pub fn of_ctx(ctx: &Context) -> Arc<Theme> {
    ctx.data(|d| d.get_temp(Id::NULL))
        .unwrap_or_else(|| Arc::new(Theme::new(true, false, false, Language::English)))
}
