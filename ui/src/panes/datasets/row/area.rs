//! A field for a text of any length: as high as its text, dimmed where the model sees no more, with differences marked.

use crate::theme::{self, Tokens, Type, Weight, size};
use crate::widgets::diff::Change;
use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, Frame, Id, Margin, Response, RichText, Stroke, TextBuffer, TextEdit, Ui};

/// Colours behind a stretch of text, in characters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ground {
    pub from: usize,
    pub to: usize,
    pub color: Color32,
}

#[must_use = "a field draws nothing until `show`"]
pub struct Area<'a> {
    id: Id,
    name: &'a str,
    hint: String,
    rows: usize,
    mono: bool,
    problem: bool,
    fill: Option<Color32>,
    /// From this character on the model sees nothing.
    cut: Option<usize>,
    /// What it has in common with another text.
    parts: Option<&'a [(Change, String)]>,
    grounds: &'a [Ground],
}

impl<'a> Area<'a> {
    pub fn new(id: Id, name: &'a str) -> Self {
        Self {
            id,
            name,
            hint: String::new(),
            rows: 1,
            mono: false,
            problem: false,
            fill: None,
            cut: None,
            parts: None,
            grounds: &[],
        }
    }

    /// Stands in an empty field.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// At least so many lines high.
    pub fn rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    pub fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    pub fn problem(mut self, problem: bool) -> Self {
        self.problem = problem;
        self
    }

    pub fn fill(mut self, fill: Color32) -> Self {
        self.fill = Some(fill);
        self
    }

    pub fn cut(mut self, cut: Option<usize>) -> Self {
        self.cut = cut;
        self
    }

    pub fn parts(mut self, parts: &'a [(Change, String)]) -> Self {
        self.parts = Some(parts);
        self
    }

    pub fn grounds(mut self, grounds: &'a [Ground]) -> Self {
        self.grounds = grounds;
        self
    }

    pub fn show(self, ui: &mut Ui, text: &mut String) -> Response {
        let t = theme::of(ui).tokens;
        let focused = ui.memory(|m| m.has_focus(self.id));
        let line = match (self.problem, focused) {
            (true, _) => Stroke::new(1.0, t.danger),
            (_, true) => Stroke::new(2.0, t.accent),
            _ => Stroke::new(1.0, t.line),
        };
        let inset = if focused && !self.problem { 9 } else { 10 };
        let type_of = if self.mono { Type::Hint } else { Type::Body };
        let font = if self.mono { type_of.mono(Weight::Regular) } else { type_of.font(Weight::Regular) };
        let mut layouter = |ui: &Ui, buffer: &dyn TextBuffer, width: f32| {
            ui.painter().layout_job(self.job(buffer.as_str(), &t, width))
        };
        Frame::new()
            .fill(self.fill.unwrap_or(t.field))
            .stroke(line)
            .corner_radius(size::RADIUS_CONTROL)
            .inner_margin(Margin::symmetric(inset, inset - 3))
            .show(ui, |ui| {
                let edit = TextEdit::multiline(text)
                    .id(self.id)
                    .frame(Frame::NONE)
                    .margin(Margin::ZERO)
                    .font(font.clone())
                    .desired_rows(self.rows)
                    .desired_width(f32::INFINITY)
                    .hint_text(RichText::new(&self.hint).font(font).color(t.text_3))
                    .layouter(&mut layouter);
                ui.add(edit).accessible_name(self.name)
            })
            .inner
    }

    fn job(&self, text: &str, t: &Tokens, width: f32) -> LayoutJob {
        let type_of = if self.mono { Type::Hint } else { Type::Body };
        let plain = TextFormat {
            font_id: if self.mono { type_of.mono(Weight::Regular) } else { type_of.font(Weight::Regular) },
            line_height: Some(type_of.line()),
            color: t.text_1,
            ..TextFormat::default()
        };
        let mut job = LayoutJob::default();
        job.wrap.max_width = width;
        if let Some(parts) = self.parts.filter(|parts| is_of(parts, text)) {
            for (change, words) in parts {
                job.append(words, 0.0, changed(&plain, *change, t));
            }
            return job;
        }
        let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
        let mut from = 0;
        for ground in self.grounds {
            let (start, end) = (byte(ground.from), byte(ground.to));
            if start < from || end <= start {
                continue;
            }
            job.append(&text[from..start], 0.0, plain.clone());
            job.append(&text[start..end], 0.0, TextFormat { background: ground.color, ..plain.clone() });
            from = end;
        }
        let cut = self.cut.map_or(text.len(), byte).max(from);
        job.append(&text[from..cut], 0.0, plain.clone());
        job.append(&text[cut..], 0.0, TextFormat { color: t.text_3, ..plain });
        job
    }
}

/// Whether the parts are of this text: while a key is taken in they are still those of the text before it.
fn is_of(parts: &[(Change, String)], text: &str) -> bool {
    let mut rest = text;
    for (_, words) in parts {
        match rest.strip_prefix(words.as_str()) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

/// What the other text has not, underlined: not told by colour alone.
fn changed(plain: &TextFormat, change: Change, t: &Tokens) -> TextFormat {
    let (ink, ground) = match change {
        Change::Same => return plain.clone(),
        Change::Removed => (t.danger, t.danger_wash),
        Change::Added => (t.ok, t.ok_wash),
    };
    let underline = Stroke::new(1.0, ink);
    TextFormat { color: t.text_1, background: ground, underline, ..plain.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_belong_to_one_text() {
        let parts = [(Change::Same, "a ".to_owned()), (Change::Added, "b".to_owned())];
        assert!(is_of(&parts, "a b"));
        assert!(!is_of(&parts, "a bc") && !is_of(&parts, "a ") && !is_of(&parts, "x b"));
    }
}
