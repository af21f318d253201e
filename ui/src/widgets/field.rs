//! Fields to type into.

use crate::theme::{self, Type, Weight, icons, size};
use egui::{Color32, Frame, Margin, Rect, Response, Shape, Stroke, StrokeKind, TextEdit, Ui, Vec2, vec2};

/// Height of a line of text.
const LINE: f32 = 20.0;

/// One line of text, or some.
#[must_use = "a field draws nothing until `show`"]
pub struct Field<'a> {
    name: &'a str,
    placeholder: Option<String>,
    width: f32,
    height: f32,
    mono: bool,
    icon: Option<&'a str>,
    problem: bool,
    warned: bool,
    id: Option<egui::Id>,
    rows: usize,
}

impl<'a> Field<'a> {
    /// `name` is what screen readers and tests call it.
    pub fn new(name: &'a str) -> Self {
        Self {
            name,
            placeholder: None,
            width: size::FIELD,
            height: size::CONTROL,
            mono: false,
            icon: None,
            problem: false,
            warned: false,
            id: None,
            rows: 1,
        }
    }

    pub fn placeholder(mut self, text: impl Into<String>) -> Self {
        self.placeholder = Some(text.into());
        self
    }

    pub fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    /// Room for some lines of text; one that is too long for it scrolls.
    pub fn rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self.height = rows as f32 * LINE + 12.0;
        self
    }

    /// For numbers, paths and codes.
    pub fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    pub fn icon(mut self, icon: &'a str) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Whether what stands in it is not usable: colours the border.
    pub fn problem(mut self, problem: bool) -> Self {
        self.problem = problem;
        self
    }

    /// Whether what stands in it can be used and is seldom wanted.
    pub fn warned(mut self, warned: bool) -> Self {
        self.warned = warned;
        self
    }

    pub fn id(mut self, id: egui::Id) -> Self {
        self.id = Some(id);
        self
    }

    pub fn show(self, ui: &mut Ui, text: &mut String) -> Response {
        let t = theme::of(ui).tokens;
        let (_, rect) = ui.allocate_space(vec2(self.width, self.height));
        let ground = ui.painter().add(Shape::Noop);
        let left = if self.icon.is_some() { 32.0 } else { 10.0 };
        let font =
            if self.mono { Type::Hint.mono(Weight::Regular) } else { Type::Body.font(Weight::Regular) };
        let inner = Rect::from_min_max(rect.min + vec2(left, 0.0), rect.max - vec2(8.0, 0.0));
        let inner = if self.rows > 1 { inner.shrink2(vec2(0.0, 6.0)) } else { inner };
        let edit = if self.rows > 1 { TextEdit::multiline(text) } else { TextEdit::singleline(text) };
        let mut edit = edit
            .desired_rows(self.rows)
            .frame(Frame::NONE)
            .margin(Margin::ZERO)
            .font(font.clone())
            .text_color(t.text_1)
            .desired_width(inner.width())
            .min_size(Vec2::new(inner.width(), inner.height()))
            .align(if self.rows > 1 { egui::Align2::LEFT_TOP } else { egui::Align2::LEFT_CENTER })
            .background_color(Color32::TRANSPARENT);
        if let Some(words) = &self.placeholder {
            edit = edit.hint_text(egui::RichText::new(words).font(font).color(t.text_3));
        }
        if let Some(id) = self.id {
            edit = edit.id(id);
        }
        let response = ui.place(inner, edit).accessible_name(self.name);
        if let Some(icon) = self.icon {
            let at = egui::pos2(rect.left() + 18.0, rect.center().y);
            super::shape_icon(ui, at, icon, size::ICON, false, t.text_3);
        }
        let line = match (self.problem, response.has_focus(), response.hovered()) {
            (true, ..) => Stroke::new(1.0, t.danger),
            (_, false, _) if self.warned => Stroke::new(1.0, t.warn),
            (_, true, _) => Stroke::new(2.0, t.accent),
            (_, _, true) => Stroke::new(1.0, t.line_strong),
            _ => Stroke::new(1.0, t.line),
        };
        let shape = egui::epaint::RectShape::new(
            rect,
            f32::from(size::RADIUS_CONTROL),
            t.field,
            line,
            StrokeKind::Inside,
        );
        ui.painter().set(ground, shape);
        response
    }
}

/// Marks all of a field's text, so that what is typed takes its place.
pub fn mark_all(ui: &Ui, id: egui::Id, text: &str) {
    let mut state = TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
    let (first, last) = (egui::text::CCursor::new(0), egui::text::CCursor::new(text.chars().count()));
    state.cursor.set_char_range(Some(egui::text::CCursorRange::two(first, last)));
    TextEdit::store_state(ui.ctx(), id, state);
}

/// A field with a magnifying glass.
pub fn search_field(ui: &mut Ui, name: &str, width: f32, text: &mut String) -> Response {
    Field::new(name).icon(icons::MAGNIFYING_GLASS).placeholder(name).width(width).show(ui, text)
}
