//! The bundled fonts and the scale of type. Fonts of the system come after these, where the program adds them.

use egui::{Color32, FontData, FontDefinitions, FontFamily, FontId, RichText};
use std::sync::Arc;

macro_rules! font {
    ($file:literal) => {
        include_bytes!(concat!("../../../assets/", $file)).as_slice()
    };
}

/// Name, bytes, and whether it is text (icons are not).
const FILES: [(&str, &[u8]); 9] = [
    ("inter", font!("fonts/Inter-Regular.otf")),
    ("inter-medium", font!("fonts/Inter-Medium.otf")),
    ("inter-semibold", font!("fonts/Inter-SemiBold.otf")),
    ("mono", font!("fonts/JetBrainsMono-Regular.ttf")),
    ("mono-medium", font!("fonts/JetBrainsMono-Medium.ttf")),
    ("mono-semibold", font!("fonts/JetBrainsMono-SemiBold.ttf")),
    ("han", font!("fonts/NotoSansSC-Regular.otf")),
    ("icons", font!("icons/Phosphor.ttf")),
    ("icons-fill", font!("icons/Phosphor-Fill.ttf")),
];

/// Sets the families once, at start-up.
pub fn install(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::empty();
    for (name, bytes) in FILES {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let mut family = |family: FontFamily, names: &[&str]| {
        fonts.families.insert(family, names.iter().map(|n| (*n).to_owned()).collect());
    };
    family(FontFamily::Proportional, &["inter", "han", "mono", "icons"]);
    family(named("medium"), &["inter-medium", "han", "mono", "icons"]);
    family(named("semibold"), &["inter-semibold", "han", "mono", "icons"]);
    family(FontFamily::Monospace, &["mono", "han", "inter", "icons"]);
    family(named("mono-medium"), &["mono-medium", "han", "inter", "icons"]);
    family(named("mono-semibold"), &["mono-semibold", "han", "inter", "icons"]);
    family(named("icons"), &["icons"]);
    family(named("icons-fill"), &["icons-fill", "icons"]);
    ctx.set_fonts(fonts);
}

fn named(name: &'static str) -> FontFamily {
    FontFamily::Name(name.into())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Medium,
    Semibold,
}

/// The scale: size and line height of everything that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// 10/12, the rail only.
    Rail,
    /// 11/16
    Caption,
    /// 12/16
    Hint,
    /// 13/20
    Body,
    /// 15/24: prose, and with [`Weight::Semibold`] the titles of panes.
    Prose,
    /// 18/24
    Figure,
    /// 28/36, one a pane.
    Headline,
}

impl Type {
    #[must_use]
    pub const fn size(self) -> f32 {
        match self {
            Self::Rail => 10.0,
            Self::Caption => 11.0,
            Self::Hint => 12.0,
            Self::Body => 13.0,
            Self::Prose => 15.0,
            Self::Figure => 18.0,
            Self::Headline => 28.0,
        }
    }

    #[must_use]
    pub const fn line(self) -> f32 {
        match self {
            Self::Rail => 12.0,
            Self::Caption | Self::Hint => 16.0,
            Self::Body => 20.0,
            Self::Prose | Self::Figure => 24.0,
            Self::Headline => 36.0,
        }
    }

    /// Inter: what is read.
    #[must_use]
    pub fn font(self, weight: Weight) -> FontId {
        let family = match weight {
            Weight::Regular => FontFamily::Proportional,
            Weight::Medium => named("medium"),
            Weight::Semibold => named("semibold"),
        };
        FontId::new(self.size(), family)
    }

    /// JetBrains Mono: what is measured.
    #[must_use]
    pub fn mono(self, weight: Weight) -> FontId {
        let family = match weight {
            Weight::Regular => FontFamily::Monospace,
            Weight::Medium => named("mono-medium"),
            Weight::Semibold => named("mono-semibold"),
        };
        FontId::new(self.size(), family)
    }

    #[must_use]
    pub fn text(self, text: impl Into<String>, color: Color32) -> RichText {
        self.weighted(text, Weight::Regular, color)
    }

    #[must_use]
    pub fn medium(self, text: impl Into<String>, color: Color32) -> RichText {
        self.weighted(text, Weight::Medium, color)
    }

    #[must_use]
    pub fn semibold(self, text: impl Into<String>, color: Color32) -> RichText {
        self.weighted(text, Weight::Semibold, color)
    }

    #[must_use]
    pub fn number(self, text: impl Into<String>, color: Color32) -> RichText {
        RichText::new(text).font(self.mono(Weight::Regular)).line_height(Some(self.line())).color(color)
    }

    fn weighted(self, text: impl Into<String>, weight: Weight, color: Color32) -> RichText {
        RichText::new(text).font(self.font(weight)).line_height(Some(self.line())).color(color)
    }
}

/// A glyph of `theme::icons`.
#[must_use]
pub fn icon_font(size: f32, filled: bool) -> FontId {
    FontId::new(size, named(if filled { "icons-fill" } else { "icons" }))
}
