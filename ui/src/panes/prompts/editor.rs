//! Where a prompt is written: system prompt, text, and what its variables are.

use super::PromptsPane;
use super::highlight::marked;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::widgets::{self, Button, tiles};
use egui::text::CCursorRange;
use egui::{Frame, Id, Margin, Response, RichText, Stroke, TextBuffer, TextEdit, Ui};
use glassworks_protocol::prompts::{PromptRecord, Variable, template};

/// The widest that texts get.
const WIDTH: f32 = 760.0;

#[derive(Default)]
pub struct EditorState {
    /// The name is to be typed.
    pub want_name: bool,
    /// Tags while they are typed.
    pub tags: Option<String>,
    /// What is marked in the text, in characters.
    marked: Option<(usize, usize)>,
}

impl PromptsPane {
    pub(super) fn write_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord) {
        tiles::scroll(ui, "write", 0.0, |ui| {
            ui.set_max_width(WIDTH.min(ui.available_width()));
            ui.push_id(record.id, |ui| {
                ui.spacing_mut().item_spacing.y = 6.0;
                self.texts(ui, cx);
                ui.add_space(8.0);
                self.variables_ui(ui, cx);
            });
        });
    }

    fn texts(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some(editing) = &mut self.editing else { return };
        let id = |name| Id::unique((name, cx.slot, editing.id));
        let (system_id, text_id) = (id("prompt system"), id("prompt text"));
        let mut changed = false;
        let name = cx.t("prompts.system");
        widgets::semibold(ui, &name);
        let hint = cx.t("prompts.system_hint");
        let (response, _) = area(ui, cx, system_id, (&name, &hint), 2, &mut editing.body.system);
        changed |= response.changed();
        ui.add_space(6.0);
        let name = cx.t("prompts.text");
        widgets::semibold(ui, &name);
        let hint = cx.t("prompts.text_hint");
        let (response, cursor) = area(ui, cx, text_id, (&name, &hint), 8, &mut editing.body.text);
        changed |= response.changed();
        // A button takes the keyboard, and what was marked stays known.
        if response.has_focus() {
            let range = cursor.map(|range| range.as_sorted_char_range());
            self.editor.marked = range.map(|range| (range.start.0, range.end.0));
        }
        changed |= self.below_text(ui, cx);
        if changed {
            self.typed(cx.now_ms);
        }
    }

    /// A word about braces, and a variable made of what is marked; says whether the text was changed.
    fn below_text(&mut self, ui: &mut Ui, cx: &PaneCx) -> bool {
        let Some(editing) = &mut self.editing else { return false };
        let mut changed = false;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            let some = self.editor.marked.filter(|(from, to)| from < to);
            let off = some.is_none().then(|| cx.t("prompts.make_variable_off"));
            let button = Button::control(cx.t("prompts.make_variable")).icon(icons::BRACKETS_CURLY).small();
            if button.off(off).show(ui).clicked()
                && let Some((from, to)) = some
            {
                make_variable(&mut editing.body, from, to);
                self.editor.marked = None;
                changed = true;
            }
            widgets::hint(ui, cx.t("prompts.braces_hint"));
        });
        let doubled = template::doubled(&editing.body.text);
        if let Some(name) = doubled.first() {
            let words = cx.tf("prompts.doubled", &[("name", name)]);
            ui.horizontal(|ui| {
                ui.label(Type::Hint.text(words, cx.theme.tokens.warn));
                if Button::control(cx.t("prompts.undouble")).small().show(ui).clicked() {
                    editing.body.text = template::undoubled(&editing.body.text);
                    changed = true;
                }
            });
        }
        changed
    }
}

/// The words between two places, in characters, become a variable that has them as its default.
fn make_variable(body: &mut glassworks_protocol::prompts::PromptBody, from: usize, to: usize) {
    let byte = |at: usize| body.text.char_indices().nth(at).map_or(body.text.len(), |(byte, _)| byte);
    let (start, end) = (byte(from), byte(to));
    let words = body.text[start..end].to_owned();
    let taken = body.named();
    let named = words.trim().to_owned();
    let base =
        if template::is_name(&named) && named.chars().count() <= 24 { named } else { "variable".into() };
    let free = |name: &String| taken.iter().all(|one| one.name != *name);
    let more = (2..1000).map(|n| format!("{base}{n}"));
    let name = std::iter::once(base.clone()).chain(more).find(free).unwrap_or(base);
    body.text.replace_range(start..end, &format!("{{{name}}}"));
    body.variables.retain(|one| one.name != name);
    body.variables.push(Variable { default: words, ..Variable::new(&name) });
}

/// Some lines of text in a well, variables in colour.
fn area(
    ui: &mut Ui,
    cx: &PaneCx,
    id: Id,
    (name, hint): (&str, &str),
    rows: usize,
    text: &mut String,
) -> (Response, Option<CCursorRange>) {
    let t = cx.theme.tokens;
    let focused = ui.memory(|m| m.has_focus(id));
    let line = if focused { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.line) };
    let inset = if focused { 11 } else { 12 };
    let font = Type::Prose.font(Weight::Regular);
    let mut layouter = |ui: &Ui, buffer: &dyn TextBuffer, width: f32| {
        ui.painter().layout_job(marked(buffer.as_str(), &t, width))
    };
    let shown = Frame::new()
        .fill(t.field)
        .stroke(line)
        .corner_radius(size::RADIUS_CONTROL)
        .inner_margin(Margin::symmetric(inset, inset - 4))
        .show(ui, |ui| {
            TextEdit::multiline(text)
                .id(id)
                .frame(Frame::NONE)
                .margin(Margin::ZERO)
                .font(font.clone())
                .desired_rows(rows)
                .desired_width(f32::INFINITY)
                .hint_text(RichText::new(hint).font(font).color(t.text_3))
                .layouter(&mut layouter)
                .show(ui)
        });
    let output = shown.inner;
    (output.response.response.accessible_name(name), output.cursor_range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::prompts::PromptBody;

    #[test]
    fn marked_words_become_a_variable() {
        let mut body = PromptBody { text: "Explain 玻璃 to me: {tea}".into(), ..PromptBody::default() };
        make_variable(&mut body, 8, 10);
        assert_eq!(body.text, "Explain {玻璃} to me: {tea}");
        let first = body.named()[0].clone();
        assert_eq!((first.name.as_str(), first.default.as_str()), ("玻璃", "玻璃"));
        let mut body = PromptBody { text: "a, b! {variable}".into(), ..PromptBody::default() };
        make_variable(&mut body, 0, 5);
        assert_eq!(body.text, "{variable2} {variable}");
    }
}
