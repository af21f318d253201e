//! The command palette: everything that can be done, found by a few letters.

use crate::command::{COMMANDS, Scope, UiCommand};
use crate::model::Model;
use crate::panes::{PANES, PaneId};
use crate::theme::{self, Theme, Type, Weight, icons, size};
use crate::widgets;
use egui::text::LayoutJob;
use egui::{
    Align, Area, Id, Key, Margin, Modifiers, Order, Rect, Role, Sense, TextFormat, Ui, WidgetInfo, vec2,
};
use glassworks_protocol::ids::{ChatId, ModelId};
use glassworks_protocol::text::Language;

const WIDTH: f32 = 560.0;
const FROM_TOP: f32 = 96.0;
const ROW: f32 = 36.0;
const MAX_ROWS: usize = 9;

/// What a line of the palette leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    Command(UiCommand),
    Pane(PaneId),
    Chat(ChatId),
    Model(ModelId),
}

struct Entry {
    target: Target,
    name: String,
    /// The name in the other language: found by it, not shown.
    other: String,
    place: String,
    icon: &'static str,
    keys: Option<String>,
}

/// Open or closed, with what has been typed.
#[derive(Default)]
pub(crate) struct Palette {
    open: bool,
    query: String,
    at: usize,
    fresh: bool,
}

impl Palette {
    pub fn toggle(&mut self) {
        *self = Self { open: !self.open, fresh: true, ..Self::default() };
    }

    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Draws it if it is open; says what was chosen.
    pub fn ui(&mut self, ctx: &egui::Context, model: &Model, recent: &[UiCommand]) -> Option<Target> {
        if !self.open {
            return None;
        }
        let theme = theme::of_ctx(ctx);
        let entries = entries(ctx, model, &theme);
        let found = find(&entries, self.query.trim(), recent);
        let chosen = self.keys(ctx, found.len());
        let mut picked = chosen.and_then(|i| found.get(i)).map(|f| entries[f.index].target);
        let screen = ctx.content_rect();
        let left = (screen.center().x - WIDTH / 2.0).max(8.0);
        let shown = Area::new(Id::unique("palette"))
            .order(Order::Foreground)
            .fixed_pos(egui::pos2(left, FROM_TOP.min(screen.height() * 0.12)))
            .show(ctx, |ui| {
                widgets::popover_frame(ui).inner_margin(Margin::same(1)).show(ui, |ui| {
                    ui.set_width(WIDTH.min(screen.width() - 16.0));
                    ui.spacing_mut().item_spacing.y = 0.0;
                    self.input(ui, &theme);
                    if let Some(target) = self.rows(ui, &theme, &entries, &found) {
                        picked = Some(target);
                    }
                });
            });
        let outside = !self.fresh && shown.response.clicked_elsewhere();
        self.fresh = false;
        if picked.is_some() || outside {
            self.open = false;
        }
        picked
    }

    /// Takes the keys before the text field can.
    fn keys(&mut self, ctx: &egui::Context, n: usize) -> Option<usize> {
        let mut chosen = None;
        ctx.input_mut(|i| {
            let mut moved = 0i64;
            for (key, by) in [(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::PageDown, 8), (Key::PageUp, -8)]
            {
                if i.consume_key(Modifiers::NONE, key) {
                    moved += by;
                }
            }
            if moved != 0 && n > 0 {
                let n = n as i64;
                let at = self.at as i64 + moved;
                let at = if moved.abs() == 1 { at.rem_euclid(n) } else { at.clamp(0, n - 1) };
                self.at = at as usize;
            }
            if i.consume_key(Modifiers::NONE, Key::Enter) {
                chosen = Some(self.at);
            }
            if i.consume_key(Modifiers::NONE, Key::Escape) {
                self.open = false;
            }
        });
        chosen
    }

    fn input(&mut self, ui: &mut Ui, theme: &Theme) {
        let t = &theme.tokens;
        let (_, rect) = ui.allocate_space(vec2(ui.available_width(), size::HEADER));
        widgets::shape_icon(
            ui,
            egui::pos2(rect.left() + 24.0, rect.center().y),
            icons::MAGNIFYING_GLASS,
            size::ICON,
            false,
            t.text_3,
        );
        let inner = Rect::from_min_max(rect.min + vec2(44.0, 0.0), rect.max - vec2(16.0, 0.0));
        let font = Type::Prose.font(Weight::Regular);
        let name = theme.t("shell.palette_placeholder");
        let edit = egui::TextEdit::singleline(&mut self.query)
            .id(Id::unique("palette_query"))
            .frame(egui::Frame::NONE)
            .margin(Margin::ZERO)
            .font(font.clone())
            .text_color(t.text_1)
            .align(egui::Align2::LEFT_CENTER)
            .min_size(inner.size())
            .desired_width(inner.width())
            .return_key(None)
            .hint_text(egui::RichText::new(&name).font(font).color(t.text_3));
        let response = ui.place(inner, edit).accessible_name(theme.t("shell.cmd_palette"));
        if !response.has_focus() {
            response.request_focus();
        }
        if response.changed() {
            self.at = 0;
        }
    }

    fn rows(&mut self, ui: &mut Ui, theme: &Theme, entries: &[Entry], found: &[Found]) -> Option<Target> {
        let t = &theme.tokens;
        let mut picked = None;
        self.at = self.at.min(found.len().saturating_sub(1));
        if found.is_empty() {
            let (_, rect) = ui.allocate_space(vec2(ui.available_width(), ROW));
            let at = rect.left_center() + vec2(44.0, 0.0);
            let words = theme.t("shell.palette_nothing");
            let font = Type::Body.font(Weight::Regular);
            ui.painter().text(at, egui::Align2::LEFT_CENTER, words, font, t.text_3);
            return None;
        }
        egui::ScrollArea::vertical().max_height(ROW * MAX_ROWS as f32).show(ui, |ui| {
            for (i, hit) in found.iter().enumerate() {
                let response = row(ui, theme, &entries[hit.index], &hit.letters, i == self.at);
                if response.clicked() {
                    picked = Some(entries[hit.index].target);
                }
                if i == self.at && ui.input(|i| i.keys_down.is_empty()) {
                    // Following the selection while a key is held down would fight the scrolling.
                    continue;
                }
                if i == self.at {
                    response.scroll_to_me(None);
                }
            }
        });
        ui.add_space(4.0);
        picked
    }
}

fn row(ui: &mut Ui, theme: &Theme, entry: &Entry, letters: &[usize], selected: bool) -> egui::Response {
    let t = &theme.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, &entry.name));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    if selected || response.hovered() {
        ui.painter().rect_filled(rect, 0.0, if selected { t.selected } else { t.hover });
    }
    let y = rect.center().y;
    let ink = if selected { t.accent } else { t.text_2 };
    widgets::shape_icon(ui, egui::pos2(rect.left() + 24.0, y), entry.icon, size::ICON, false, ink);
    let mut job = LayoutJob::default();
    for (i, c) in entry.name.chars().enumerate() {
        let weight = if letters.contains(&i) { Weight::Semibold } else { Weight::Regular };
        job.append(c.encode_utf8(&mut [0; 4]), 0.0, TextFormat::simple(Type::Body.font(weight), t.text_1));
    }
    job.append(
        &entry.place,
        10.0,
        TextFormat {
            valign: Align::Center,
            ..TextFormat::simple(Type::Hint.font(Weight::Regular), t.text_3)
        },
    );
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 150.0);
    let galley = ui.painter().layout_job(job);
    let at = egui::pos2(rect.left() + 44.0, y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, t.text_1);
    if let Some(keys) = &entry.keys {
        let font = Type::Caption.mono(Weight::Regular);
        let words = widgets::galley(ui, keys, font, t.text_2);
        let half = vec2(words.size().x / 2.0 + 5.0, 9.0);
        let center = egui::pos2(rect.right() - 16.0 - half.x, y);
        let key = Rect::from_center_size(center, half * 2.0);
        let line = egui::Stroke::new(1.0, t.line_strong);
        ui.painter().rect_stroke(key, f32::from(size::RADIUS_TAG), line, egui::StrokeKind::Inside);
        ui.painter().galley(key.center() - words.size() / 2.0, words, t.text_2);
    }
    response
}

fn entries(ctx: &egui::Context, model: &Model, theme: &Theme) -> Vec<Entry> {
    let language = theme.language;
    let other = Language::ALL.into_iter().find(|l| *l != language).unwrap_or(language);
    let mut out: Vec<Entry> = COMMANDS
        .iter()
        .filter(|c| c.command != UiCommand::Palette)
        .map(|c| Entry {
            target: Target::Command(c.command),
            name: language.get(c.key).to_owned(),
            other: other.get(c.key).to_owned(),
            place: match c.scope {
                Scope::Pane(id) => language.get(id.kind().key).to_owned(),
                _ => String::new(),
            },
            icon: c.icon,
            keys: c.command.keys(ctx),
        })
        .collect();
    out.extend(PANES.iter().map(|p| Entry {
        target: Target::Pane(p.id),
        name: language.format("shell.go_to", &[("pane", &language.get(p.key))]),
        other: other.format("shell.go_to", &[("pane", &other.get(p.key))]),
        place: String::new(),
        icon: p.icon,
        keys: None,
    }));
    out.extend(model.library.models().iter().map(|m| Entry {
        target: Target::Model(m.id),
        name: language.format("shell.use_model", &[("name", &m.name)]),
        other: String::new(),
        place: language.get("shell.place_model").to_owned(),
        icon: icons::CUBE,
        keys: None,
    }));
    out.extend(model.chats.list.iter().take(200).filter(|c| !c.title.is_empty()).map(|c| Entry {
        target: Target::Chat(c.id),
        name: c.title.clone(),
        other: String::new(),
        place: language.get("shell.place_chat").to_owned(),
        icon: icons::CHAT_TEARDROP_TEXT,
        keys: None,
    }));
    out
}

struct Found {
    index: usize,
    /// Which letters of the name matched.
    letters: Vec<usize>,
}

/// The entries for `query`, best first; without one the recent ones, then the table's order.
fn find(entries: &[Entry], query: &str, recent: &[UiCommand]) -> Vec<Found> {
    let rank = |e: &Entry| match e.target {
        Target::Command(c) => recent.iter().position(|r| *r == c).unwrap_or(recent.len()),
        _ => recent.len(),
    };
    let mut found: Vec<(i32, usize, Found)> = entries
        .iter()
        .enumerate()
        .filter(|(_, e)| !query.is_empty() || !matches!(e.target, Target::Chat(_)))
        .filter_map(|(index, e)| {
            if query.is_empty() {
                return Some((0, rank(e), Found { index, letters: Vec::new() }));
            }
            let (score, letters) = fuzzy(query, &e.name)
                .or_else(|| fuzzy(query, &e.other).map(|(score, _)| (score - 20, Vec::new())))?;
            Some((-score, rank(e), Found { index, letters }))
        })
        .collect();
    found.sort_by_key(|(score, rank, _)| (*score, *rank));
    found.into_iter().map(|(_, _, f)| f).take(60).collect()
}

/// Whether the letters of `query` stand in `name` in this order, how well, and where.
fn fuzzy(query: &str, name: &str) -> Option<(i32, Vec<usize>)> {
    let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
    let name: Vec<char> = name.chars().collect();
    let query: Vec<char> = query.chars().filter(|c| !c.is_whitespace()).map(lower).collect();
    let first = *query.first()?;
    let starts = (0..name.len()).filter(|i| lower(name[*i]) == first);
    starts.filter_map(|start| match_from(&query, &name, start)).max_by_key(|(score, _)| *score)
}

fn match_from(query: &[char], name: &[char], start: usize) -> Option<(i32, Vec<usize>)> {
    let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
    let begins_word = |i: usize| i == 0 || !name[i - 1].is_alphanumeric();
    let mut letters = Vec::with_capacity(query.len());
    let mut score = if start == 0 { 8 } else { 0 };
    let mut at = start;
    for wanted in query {
        // A word's first letter is preferred over a letter in the middle of one, unless it follows directly.
        let next = (at..name.len()).find(|i| lower(name[*i]) == *wanted)?;
        let better = (at..name.len()).find(|i| lower(name[*i]) == *wanted && begins_word(*i));
        let i = match better {
            Some(word) if next != at && word != next => word,
            _ => next,
        };
        if letters.last().is_some_and(|last| last + 1 == i) {
            score += 6;
        }
        if begins_word(i) {
            score += 5;
        }
        score -= (i - at).min(4) as i32;
        letters.push(i);
        at = i + 1;
    }
    Some((score - (name.len() / 16) as i32, letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, name: &str, letters: Option<&[usize]>) {
        let got = fuzzy(query, name).map(|(_, letters)| letters);
        assert_eq!(got.as_deref(), letters, "{query} in {name}");
    }

    #[test]
    fn letters_are_found_in_order() {
        check("dark", "Dark theme", Some(&[0, 1, 2, 3]));
        check("dt", "Dark theme", Some(&[0, 5]));
        check("new chat", "New chat", Some(&[0, 1, 2, 4, 5, 6, 7]));
        check("主题", "深色主题", Some(&[2, 3]));
        check("xyz", "Dark theme", None);
        check("dd", "Dark theme", None);
    }

    #[test]
    fn whole_words_win() {
        let score = |query, name| fuzzy(query, name).map_or(i32::MIN, |(score, _)| score);
        assert!(score("chat", "New chat") > score("chat", "Catch what"));
        assert!(score("new", "New chat") > score("new", "Rename wall"));
    }
}
