//! The window's colours, by name. No other file makes a colour out of numbers.

use egui::Color32;

/// What a colour is for, in one look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tokens {
    /// The window itself, gaps between tiles, wells of fields.
    pub window: Color32,
    /// Sunken surfaces: formulas, logs, details.
    pub well: Color32,
    /// Where something can be typed.
    pub field: Color32,
    pub pane: Color32,
    /// Cards and popovers.
    pub raised: Color32,
    pub control: Color32,
    pub hover: Color32,
    pub pressed: Color32,
    pub line_soft: Color32,
    pub line: Color32,
    pub line_strong: Color32,
    /// The top edge of a tile.
    pub rim: Color32,
    pub hatch: Color32,
    pub text_1: Color32,
    pub text_2: Color32,
    /// Not on `pressed`.
    pub text_3: Color32,
    pub text_off: Color32,
    pub accent: Color32,
    pub on_accent: Color32,
    pub accent_hover: Color32,
    pub accent_pressed: Color32,
    pub selected: Color32,
    pub selected_line: Color32,
    pub ok: Color32,
    pub ok_wash: Color32,
    pub warn: Color32,
    pub warn_wash: Color32,
    pub danger: Color32,
    pub danger_wash: Color32,
    /// What a model is computing: beads, progress.
    pub warm: Color32,
    /// The shadow of what floats.
    pub shadow: Color32,
    /// Lines and marks of data, in order of use.
    pub series: [Color32; 6],
    /// Series 1 and 2 as text.
    pub series_text: [Color32; 2],
    /// Attention, "reads": five even stops.
    pub ember: [Color32; 5],
    /// "Is read by".
    pub glacier: [Color32; 5],
    /// Differences, zero in the middle.
    pub diverging: [Color32; 5],
    /// Behind text.
    pub chip: [Color32; 5],
}

#[expect(clippy::disallowed_methods, reason = "this is the file where colours come from")]
const fn hex(rgb: u32) -> Color32 {
    Color32::from_rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
}

const fn stops<const N: usize>(rgb: [u32; N]) -> [Color32; N] {
    let mut out = [Color32::TRANSPARENT; N];
    let mut i = 0;
    while i < N {
        out[i] = hex(rgb[i]);
        i += 1;
    }
    out
}

#[expect(clippy::disallowed_methods, reason = "this is the file where colours come from")]
const fn black(alpha: u8) -> Color32 {
    Color32::from_black_alpha(alpha)
}

pub const DARK: Tokens = Tokens {
    window: hex(0x0C0F11),
    well: hex(0x0C0F11),
    field: hex(0x0C0F11),
    pane: hex(0x12161A),
    raised: hex(0x191E23),
    control: hex(0x20262C),
    hover: hex(0x272E35),
    pressed: hex(0x303941),
    line_soft: hex(0x1F252A),
    line: hex(0x2A323A),
    line_strong: hex(0x3D4852),
    rim: hex(0x242B31),
    hatch: hex(0x2B343B),
    text_1: hex(0xE9EDEF),
    text_2: hex(0xB3BDC4),
    text_3: hex(0x8E9BA4),
    text_off: hex(0x5B6770),
    accent: hex(0x8CD4EA),
    on_accent: hex(0x06222C),
    accent_hover: hex(0xA6E0F1),
    accent_pressed: hex(0x6FBFD8),
    selected: hex(0x14303A),
    selected_line: hex(0x3E8CA3),
    ok: hex(0x7CCB98),
    ok_wash: hex(0x15291F),
    warn: hex(0xEBC15A),
    warn_wash: hex(0x2C2513),
    danger: hex(0xFF8F85),
    danger_wash: hex(0x351B1B),
    warm: hex(0xF2A65A),
    shadow: black(128),
    series: stops([0xF2A65A, 0x7CC7E8, 0xBC63AA, 0xE6F18E, 0x6290FC, 0x83940E]),
    series_text: stops([0xF2A65A, 0x7CC7E8]),
    ember: stops([0x12161A, 0x3B2233, 0x8A3232, 0xDB7A2E, 0xFFE7A8]),
    glacier: stops([0x12161A, 0x163A48, 0x22708C, 0x67B7D0, 0xE4F7FA]),
    diverging: stops([0xA9E4F2, 0x2F86A6, 0x191E23, 0xC0642C, 0xFFD8A0]),
    chip: stops([0x12161A, 0x2B2622, 0x4A3120, 0x6E3F1B, 0x93490F]),
};

pub const LIGHT: Tokens = Tokens {
    window: hex(0xE4E8EA),
    well: hex(0xEFF2F4),
    field: hex(0xFFFFFF),
    pane: hex(0xFAFBFB),
    raised: hex(0xFFFFFF),
    control: hex(0xEFF2F4),
    hover: hex(0xE6EAED),
    pressed: hex(0xDADFE3),
    line_soft: hex(0xE6E9EC),
    line: hex(0xD3D9DD),
    line_strong: hex(0xA9B4BB),
    rim: hex(0xD3D9DD),
    hatch: hex(0xD9DEE2),
    text_1: hex(0x12181B),
    text_2: hex(0x465159),
    text_3: hex(0x56626A),
    text_off: hex(0x98A3AA),
    accent: hex(0x0B6E8C),
    on_accent: hex(0xFFFFFF),
    accent_hover: hex(0x095C76),
    accent_pressed: hex(0x074A60),
    selected: hex(0xDDF0F6),
    selected_line: hex(0x5FA9C0),
    ok: hex(0x1A7142),
    ok_wash: hex(0xE2F3E9),
    warn: hex(0x835400),
    warn_wash: hex(0xFBF0D6),
    danger: hex(0xB3312B),
    danger_wash: hex(0xFBE6E4),
    warm: hex(0xC8680F),
    shadow: black(46),
    series: stops([0xC8680F, 0x1B7FB5, 0x8D4D67, 0x50207A, 0x5F5802, 0x03371C]),
    series_text: stops([0xA35206, 0x12699A]),
    ember: stops([0xFFFFFF, 0xFBDDA6, 0xEC9440, 0xAE3B36, 0x3D1230]),
    glacier: stops([0xFFFFFF, 0xCBE8F0, 0x6DB5CD, 0x22708C, 0x0A2E3F]),
    diverging: stops([0x0B4A66, 0x6DB5CD, 0xF7F7F5, 0xE8A05A, 0x7A2E10]),
    chip: stops([0xFAFBFB, 0xFDF1DC, 0xFADDAF, 0xF5C07A, 0xEE9F4A]),
};

impl Tokens {
    #[must_use]
    pub const fn new(dark: bool, high_contrast: bool) -> Self {
        let mut tokens = if dark { DARK } else { LIGHT };
        if high_contrast {
            tokens.line = tokens.text_3;
            tokens.rim = tokens.text_3;
            tokens.text_3 = tokens.text_2;
        }
        tokens
    }

    /// The colour at `t` (0 to 1) of a map with even stops.
    #[must_use]
    pub fn map(stops: &[Color32], t: f32) -> Color32 {
        let Some(last) = stops.len().checked_sub(1) else { return Color32::TRANSPARENT };
        let at = t.clamp(0.0, 1.0) * last as f32;
        let below = (at.floor() as usize).min(last);
        let above = (below + 1).min(last);
        stops[below].lerp_to_gamma(stops[above], at - below as f32)
    }

    /// The colour behind text for a difference from −1 to 1: as much of the map as text can be read on.
    #[must_use]
    pub fn delta(&self, share: f32) -> Color32 {
        let reach = if self.diverging[2] == DARK.diverging[2] { 0.38 } else { 0.55 };
        Self::map(&self.diverging, 0.5 + 0.5 * reach * share.clamp(-1.0, 1.0))
    }

    /// The colour behind a token that surprised the model by `bits`.
    #[must_use]
    pub fn surprisal(&self, bits: f32) -> Color32 {
        Self::map(&self.chip, bits / SURPRISAL_FULL_BITS)
    }
}

/// Where the chip map ends.
pub const SURPRISAL_FULL_BITS: f32 = 5.5;
/// Where the colours of a difference between two models end.
pub const DELTA_FULL_BITS: f32 = 4.0;

/// Contrast by WCAG 2: 1 to 21.
#[must_use]
pub fn contrast(a: Color32, b: Color32) -> f32 {
    let luminance = |c: Color32| {
        let part = |v: u8| {
            let v = f32::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(c.r()) + 0.7152 * part(c.g()) + 0.0722 * part(c.b())
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: Color32, ground: Color32, least: f32) {
        let got = contrast(text, ground);
        assert!(got >= least, "{name}: {got:.2} is below {least}");
    }

    #[test]
    fn text_is_readable_on_every_surface() {
        for (dark, high) in [(true, false), (true, true), (false, false), (false, true)] {
            let t = Tokens::new(dark, high);
            let grounds = [
                ("window", t.window),
                ("well", t.well),
                ("field", t.field),
                ("pane", t.pane),
                ("raised", t.raised),
                ("control", t.control),
                ("hover", t.hover),
                ("selected", t.selected),
            ];
            for (ground, colour) in grounds {
                for (text, ink) in [("text.1", t.text_1), ("text.2", t.text_2), ("text.3", t.text_3)] {
                    check(&format!("{text} on {ground}, dark {dark}, high {high}"), ink, colour, 4.5);
                }
            }
            check("text.1 on pressed", t.text_1, t.pressed, 4.5);
            check("text.2 on pressed", t.text_2, t.pressed, 4.5);
            for ground in [t.accent, t.accent_hover, t.accent_pressed] {
                check("on accent", t.on_accent, ground, 4.5);
            }
            for (ink, wash) in [(t.ok, t.ok_wash), (t.warn, t.warn_wash), (t.danger, t.danger_wash)] {
                check("on its wash", ink, wash, 4.5);
                check("on the pane", ink, t.pane, 4.5);
            }
            check("accent as text", t.accent, t.pane, 4.5);
            check("accent as text on a popover", t.accent, t.raised, 4.5);
            for ink in t.series_text {
                check("series as text", ink, t.pane, 4.5);
            }
        }
    }

    #[test]
    fn words_stay_readable_on_any_chip() {
        for dark in [true, false] {
            let t = Tokens::new(dark, false);
            for i in 0..=100 {
                check("chip", t.text_1, Tokens::map(&t.chip, i as f32 / 100.0), 5.5);
                check("delta", t.text_1, t.delta(i as f32 / 50.0 - 1.0), 4.5);
            }
        }
    }

    #[test]
    fn maps_begin_and_end_at_their_stops() {
        let t = DARK;
        assert_eq!(Tokens::map(&t.ember, -1.0), t.ember[0]);
        assert_eq!(Tokens::map(&t.ember, 2.0), t.ember[4]);
        assert_eq!(Tokens::map(&t.ember, 0.5), t.ember[2]);
    }
}
