//! Rows before and after a change, word by word: what goes is struck through, what comes is underlined.

use crate::panes::PaneCx;
use crate::panes::datasets::overview::split_name;
use crate::theme::Type;
use crate::units;
use crate::widgets::diff::{self, Change};
use crate::widgets::{self, Tone};
use egui::{Align, Layout, Ui};
use glassworks_protocol::datasets::transform::{TransformReport, TransformSample};
use glassworks_protocol::datasets::{Row, RowId};
use serde_json::Value;

/// What stays the same is shown up to so many characters around a change.
const AROUND: usize = 70;
/// Longer texts are compared up to here.
const MOST: usize = 6000;
/// Parts that are shown of one text.
const MOST_PARTS: usize = 40;

/// A row to show: its changed columns, each as the parts of both texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub row: RowId,
    pub columns: Vec<(String, Vec<(Change, String)>)>,
    /// What happens to it, as a tag says it.
    pub tag: Option<(Tone, String)>,
}

pub fn of(cx: &PaneCx, report: &TransformReport) -> Vec<Shown> {
    report.samples.iter().map(|sample| shown(cx, sample)).collect()
}

fn shown(cx: &PaneCx, sample: &TransformSample) -> Shown {
    let tag = match (&sample.after, sample.added, sample.split) {
        (None, ..) => Some((Tone::Danger, cx.t("datasets.prepare_goes"))),
        (Some(_), true, _) => Some((Tone::Ok, cx.t("datasets.prepare_new"))),
        (Some(after), false, Some(split)) if *after == sample.before => {
            Some((Tone::Accent, format!("→ {}", split_name(cx, Some(split)))))
        }
        _ => None,
    };
    let columns = match &sample.after {
        None => whole(&sample.before, Change::Removed),
        Some(after) if *after == sample.before => whole(after, Change::Same),
        Some(after) => changed(&sample.before, after),
    };
    Shown { row: sample.row, columns, tag }
}

/// All texts of a row, none of them changed.
fn whole(row: &Row, change: Change) -> Vec<(String, Vec<(Change, String)>)> {
    let text = |value: &Value| -> String {
        let text = text_of(value);
        let cut: String = text.chars().take(2 * AROUND).collect();
        if cut.len() < text.len() { cut + "…" } else { cut }
    };
    let filled = row.iter().map(|(name, value)| (name, text(value))).filter(|(_, text)| !text.is_empty());
    filled.map(|(name, text)| (name.clone(), vec![(change, text)])).take(3).collect()
}

fn changed(before: &Row, after: &Row) -> Vec<(String, Vec<(Change, String)>)> {
    let mut names: Vec<&String> = before.keys().collect();
    names.extend(after.keys().filter(|name| !before.contains_key(*name)));
    let pair = |name: &&String| {
        let side = |row: &Row| -> String {
            row.get(*name).map(text_of).unwrap_or_default().chars().take(MOST).collect()
        };
        (side(before), side(after))
    };
    let differing =
        names.iter().map(|name| (*name, pair(name))).filter(|(_, (before, after))| before != after);
    differing.map(|(name, (before, after))| (name.clone(), condensed(diff::words(&before, &after)))).collect()
}

/// Long stretches that stay the same are left out, and what is invisible is drawn.
fn condensed(parts: Vec<(Change, String)>) -> Vec<(Change, String)> {
    let last = parts.len().saturating_sub(1);
    let mut out: Vec<(Change, String)> = Vec::new();
    for (at, (change, text)) in parts.into_iter().enumerate() {
        let text = match change {
            Change::Same => around(&text, at == 0, at == last),
            Change::Removed | Change::Added => visible(&text),
        };
        out.push((change, text));
        if out.len() == MOST_PARTS {
            out.push((Change::Same, " …".to_owned()));
            break;
        }
    }
    out
}

fn around(text: &str, first: bool, last: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let n = chars.len();
    let (head, tail) = (if first { 0 } else { AROUND }, if last { 0 } else { AROUND });
    if n <= head + tail + 8 {
        return text.to_owned();
    }
    let begin: String = chars[..head].iter().collect();
    let end: String = chars[n - tail..].iter().collect();
    format!("{begin}…{end}")
}

/// Spaces and control characters of what changes, so that they are seen to.
fn visible(text: &str) -> String {
    let blank = text.chars().all(char::is_whitespace);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' if blank => out.push('·'),
            '\t' if blank => out.push('→'),
            '\n' if blank => out.push_str("⏎\n"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push_str(&format!("␣{:02X}", c as u32)),
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => out.push_str(&format!("U+{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// What a value says: texts as they are, turns a line each, anything else as JSON.
pub fn text_of(value: &Value) -> String {
    let turn = |turn: &Value| -> Option<String> {
        Some(format!("{}: {}", turn.get("role")?.as_str()?, turn.get("content")?.as_str()?))
    };
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(turns) if !turns.is_empty() => {
            let lines: Option<Vec<String>> = turns.iter().map(turn).collect();
            lines.map_or_else(|| value.to_string(), |lines| lines.join("\n"))
        }
        other => other.to_string(),
    }
}

/// All rows below each other; `faded` while another answer is on its way.
pub fn samples_ui(ui: &mut Ui, cx: &PaneCx, samples: &[Shown], faded: bool) {
    ui.scope(|ui| {
        if faded {
            ui.set_opacity(0.55);
        }
        for (at, sample) in samples.iter().enumerate() {
            ui.push_id(at, |ui| sample_ui(ui, cx, sample));
        }
    });
}

fn sample_ui(ui: &mut Ui, cx: &PaneCx, sample: &Shown) {
    let t = cx.theme.tokens;
    widgets::well(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.spacing_mut().interact_size.y = 20.0;
        ui.horizontal(|ui| {
            let n = units::grouped(u64::from(sample.row.0) + 1);
            ui.label(Type::Caption.number(cx.tf("datasets.prepare_row", &[("n", &n)]), t.text_3));
            if let Some((tone, words)) = &sample.tag {
                widgets::tag(ui, *tone, words.as_str());
            }
        });
        for (name, parts) in &sample.columns {
            ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
                let width = 92.0;
                ui.allocate_ui_with_layout(
                    egui::vec2(width, 20.0),
                    Layout::left_to_right(Align::Center),
                    |ui| {
                        ui.set_min_width(width);
                        widgets::truncated(ui, Type::Caption.text(name.as_str(), t.text_3));
                    },
                );
                let room = ui.available_width();
                let job = diff::marked(parts, &t, room);
                ui.add(egui::Label::new(job).selectable(true).wrap());
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(value: Value) -> Row {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn only_what_changes_is_told_with_a_little_around_it() {
        let long = "word ".repeat(100);
        let before = row(json!({ "a": format!("{long}cat {long}"), "b": 1, "c": "x" }));
        let after = row(json!({ "a": format!("{long}dog {long}"), "b": 1, "d": "y" }));
        let columns = changed(&before, &after);
        assert_eq!(columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "c", "d"]);
        let text: String = columns[0].1.iter().map(|(_, text)| text.as_str()).collect();
        assert!(
            text.contains("…") && text.contains("cat ") && text.contains("dog ") && text.len() < 240,
            "{text}"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_drawn() {
        assert_eq!(visible("  \n"), "··⏎\n");
        assert_eq!(visible("a\u{7}b\u{200b}"), "a␣07bU+200B");
        assert_eq!(text_of(&json!([{ "role": "user", "content": "Hi" }])), "user: Hi");
        assert_eq!(text_of(&json!(["B-PER", "O"])), "[\"B-PER\",\"O\"]");
    }
}
