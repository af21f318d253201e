//! Rows of a form drawn from a table of fields: a control for each kind, its hint, and while something is wrong with
//! the value, what it is and the way to mend it. Values are JSON, as specs are stored; whoever draws says which fit.

use super::{Button, Field, Select, Tone, explained_row, text, toggle};
use crate::theme::{self, Type, icon_font, icons, size};
use egui::{RichText, Ui};
use glassworks_protocol::train::{Field as SpecField, FieldKind};
use serde_json::Value;
use std::collections::BTreeMap;

/// The widest a field for words or lists gets.
const WIDE: f32 = 260.0;

/// A row, in the window's language.
pub struct FieldView<'a> {
    pub field: &'static SpecField,
    pub label: String,
    pub hint: String,
    /// What stands in the field while nobody has set it.
    pub automatic: String,
    /// The choices and their words, for [`FieldKind::Choice`].
    pub options: Vec<(Value, String)>,
    /// What is wrong ([`Tone::Danger`]) or doubtful ([`Tone::Warn`]).
    pub problem: Option<(Tone, String)>,
    /// Words on the button that mends it, and the value it sets.
    pub repair: Option<(String, Value)>,
    /// Said of what is no value at all.
    pub unreadable: String,
    /// Whether a value may stand here.
    pub fits: &'a dyn Fn(&Value) -> bool,
}

/// What is being typed: the truth while it is no value yet.
#[derive(Default)]
pub struct SpecForm {
    typed: BTreeMap<&'static str, Typed>,
}

struct Typed {
    text: String,
    fits: bool,
}

impl SpecForm {
    /// The first field in which stands what is no value.
    #[must_use]
    pub fn unreadable(&self) -> Option<&'static str> {
        self.typed.iter().find(|(_, typed)| !typed.fits).map(|(path, _)| *path)
    }

    /// Forgets what is being typed: the values have changed.
    pub fn forget(&mut self) {
        self.typed.clear();
    }

    /// Draws a row; says what was set.
    pub fn row(&mut self, ui: &mut Ui, view: &FieldView, value: &Value) -> Option<Value> {
        let (mut set, mut mended) = (None, None);
        let path = view.field.path;
        let unreadable = self.typed.get(path).is_some_and(|typed| !typed.fits);
        let problem = if unreadable {
            Some((Tone::Danger, view.unreadable.as_str()))
        } else {
            view.problem.as_ref().map(|(tone, words)| (*tone, words.as_str()))
        };
        let explain = |ui: &mut Ui| match problem {
            Some((tone, words)) => {
                let repair = view.repair.as_ref().filter(|_| !unreadable);
                if problem_line(ui, tone, words, repair.map(|(words, _)| words.as_str())) {
                    mended = repair.map(|(_, value)| value.clone());
                }
            }
            None => {
                text::hint(ui, view.hint.as_str());
            }
        };
        ui.push_id(path, |ui| {
            let tone = problem.map(|(tone, _)| tone);
            explained_row(ui, &view.label, |ui| set = self.control(ui, view, value, tone), Some(explain));
        });
        if mended.is_some() {
            self.typed.remove(path);
        }
        mended.or(set)
    }

    fn control(&mut self, ui: &mut Ui, view: &FieldView, value: &Value, tone: Option<Tone>) -> Option<Value> {
        match view.field.kind {
            FieldKind::Switch => {
                let mut on = value.as_bool().unwrap_or_default();
                toggle(ui, &view.label, &mut on).changed().then(|| Value::Bool(on))
            }
            FieldKind::Choice(_) => {
                let mut chosen = value.clone();
                let select = Select::new(&view.label).width(size::FIELD);
                select.show(ui, &mut chosen, &view.options).changed().then_some(chosen)
            }
            FieldKind::Whole { .. }
            | FieldKind::Number { .. }
            | FieldKind::Words
            | FieldKind::List
            | FieldKind::Lines => self.text(ui, view, value, tone),
        }
    }

    fn text(&mut self, ui: &mut Ui, view: &FieldView, value: &Value, tone: Option<Tone>) -> Option<Value> {
        let path = view.field.path;
        let typed = self.typed.get(path).map(|typed| typed.text.clone());
        let lines = view.field.kind == FieldKind::Lines;
        let mut text = typed.unwrap_or_else(|| if lines { shown_lines(value) } else { shown_value(value) });
        let words = lines || matches!(view.field.kind, FieldKind::Words | FieldKind::List);
        let width = if words { WIDE } else { size::FIELD };
        let field = Field::new(&view.label).width(width).placeholder(view.automatic.as_str());
        let field = if lines { field.rows(3) } else { field.mono() };
        let field = field.problem(tone == Some(Tone::Danger)).warned(tone == Some(Tone::Warn));
        let response = field.show(ui, &mut text);
        let mut set = None;
        if response.changed() {
            let new = parsed(view.field.kind, &text).filter(|new| (view.fits)(new));
            self.typed.insert(path, Typed { text, fits: new.is_some() });
            set = new.filter(|new| new != value);
        } else if !response.has_focus() && self.typed.get(path).is_some_and(|typed| typed.fits) {
            // What was typed has become the value.
            self.typed.remove(path);
        }
        set
    }
}

/// Icon, words and the button that mends it. Says whether that was pressed.
fn problem_line(ui: &mut Ui, tone: Tone, words: &str, repair: Option<&str>) -> bool {
    let t = theme::of(ui).tokens;
    let (icon, ink) = match tone {
        Tone::Danger => (icons::WARNING_CIRCLE, t.danger),
        _ => (icons::WARNING, t.warn),
    };
    if repair.is_some() {
        // A button is higher than words; their middles are the same.
        ui.add_space(-4.0);
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(RichText::new(icon).font(icon_font(size::ICON_SMALL, true)).color(ink));
        ui.label(Type::Hint.text(words, ink));
        repair.is_some_and(|words| Button::control(words).small().show(ui).clicked())
    })
    .inner
}

/// A value as it stands in its field: `2e-4`, `q_proj, v_proj`, nothing for null.
#[must_use]
pub fn shown_value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown_value).collect::<Vec<_>>().join(", "),
        Value::Number(number) if number.is_f64() => {
            let x = number.as_f64().unwrap_or_default();
            let plain = x == 0.0 || (1e-3..1e6).contains(&x.abs());
            if plain { x.to_string() } else { format!("{x:e}") }
        }
        other => other.to_string(),
    }
}

/// A list with an item a line.
fn shown_lines(value: &Value) -> String {
    value.as_array().into_iter().flatten().map(shown_value).collect::<Vec<_>>().join("\n")
}

/// What a text says; an empty one is null, no words or an empty list.
fn parsed(kind: FieldKind, text: &str) -> Option<Value> {
    let text = text.trim();
    match kind {
        FieldKind::Words => Some(Value::from(text)),
        FieldKind::List => {
            let items = text.split([',', '，']).map(str::trim).filter(|item| !item.is_empty());
            Some(items.map(Value::from).collect())
        }
        FieldKind::Lines => {
            let items = text.lines().map(str::trim).filter(|item| !item.is_empty());
            Some(items.map(Value::from).collect())
        }
        _ if text.is_empty() => Some(Value::Null),
        FieldKind::Whole { .. } => text.replace(',', "").parse::<u64>().ok().map(Value::from),
        FieldKind::Number { .. } => text.parse::<f64>().ok().filter(|x| x.is_finite()).map(Value::from),
        FieldKind::Choice(_) | FieldKind::Switch => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_read_as_they_are_shown() {
        let number = FieldKind::Number { least: 0.0, most: 1.0 };
        let whole = FieldKind::Whole { least: 0, most: 9 };
        let check = |kind, value: Value, text: &str| {
            assert_eq!(shown_value(&value), text);
            assert_eq!(parsed(kind, text), Some(value));
        };
        check(number, json!(2e-4), "2e-4");
        check(number, json!(0.05), "0.05");
        check(number, json!(1e-8), "1e-8");
        check(number, json!(3.0), "3");
        check(whole, json!(16), "16");
        check(whole, Value::Null, "");
        check(FieldKind::List, json!(["q_proj", "v_proj"]), "q_proj, v_proj");
        check(FieldKind::List, json!([]), "");
        check(FieldKind::Words, json!("a b"), "a b");
        let lines = json!(["Who, then?", "Why?"]);
        assert_eq!(shown_lines(&lines), "Who, then?\nWhy?");
        assert_eq!(parsed(FieldKind::Lines, " Who, then?\n\nWhy?\n"), Some(lines));
        for text in ["x", "1.5", "-1"] {
            assert_eq!(parsed(whole, text), None, "{text}");
        }
        assert_eq!(parsed(number, "inf"), None);
        assert_eq!(parsed(whole, "1,024"), Some(json!(1024)));
    }
}
