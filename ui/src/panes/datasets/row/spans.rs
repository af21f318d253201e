//! A text with labelled spans: words are selected and get a label by its key; the spans as a list, to mend and remove.

use super::labels::{Shown, chips};
use super::marked::Mark;
use super::marking::{Marking, found_near, trimmed};
use super::new_label::NewLabel;
use super::work::{Work, Wrote};
use crate::panes::PaneCx;
use crate::theme::Type;
use crate::units;
use crate::widgets::{self, Select};
use egui::{Key, Modifiers, Ui};
use glassworks_protocol::datasets::marks::{Place, between, carried};
use glassworks_protocol::datasets::{ColumnKind, Role};
use serde_json::{Map, Value};

/// Labels with a key; the zero takes a label off.
const N_KEYS: usize = 9;

#[derive(Default)]
pub struct Spans {
    marking: Marking,
    new: NewLabel,
}

impl Spans {
    pub fn ui(&mut self, ui: &mut Ui, cx: &PaneCx, work: &mut Work) {
        let Some(column) = work.column(Role::Spans) else { return };
        self.marking.follow(work.id);
        let mut spans = match work.value.get_mut(&column).map(Value::take) {
            Some(Value::Array(spans)) => spans,
            _ => Vec::new(),
        };
        let text = work.text(Role::Text).unwrap_or_default();
        let marks = marks(cx, work, &text, &spans);
        let name = cx.t("datasets.row_role_text");
        let did = self.marking.ui(ui, cx, work, (Role::Text, &name), &marks);
        if let Some(before) = &did.before {
            let after = work.text(Role::Text).unwrap_or_default();
            carry(&mut spans, before, &after);
        }
        self.label_ui(ui, cx, work, &text, &mut spans, did.has_keys);
        self.list(ui, cx, work, &text, &mut spans, &marks);
        work.value.insert(column, Value::Array(spans));
    }

    /// The labels to give to what is selected: by a press, by a key, by typing a new one.
    fn label_ui(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        work: &mut Work,
        text: &str,
        spans: &mut Vec<Value>,
        has_keys: bool,
    ) {
        let shown = Shown {
            labels: work.labels,
            chosen: None,
            search: self.new.words(),
            n_keys: N_KEYS,
            counts: true,
        };
        let mut label = chips(ui, &shown);
        label = self.new.ui(ui, cx, work, ColumnKind::Text).or(label);
        let mut clear = false;
        if has_keys {
            label = work.labels.pressed(ui, N_KEYS).or(label);
            clear = ui.input_mut(|i| {
                [Key::Num0, Key::Delete, Key::Backspace]
                    .iter()
                    .any(|key| i.consume_key(Modifiers::NONE, *key))
            });
        }
        let selected = self.marking.selection.place().and_then(|place| trimmed(text, place));
        match (label, selected) {
            (Some(label), Some(place)) => {
                self.marking.chosen = put(spans, self.marking.chosen, text, place, &label);
                work.did(Wrote::Done);
            }
            (None, Some(place)) if clear => {
                let n = spans.len();
                spans.retain(|span| place_of(span).is_none_or(|(from, to)| to <= place.0 || from >= place.1));
                if spans.len() != n {
                    work.did(Wrote::Done);
                }
            }
            _ => {}
        }
        let words = match selected.and_then(|place| Some((place, between(text, place)?))) {
            Some(((from, to), words)) => {
                cx.tf("datasets.row_selected", &[("words", &short(words)), ("from", &from), ("to", &to)])
            }
            None => cx.t("datasets.row_select_hint"),
        };
        widgets::hint(ui, words);
    }

    fn list(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        work: &mut Work,
        text: &str,
        spans: &mut Vec<Value>,
        marks: &[Mark],
    ) {
        if spans.is_empty() {
            return;
        }
        ui.add_space(4.0);
        let n = units::grouped(spans.len() as u64);
        widgets::semibold(ui, cx.tf("datasets.row_n_spans", &[("n", &n)]));
        let mut gone = None;
        for (at, span) in spans.iter_mut().enumerate() {
            ui.push_id(at, |ui| {
                let name = cx.tf("datasets.row_remove_span", &[("n", &(at + 1))]);
                let removed = super::removable(ui, &name, |ui| {
                    if span_row(ui, cx, work, (at, self.marking.chosen == Some(at)), text, span) {
                        self.marking.choose(at, marks);
                    }
                });
                if removed {
                    gone = Some(at);
                }
                mend_ui(ui, cx, work, text, span);
            });
        }
        if let Some(at) = gone {
            spans.remove(at);
            self.marking.chosen = None;
            work.did(Wrote::Done);
        }
    }
}

/// Label, words, place, and what is wrong with it; says whether it was pressed.
fn span_row(
    ui: &mut Ui,
    cx: &PaneCx,
    work: &mut Work,
    (at, chosen): (usize, bool),
    text: &str,
    span: &mut Value,
) -> bool {
    let t = cx.theme.tokens;
    let mut label = label_of(span).to_owned();
    widgets::bead(ui, work.labels.color(&t, &label));
    let mut options: Vec<(String, String)> =
        work.labels.all().iter().map(|one| (one.name.clone(), one.name.clone())).collect();
    if work.labels.place(&label).is_none() {
        options.push((label.clone(), label.clone()));
    }
    let name = cx.tf("datasets.row_span_label", &[("n", &(at + 1))]);
    if Select::new(&name).small().show(ui, &mut label, &options).changed()
        && let Some(span) = span.as_object_mut()
    {
        span.insert("label".to_owned(), label.into());
        work.did(Wrote::Done);
    }
    let Some(place) = place_of(span) else {
        ui.label(Type::Hint.text(cx.t("datasets.row_no_span"), t.danger));
        return false;
    };
    let shown = between(text, place).or(said(span)).unwrap_or_default();
    let name = cx.tf("datasets.row_show_span", &[("n", &(at + 1))]);
    let pressed = super::words_button(ui, &short(shown), chosen, name);
    widgets::mono(ui, format!("{}–{}", place.0, place.1));
    pressed
}

/// What is wrong with a span's place, and the repair.
fn mend_ui(ui: &mut Ui, cx: &PaneCx, work: &mut Work, text: &str, span: &mut Value) {
    if !is_wrong(text, span) {
        return;
    }
    let near = place_of(span).map_or(0, |(start, _)| start);
    let found = said(span).and_then(|words| found_near(text, words, near));
    if super::not_there(ui, cx, found)
        && let Some(found) = found
    {
        set_place(span, text, found);
        work.did(Wrote::Done);
    }
}

fn marks(cx: &PaneCx, work: &Work, text: &str, spans: &[Value]) -> Vec<Mark> {
    let t = cx.theme.tokens;
    // One for each span, so that they have the same places in the list.
    let mark = |span: &Value| {
        let label = label_of(span).to_owned();
        let place = place_of(span).unwrap_or_default();
        Mark { place, color: work.labels.color(&t, &label), label, wrong: is_wrong(text, span) }
    };
    spans.iter().map(mark).collect()
}

#[must_use]
pub fn place_of(span: &Value) -> Option<Place> {
    let number = |name| span.get(name)?.as_u64().and_then(|n| usize::try_from(n).ok());
    Some((number("start")?, number("end")?)).filter(|(start, end)| start < end)
}

fn label_of(span: &Value) -> &str {
    span.get("label").and_then(Value::as_str).unwrap_or_default()
}

/// What the span says it covers, where it says so.
fn said(span: &Value) -> Option<&str> {
    span.get("text").and_then(Value::as_str)
}

fn is_wrong(text: &str, span: &Value) -> bool {
    let there = place_of(span).and_then(|place| between(text, place));
    there.is_none() || said(span).is_some_and(|said| there != Some(said))
}

fn set_place(span: &mut Value, text: &str, place: Place) {
    let words = between(text, place).unwrap_or_default().to_owned();
    if let Some(span) = span.as_object_mut() {
        span.insert("start".to_owned(), place.0.into());
        span.insert("end".to_owned(), place.1.into());
        if span.contains_key("text") {
            span.insert("text".to_owned(), words.into());
        }
    }
}

/// A label for what is selected. The chosen span, or one of the same label that it overlaps, becomes it; else it is a
/// new one. Its place in the list.
fn put(
    spans: &mut Vec<Value>,
    chosen: Option<usize>,
    text: &str,
    place: Place,
    label: &str,
) -> Option<usize> {
    let same_place = |span: &Value| place_of(span) == Some(place);
    if let Some(span) = chosen.and_then(|at| spans.get_mut(at)).filter(|span| same_place(span))
        && let Some(span) = span.as_object_mut()
    {
        span.insert("label".to_owned(), label.into());
        return chosen;
    }
    let overlaps = |span: &Value| {
        label_of(span) == label && place_of(span).is_some_and(|(from, to)| from < place.1 && to > place.0)
    };
    let mut span = spans.iter().find(|span| overlaps(span)).cloned().unwrap_or_else(|| {
        let mut span = Map::new();
        span.insert("start".to_owned(), 0.into());
        span.insert("end".to_owned(), 0.into());
        span.insert("label".to_owned(), label.into());
        // As the others of the row are.
        if spans.iter().any(|one| one.get("text").is_some()) {
            span.insert("text".to_owned(), "".into());
        }
        Value::Object(span)
    });
    set_place(&mut span, text, place);
    spans.retain(|span| !overlaps(span));
    let at = spans.iter().position(|one| place_of(one).is_some_and(|one| one > place)).unwrap_or(spans.len());
    spans.insert(at, span);
    Some(at)
}

/// Spans go with their words; those whose words are gone go too.
fn carry(spans: &mut Vec<Value>, before: &str, after: &str) {
    spans.retain_mut(|span| {
        let Some(place) = place_of(span).filter(|place| between(before, *place).is_some()) else {
            return true;
        };
        match carried(before, after, place) {
            Some(place) => set_place(span, after, place),
            None => return false,
        }
        true
    });
}

/// At most some words of a text, on one line.
#[must_use]
pub fn short(words: &str) -> String {
    let mut short: String = words.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if words.chars().count() > 40 {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TEXT: &str = "from 北京 to Paris by train";

    #[test]
    fn what_is_selected_becomes_a_span() {
        let mut spans = Vec::new();
        assert_eq!(put(&mut spans, None, TEXT, (11, 16), "place"), Some(0));
        assert_eq!(put(&mut spans, None, TEXT, (5, 7), "place"), Some(0));
        assert_eq!(spans[0], json!({ "start": 5, "end": 7, "label": "place" }));
        // Selected anew, wider: the same span.
        assert_eq!(put(&mut spans, None, TEXT, (8, 16), "place"), Some(1));
        assert_eq!((spans.len(), place_of(&spans[1])), (2, Some((8, 16))));
        // Another label over it is another span; of the chosen one the label changes.
        put(&mut spans, None, TEXT, (8, 16), "way");
        assert_eq!(spans.len(), 3);
        assert_eq!(put(&mut spans, Some(0), TEXT, (5, 7), "city"), Some(0));
        assert_eq!((spans.len(), label_of(&spans[0])), (3, "city"));
    }

    #[test]
    fn spans_go_with_their_words_and_say_what_they_cover() {
        let mut spans = vec![
            json!({ "start": 5, "end": 7, "label": "place", "text": "北京" }),
            json!({ "start": 11, "end": 16, "label": "place", "score": 0.5 }),
            json!({ "start": 90, "end": 99, "label": "lost" }),
        ];
        assert!(!is_wrong(TEXT, &spans[0]) && is_wrong(TEXT, &spans[2]));
        // As it is typed: one piece of the text after the other.
        carry(&mut spans, TEXT, "now from 北京 to Paris by train");
        carry(&mut spans, "now from 北京 to Paris by train", "now from 北京 to by train");
        let left = [
            json!({ "start": 9, "end": 11, "label": "place", "text": "北京" }),
            json!({ "start": 90, "end": 99, "label": "lost" }),
        ];
        assert_eq!(spans, left);
        assert!(is_wrong("elsewhere", &spans[0]));
    }
}
