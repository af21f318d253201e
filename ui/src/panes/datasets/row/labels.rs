//! The labels of a dataset: their order, colours and keys, which stay the same while rows are labelled; chips to choose
//! one; how many rows have each.

use crate::theme::{self, Tokens, Type, Weight, size};
use crate::units;
use crate::widgets;
use egui::{Color32, Key, Modifiers, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::datasets::ColumnKind;
use glassworks_protocol::ids::DatasetId;
use serde_json::Value;
use std::cmp::Ordering;

/// The keys that choose a label, in order.
pub const KEYS: [Key; 10] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
    Key::Num9,
    Key::Num0,
];

/// Labels that are shown at once; more are found by typing.
pub const MOST_SHOWN: usize = 40;

#[derive(Clone, Debug)]
pub struct LabelCount {
    pub name: String,
    pub n_rows: u64,
}

/// In an order that stays as long as the dataset is open: new ones come last, so that no key changes its meaning.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    of: Option<DatasetId>,
    all: Vec<LabelCount>,
}

impl Labels {
    /// Takes in what is known now.
    pub fn follow(&mut self, dataset: DatasetId, counts: &[(String, u64)]) {
        if self.of != Some(dataset) {
            *self = Self { of: Some(dataset), all: Vec::new() };
        }
        self.all.iter_mut().for_each(|one| one.n_rows = 0);
        let mut new: Vec<LabelCount> = Vec::new();
        for (name, n_rows) in counts {
            match self.all.iter_mut().find(|one| one.name == *name) {
                Some(one) => one.n_rows = *n_rows,
                None => new.push(LabelCount { name: name.clone(), n_rows: *n_rows }),
            }
        }
        new.sort_by(|a, b| by_name(&a.name, &b.name));
        self.all.append(&mut new);
    }

    #[must_use]
    pub fn all(&self) -> &[LabelCount] {
        &self.all
    }

    #[must_use]
    pub fn place(&self, label: &str) -> Option<usize> {
        self.all.iter().position(|one| one.name == label)
    }

    /// The label as it is spelled already, whatever the case it was typed in.
    #[must_use]
    pub fn spelled(&self, typed: &str) -> Option<&str> {
        let typed = typed.trim().to_lowercase();
        self.all.iter().map(|one| one.name.as_str()).find(|name| name.to_lowercase() == typed)
    }

    /// Its colour among all of them; what is not known yet has the next one.
    #[must_use]
    pub fn color(&self, t: &Tokens, label: &str) -> Color32 {
        color_of(t, self.place(label).unwrap_or(self.all.len()))
    }

    /// The label whose key was pressed, taken out of the frame's keys.
    #[must_use]
    pub fn pressed(&self, ui: &Ui, n_keys: usize) -> Option<String> {
        let n = self.all.len().min(n_keys);
        let at =
            ui.input_mut(|i| KEYS.iter().take(n).position(|key| i.consume_key(Modifiers::NONE, *key)))?;
        self.all.get(at).map(|one| one.name.clone())
    }
}

/// Numbers by value, words by their letters.
fn by_name(a: &str, b: &str) -> Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        (Ok(_), _) => Ordering::Less,
        (_, Ok(_)) => Ordering::Greater,
        _ => a.to_lowercase().cmp(&b.to_lowercase()).then_with(|| a.cmp(b)),
    }
}

#[must_use]
pub fn color_of(t: &Tokens, place: usize) -> Color32 {
    t.series[place % t.series.len()]
}

/// Behind words that have a label.
#[must_use]
pub fn wash(t: &Tokens, color: Color32) -> Color32 {
    t.field.lerp_to_gamma(color, 0.3)
}

/// A value as a label; `None` where there is none.
#[must_use]
pub fn label_of(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) => (!text.trim().is_empty()).then(|| text.clone()),
        other => Some(other.to_string()),
    }
}

/// A label as its column keeps it; `None` where it takes no such thing.
#[must_use]
pub fn label_value(kind: ColumnKind, label: &str) -> Option<Value> {
    match kind {
        ColumnKind::Number => serde_json::from_str(label).ok().filter(Value::is_number),
        ColumnKind::Bool => serde_json::from_str(label).ok().filter(Value::is_boolean),
        _ => Some(Value::String(label.to_owned())),
    }
}

/// Which labels are shown, and from which on they have no key.
pub struct Shown<'a> {
    pub labels: &'a Labels,
    pub chosen: Option<&'a str>,
    /// Only those with these letters.
    pub search: &'a str,
    /// So many have a key of their own.
    pub n_keys: usize,
    pub counts: bool,
}

/// The labels as chips; says which was pressed.
pub fn chips(ui: &mut Ui, shown: &Shown) -> Option<String> {
    let search = shown.search.trim().to_lowercase();
    let mut pressed = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        let all = shown.labels.all().iter().enumerate();
        // A label without letters is none to choose.
        let named = all.filter(|(_, one)| !one.name.trim().is_empty());
        let found = named.filter(|(_, one)| search.is_empty() || one.name.to_lowercase().contains(&search));
        for (at, one) in found.take(MOST_SHOWN) {
            let key = (at < shown.n_keys).then(|| (at + 1) % 10);
            let count = shown.counts.then_some(one.n_rows);
            if chip(ui, at, &one.name, (key, count), shown.chosen == Some(one.name.as_str())) {
                pressed = Some(one.name.clone());
            }
        }
    });
    pressed
}

/// `1 ● positive 5,164`
fn chip(
    ui: &mut Ui,
    at: usize,
    name: &str,
    (key, count): (Option<usize>, Option<u64>),
    selected: bool,
) -> bool {
    let t = theme::of(ui).tokens;
    let color = color_of(&t, at);
    let small = Type::Caption.mono(Weight::Regular);
    let key = key.map(|key| widgets::galley(ui, key.to_string(), small.clone(), t.text_2));
    let weight = if selected { Weight::Semibold } else { Weight::Regular };
    let mut job =
        egui::text::LayoutJob::simple_singleline(name.to_owned(), Type::Body.font(weight), t.text_1);
    job.wrap = egui::text::TextWrapping::truncate_at_width((ui.max_rect().width() - 96.0).max(60.0));
    let words = ui.painter().layout_job(job);
    let count = count.map(|n| widgets::galley(ui, units::grouped(n), small, t.text_2));
    let width = 10.0
        + key.as_ref().map_or(0.0, |key| key.size().x + 8.0)
        + 14.0
        + words.size().x
        + count.as_ref().map_or(0.0, |count| count.size().x + 8.0)
        + 10.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::CONTROL), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, selected, name));
    let (fill, line) = match (selected, response.hovered()) {
        (true, _) => (wash(&t, color), Stroke::new(1.5, color)),
        (_, true) => (t.hover, Stroke::new(1.0, t.line)),
        _ => (t.control, Stroke::new(1.0, t.line)),
    };
    ui.painter().rect(rect, f32::from(size::RADIUS_CONTROL), fill, line, StrokeKind::Inside);
    let (mut x, y) = (rect.left() + 10.0, rect.center().y);
    let put = |galley: std::sync::Arc<egui::Galley>, x: f32| {
        let right = x + galley.size().x;
        ui.painter().galley(pos2(x, y - galley.size().y / 2.0), galley, t.text_1);
        right
    };
    if let Some(key) = key {
        x = put(key, x) + 8.0;
    }
    ui.painter().circle_filled(pos2(x + 4.0, y), 4.0, color);
    x = put(words, x + 14.0);
    if let Some(count) = count {
        put(count, x + 8.0);
    }
    widgets::focus_ring(ui, &response, rect);
    response.clicked()
}

/// How the rows are shared among the labels, and what has none; hatched ground is what is left.
pub fn share_bar(ui: &mut Ui, name: &str, labels: &Labels, n_rows: u64) {
    let t = theme::of(ui).tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 8.0), Sense::hover());
    let said: Vec<String> =
        labels.all().iter().map(|one| format!("{}: {}", one.name, units::grouped(one.n_rows))).collect();
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{name}\n{}", said.join(", "))));
    ui.painter().rect_filled(rect, 2.0, t.hatch);
    let total: u64 = labels.all().iter().map(|one| one.n_rows).sum::<u64>().max(n_rows).max(1);
    let mut x = rect.left();
    for (at, one) in labels.all().iter().enumerate() {
        let width = rect.width() * (one.n_rows as f64 / total as f64) as f32;
        if width > 0.0 {
            let part = Rect::from_min_size(pos2(x, rect.top()), vec2((width - 1.0).max(1.0), rect.height()));
            ui.painter().rect_filled(part, 1.0, color_of(&t, at));
        }
        x += width;
    }
    response.on_hover_text(said.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_keep_their_places() {
        let counts = |all: &[(&str, u64)]| -> Vec<(String, u64)> {
            all.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
        };
        let names = |labels: &Labels| -> Vec<String> {
            labels.all().iter().map(|one| format!("{} {}", one.name, one.n_rows)).collect()
        };
        let dataset = DatasetId::mint();
        let mut labels = Labels::default();
        labels.follow(dataset, &counts(&[("10", 5), ("Sad", 9), ("9", 1), ("angry", 2)]));
        assert_eq!(names(&labels), ["9 1", "10 5", "angry 2", "Sad 9"]);
        // A new one comes last though its letters come first, and one that is gone keeps its place.
        labels.follow(dataset, &counts(&[("9", 2), ("Sad", 9), ("amused", 1), ("angry", 3)]));
        assert_eq!(names(&labels), ["9 2", "10 0", "angry 3", "Sad 9", "amused 1"]);
        assert_eq!((labels.place("amused"), labels.spelled(" sad ")), (Some(4), Some("Sad")));
        labels.follow(DatasetId::mint(), &counts(&[("a", 1)]));
        assert_eq!(names(&labels), ["a 1"]);
    }

    #[test]
    fn a_label_is_kept_as_its_column_has_it() {
        assert_eq!(label_value(ColumnKind::Number, "2"), Some(json!(2)));
        assert_eq!(label_value(ColumnKind::Number, "two"), None);
        assert_eq!(label_value(ColumnKind::Bool, "true"), Some(json!(true)));
        assert_eq!(label_value(ColumnKind::Text, "2"), Some(json!("2")));
        assert_eq!(label_of(Some(&json!(2))), Some("2".to_owned()));
        assert_eq!(
            (label_of(Some(&json!(" "))), label_of(Some(&Value::Null)), label_of(None)),
            (None, None, None)
        );
    }
}
