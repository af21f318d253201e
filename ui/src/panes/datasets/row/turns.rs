//! A conversation: a bubble for each turn, to write in, to move, to give another role, to remove.

use super::area::Area;
use super::said::{SaidTurn, said_turns};
use super::work::{Work, Wrote};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::diff::{self, Change};
use crate::widgets::{self, Button, MenuItem, Select, icon_button};
use egui::{Align, Id, Key, Layout, Modifiers, Rect, Ui, pos2, vec2};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::rc::Rc;

/// Roles that templates know, in the order they are offered.
const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];
/// Height of a turn that has not been drawn yet.
const GUESS: f32 = 88.0;
/// Turns so far outside of what can be seen are drawn too, so that the keyboard finds them.
const NEAR: f32 = 240.0;

/// How high turns were when they were drawn last: those out of sight are not laid out.
#[derive(Default)]
pub struct Turns {
    of: Option<Id>,
    heights: Vec<f32>,
    /// The turn that is to have the keyboard.
    focus: Option<usize>,
    compared: Compared,
}

/// What is done to the list after it is drawn.
enum Asked {
    Up(usize),
    Down(usize),
    Below(usize),
    Remove(usize),
}

/// Whose turns they are.
pub struct Of<'a> {
    pub column: &'a str,
    /// Turns of another answer, to mark what is different; and what words of this one are to it.
    pub against: Option<(&'a [Value], Change)>,
}

impl Turns {
    pub fn ui(&mut self, ui: &mut Ui, cx: &PaneCx, work: &mut Work, of: &Of) {
        let id = work.id.with(("turns", of.column));
        if self.of != Some(id) {
            *self = Self { of: Some(id), ..Self::default() };
        }
        // A row that has no conversation yet gets one with its first turn.
        let was = work.value.get_mut(of.column).map(Value::take);
        let (mut list, was) = match was {
            Some(Value::Array(list)) => (list, None),
            other => (Vec::new(), Some(other)),
        };
        let learned = if of.against.is_none() { said_turns(work.seen, &list) } else { Vec::new() };
        self.heights.resize(list.len(), GUESS);
        let mut asked = None;
        for at in 0..list.len() {
            let area_id = id.with(at);
            if self.out_of_sight(ui, at, area_id) {
                continue;
            }
            let shown = ui.push_id(at, |ui| {
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 4.0;
                    let n = list.len();
                    let turn = Turn { at, n, id: area_id, said: learned.get(at).copied().flatten() };
                    let other = of.against.map(|(others, change)| (others.get(at), change));
                    turn.ui(ui, cx, work, &mut list[at], other, &mut self.compared)
                })
            });
            self.heights[at] = shown.response.rect.height();
            asked = shown.inner.inner.or(asked);
        }
        if self.add_ui(ui, cx, &list) {
            asked = Some(Asked::Below(list.len().wrapping_sub(1)));
        }
        if let Some(asked) = asked {
            self.carry_out(asked, &mut list);
            work.did(Wrote::Done);
        }
        if let Some(at) = self.focus.take() {
            ui.memory_mut(|m| m.request_focus(id.with(at)));
        }
        match was {
            Some(None) if list.is_empty() => drop(work.value.remove(of.column)),
            Some(Some(was)) if list.is_empty() => drop(work.value.insert(of.column.to_owned(), was)),
            _ => drop(work.value.insert(of.column.to_owned(), Value::Array(list))),
        }
    }

    /// Leaves the place of a turn that cannot be seen.
    fn out_of_sight(&self, ui: &mut Ui, at: usize, area_id: Id) -> bool {
        let rect = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), self.heights[at]));
        let near = ui.clip_rect().expand2(vec2(0.0, NEAR)).intersects(rect);
        let wanted = near || ui.memory(|m| m.has_focus(area_id)) || self.focus == Some(at);
        if !wanted {
            ui.allocate_space(rect.size());
        }
        !wanted
    }

    fn add_ui(&self, ui: &mut Ui, cx: &PaneCx, list: &[Value]) -> bool {
        let role = next_role(list.last().map(role_of));
        let words = cx.tf("datasets.row_add_turn", &[("role", &role_word(cx, role))]);
        Button::quiet(words).icon(icons::PLUS).small().show(ui).clicked()
    }

    fn carry_out(&mut self, asked: Asked, list: &mut Vec<Value>) {
        match asked {
            Asked::Up(at) if at > 0 => {
                list.swap(at, at - 1);
                self.focus = Some(at - 1);
            }
            Asked::Down(at) if at + 1 < list.len() => {
                list.swap(at, at + 1);
                self.focus = Some(at + 1);
            }
            Asked::Below(at) => {
                let at = at.wrapping_add(1).min(list.len());
                let before = at.checked_sub(1).and_then(|at| list.get(at)).map(role_of);
                list.insert(at, turn_of(next_role(before), ""));
                self.heights.insert(at.min(self.heights.len()), GUESS);
                self.focus = Some(at);
            }
            Asked::Remove(at) if at < list.len() => {
                list.remove(at);
                self.focus = (!list.is_empty()).then(|| at.min(list.len() - 1));
            }
            Asked::Up(_) | Asked::Down(_) | Asked::Remove(_) => {}
        }
        self.heights.clear();
    }
}

struct Turn {
    at: usize,
    n: usize,
    id: Id,
    said: Option<SaidTurn>,
}

impl Turn {
    fn ui(
        &self,
        ui: &mut Ui,
        cx: &PaneCx,
        work: &mut Work,
        turn: &mut Value,
        other: Option<(Option<&Value>, Change)>,
        compared: &mut Compared,
    ) -> Option<Asked> {
        let mut asked = self.head(ui, cx, work, turn);
        let role = role_of(turn).to_owned();
        let name = cx.tf("datasets.row_turn", &[("n", &(self.at + 1)), ("role", &role_word(cx, &role))]);
        asked = self.keys(ui).or(asked);
        let Some(Value::String(text)) = turn.get_mut("content") else {
            other_content(ui, cx, work, turn, self.id, &name);
            return asked;
        };
        let parts = other.map(|(other, change)| {
            let other = other.and_then(|other| other.get("content")).and_then(Value::as_str).unwrap_or("");
            compared.side(self.id, other, text, change)
        });
        let mut area = Area::new(self.id, &name).rows(2).fill(fill(cx, &role));
        if let Some(parts) = &parts {
            area = area.parts(parts);
        }
        let cut = self.said.and_then(|said| said.cut);
        let top = ui.cursor().min;
        let response = area.cut(cut).show(ui, text);
        work.heard(&response);
        let foot = ui.min_rect().bottom();
        let bar = Rect::from_min_max(top + vec2(0.0, 6.0), pos2(top.x + 3.0, foot - 6.0));
        ui.painter().rect_filled(bar, 1.5, ink(cx, &role));
        if cut.is_some() {
            ui.label(Type::Hint.text(cx.t("datasets.row_cut_here"), cx.theme.tokens.warn));
        }
        asked
    }

    /// Whose turn it is, how many tokens are learned of it, and its menu.
    fn head(&self, ui: &mut Ui, cx: &PaneCx, work: &mut Work, turn: &mut Value) -> Option<Asked> {
        let mut asked = None;
        let width = ui.available_width();
        ui.allocate_ui_with_layout(vec2(width, 24.0), Layout::right_to_left(Align::Center), |ui| {
            ui.set_min_width(width);
            let menu =
                icon_button(ui, icons::DOTS_THREE, cx.tf("datasets.row_turn_menu", &[("n", &(self.at + 1))]));
            asked = self.menu(cx, &menu);
            if let Some(said) = self.said {
                let n = units::grouped(said.n_tokens as u64);
                widgets::mono(ui, cx.tf("datasets.row_n_tokens", &[("n", &n)]));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let mut role = role_of(turn).to_owned();
                let mut options: Vec<(String, String)> =
                    ROLES.iter().map(|role| ((*role).to_owned(), role_word(cx, role))).collect();
                if !ROLES.contains(&role.as_str()) {
                    options.push((role.clone(), role_word(cx, &role)));
                }
                let name = cx.tf("datasets.row_role_of_turn", &[("n", &(self.at + 1))]);
                if Select::new(&name).small().show(ui, &mut role, &options).changed()
                    && let Some(turn) = turn.as_object_mut()
                {
                    turn.insert("role".to_owned(), Value::String(role));
                    work.did(Wrote::Done);
                }
            });
        });
        asked
    }

    fn menu(&self, cx: &PaneCx, button: &egui::Response) -> Option<Asked> {
        let at = self.at;
        let mut asked = None;
        widgets::menu(button, 220.0, |ui| {
            let first = (at == 0).then(|| cx.t("datasets.row_turn_first"));
            let up = MenuItem::new(cx.t("datasets.row_turn_up")).icon(icons::ARROW_UP);
            if up.shortcut(Some("Alt ↑".to_owned())).off(first).show(ui).clicked() {
                asked = Some(Asked::Up(at));
            }
            let last = (at + 1 == self.n).then(|| cx.t("datasets.row_turn_last"));
            let down = MenuItem::new(cx.t("datasets.row_turn_down")).icon(icons::ARROW_DOWN);
            if down.shortcut(Some("Alt ↓".to_owned())).off(last).show(ui).clicked() {
                asked = Some(Asked::Down(at));
            }
            if MenuItem::new(cx.t("datasets.row_turn_below")).icon(icons::PLUS).show(ui).clicked() {
                asked = Some(Asked::Below(at));
            }
            if MenuItem::new(cx.t("datasets.row_turn_remove")).icon(icons::TRASH).show(ui).clicked() {
                asked = Some(Asked::Remove(at));
            }
        });
        asked
    }

    /// Alt and an arrow move the turn that is written in.
    fn keys(&self, ui: &Ui) -> Option<Asked> {
        if !ui.memory(|m| m.has_focus(self.id)) {
            return None;
        }
        let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::ALT, key));
        match () {
            () if pressed(Key::ArrowUp) => Some(Asked::Up(self.at)),
            () if pressed(Key::ArrowDown) => Some(Asked::Down(self.at)),
            () => None,
        }
    }
}

/// A turn whose content is no text: as JSON.
fn other_content(ui: &mut Ui, cx: &PaneCx, work: &mut Work, turn: &mut Value, id: Id, name: &str) {
    if !turn.is_object() {
        *turn = turn_of("user", turn.as_str().unwrap_or_default());
    }
    let content = turn.get("content").cloned().unwrap_or_default();
    if let Some(new) = super::json_field::json_field(ui, cx, work, (id, name), &content)
        && let Some(turn) = turn.as_object_mut()
    {
        turn.insert("content".to_owned(), new);
    }
}

fn fill(cx: &PaneCx, role: &str) -> egui::Color32 {
    let t = cx.theme.tokens;
    match role {
        "assistant" => t.field,
        "user" => t.raised,
        _ => t.pane,
    }
}

/// A bubble's edge: warm where the model learns.
fn ink(cx: &PaneCx, role: &str) -> egui::Color32 {
    let t = cx.theme.tokens;
    match role {
        "assistant" => t.warm,
        "user" => t.selected_line,
        _ => t.line_strong,
    }
}

#[must_use]
pub fn role_of(turn: &Value) -> &str {
    turn.get("role").and_then(Value::as_str).unwrap_or_default()
}

/// The role as a word; one that no template knows, as it is.
#[must_use]
pub fn role_word(cx: &PaneCx, role: &str) -> String {
    match role {
        "system" => cx.t("datasets.turn_system"),
        "user" => cx.t("datasets.turn_user"),
        "assistant" => cx.t("datasets.turn_assistant"),
        "tool" => cx.t("datasets.turn_tool"),
        "" => cx.t("datasets.turn_none"),
        other => other.to_owned(),
    }
}

/// Who speaks next.
fn next_role(after: Option<&str>) -> &'static str {
    match after {
        Some("user" | "tool") => "assistant",
        _ => "user",
    }
}

#[must_use]
pub fn turn_of(role: &str, text: &str) -> Value {
    let mut turn = Map::new();
    turn.insert("role".to_owned(), role.into());
    turn.insert("content".to_owned(), text.into());
    Value::Object(turn)
}

/// Differences that were found last, for texts that stay the same from frame to frame.
#[derive(Default)]
pub struct Compared(HashMap<Id, (String, String, Parts)>);

type Parts = Rc<Vec<(Change, String)>>;

impl Compared {
    pub fn side(&mut self, id: Id, other: &str, text: &str, change: Change) -> Parts {
        if let Some((of, to, parts)) = self.0.get(&id)
            && of == other
            && to == text
        {
            return Rc::clone(parts);
        }
        let parts = Rc::new(side_of(other, text, change));
        self.0.insert(id, (other.to_owned(), text.to_owned(), Rc::clone(&parts)));
        parts
    }
}

/// What `text` has in common with `other`: `change` is what its own words are called.
#[must_use]
fn side_of(other: &str, text: &str, change: Change) -> Vec<(Change, String)> {
    let all = diff::words(other, text);
    let own = |(one, words): (Change, String)| match one {
        Change::Same => Some((Change::Same, words)),
        Change::Added => Some((change, words)),
        Change::Removed => None,
    };
    all.into_iter().filter_map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_moved_added_and_removed() {
        let mut turns = Turns::default();
        let mut list = vec![turn_of("user", "a"), turn_of("assistant", "b")];
        let roles = |list: &[Value]| list.iter().map(|one| role_of(one).to_owned()).collect::<Vec<_>>();
        turns.carry_out(Asked::Below(1), &mut list);
        assert_eq!(
            (roles(&list), turns.focus),
            (["user", "assistant", "user"].map(String::from).to_vec(), Some(2))
        );
        turns.carry_out(Asked::Up(2), &mut list);
        assert_eq!((list[1]["content"].as_str(), turns.focus), (Some(""), Some(1)));
        turns.carry_out(Asked::Up(0), &mut list);
        turns.carry_out(Asked::Remove(1), &mut list);
        turns.carry_out(Asked::Remove(1), &mut list);
        turns.carry_out(Asked::Remove(0), &mut list);
        assert!(list.is_empty() && turns.focus.is_none());
        turns.carry_out(Asked::Below(usize::MAX), &mut list);
        assert_eq!(roles(&list), ["user"]);
    }

    #[test]
    fn each_side_of_a_difference_is_its_own_text() {
        let (a, b) = ("Be kind and brief", "Be brief, please");
        let text =
            |parts: &[(Change, String)]| parts.iter().map(|(_, words)| words.as_str()).collect::<String>();
        let chosen = side_of(b, a, Change::Added);
        let rejected = side_of(a, b, Change::Removed);
        assert_eq!((text(&chosen).as_str(), text(&rejected).as_str()), (a, b));
        assert!(chosen.contains(&(Change::Added, "kind and ".to_owned())));
        assert!(rejected.iter().any(|(change, _)| *change == Change::Removed));
    }
}
