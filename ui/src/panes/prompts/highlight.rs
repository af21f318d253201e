//! The text of a prompt with its variables in colour.

use crate::theme::{Tokens, Type, Weight};
use egui::Color32;
use egui::text::{LayoutJob, TextFormat};
use glassworks_protocol::prompts::template::{Piece, pieces};

/// `text`, wrapped at `width`: variables stand on a wash, an escaped brace is weak.
pub fn marked(text: &str, t: &Tokens, width: f32) -> LayoutJob {
    let mut job = LayoutJob::default();
    job.wrap.max_width = width;
    let plain = |ink: Color32, weight: Weight, ground: Color32| TextFormat {
        font_id: Type::Prose.font(weight),
        color: ink,
        background: ground,
        ..TextFormat::default()
    };
    for (range, piece) in pieces(text) {
        let format = match piece {
            Piece::Text(_) => plain(t.text_1, Weight::Regular, Color32::TRANSPARENT),
            Piece::Brace => plain(t.text_3, Weight::Regular, Color32::TRANSPARENT),
            Piece::Variable(_) => plain(t.accent, Weight::Medium, t.selected),
        };
        job.append(&text[range], 0.0, format);
    }
    job
}
