//! Tokens in the text they are cut from, neighbours on different grounds.

use super::column::{Column, hex};
use crate::panes::PaneCx;
use crate::widgets::{self, ChipText};
use egui::{Frame, Margin, ScrollArea, Ui};
use glassworks_protocol::tokens::{TokenSeen, TokenizeReport};
use std::rc::Rc;
use std::sync::Arc;

/// The text as it was laid out last.
#[derive(Default)]
pub struct LaidOut(Option<Kept>);

struct Kept {
    report: Arc<TokenizeReport>,
    width: f32,
    pixels_per_point: f32,
    text: Rc<ChipText>,
}

impl LaidOut {
    fn text(&mut self, ui: &Ui, report: &Arc<TokenizeReport>) -> Rc<ChipText> {
        let (width, pixels_per_point) = (ui.available_width(), ui.pixels_per_point());
        let same = |kept: &&Kept| {
            Arc::ptr_eq(&kept.report, report)
                && kept.width == width
                && kept.pixels_per_point == pixels_per_point
        };
        if let Some(kept) = self.0.as_ref().filter(same) {
            return Rc::clone(&kept.text);
        }
        let texts: Vec<String> = report.tokens.iter().map(running).collect();
        let text = Rc::new(ChipText::lay_out(ui, texts.iter().map(String::as_str), width));
        let report = Arc::clone(report);
        self.0 = Some(Kept { report, width, pixels_per_point, text: Rc::clone(&text) });
        text
    }
}

/// A token in running text: as it is, with its line breaks to be seen; bytes that are no character as bytes.
fn running(token: &TokenSeen) -> String {
    match std::str::from_utf8(&token.bytes) {
        Ok("") => format!("⟨{}⟩", token.name),
        Ok(text) => text.replace('\n', "⏎\n").replace('\t', "⇥\t"),
        // Without spaces, so that it stays on one line.
        Err(_) => format!("⟨{}⟩", hex(&token.bytes).replace(' ', "")),
    }
}

/// A token alone.
pub fn visible(token: &TokenSeen) -> String {
    running(token).replace("⏎\n", "⏎").replace("⇥\t", "⇥").replace(' ', "·")
}

impl Column {
    /// Draws them; says which was clicked.
    pub fn flow(&mut self, ui: &mut Ui, cx: &PaneCx, chosen: Option<usize>, also: &[usize]) -> Option<usize> {
        let report = Arc::clone(self.report()?);
        let t = cx.theme.tokens;
        let name = cx.t("tokens.flow");
        let shown = ScrollArea::vertical().id_salt("flow").auto_shrink(false).show(ui, |ui| {
            let frame = Frame::new().inner_margin(Margin { left: 16, right: 16, top: 4, bottom: 16 });
            frame.show(ui, |ui| {
                let text = self.laid_out.text(ui, &report);
                let ground = |at: usize| {
                    let token = report.tokens.get(at)?;
                    Some(match at % 2 {
                        _ if also.binary_search(&at).is_ok() => t.selected,
                        _ if token.special => t.hover,
                        0 => t.pressed,
                        _ => t.chip[2],
                    })
                };
                widgets::chips(ui, &name, &text, report.tokens.len(), chosen, ground)
            })
        });
        let shown = shown.inner.inner;
        if let Some(token) = shown.hovered.and_then(|at| report.tokens.get(at)) {
            let words = format!("{}  {}", visible(token), token.id);
            shown.response.on_hover_text_at_pointer(words);
        }
        shown.chosen.or(shown.moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_made_to_be() {
        let token = |bytes: &[u8]| TokenSeen {
            id: 1,
            name: "<s>".into(),
            bytes: bytes.into(),
            place: None,
            special: false,
        };
        assert_eq!(running(&token(b" the\n")), " the⏎\n");
        assert_eq!(visible(&token(b" the\n")), "·the⏎");
        assert_eq!(visible(&token(&[0xE7, 0x8E])), "⟨E78E⟩");
        assert_eq!(visible(&token(b"")), "⟨<s>⟩");
    }
}
