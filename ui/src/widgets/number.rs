//! A number to type, with the arrow keys for small steps.

use super::field::Field;
use egui::{Id, Key, Response, Ui};
use std::ops::RangeInclusive;

/// A field for a number; what is out of range or no number is shown as a problem and not taken.
#[must_use = "a field draws nothing until `show`"]
pub struct NumberField<'a> {
    name: &'a str,
    range: RangeInclusive<f64>,
    decimals: usize,
    step: f64,
    width: f32,
    off: Option<String>,
}

impl<'a> NumberField<'a> {
    pub fn new(name: &'a str, range: RangeInclusive<f64>) -> Self {
        Self { name, range, decimals: 0, step: 1.0, width: 80.0, off: None }
    }

    pub fn decimals(mut self, decimals: usize, step: f64) -> Self {
        self.decimals = decimals;
        self.step = step;
        self
    }

    pub fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    /// An empty field means none, shown as this word.
    pub fn or_off(mut self, word: impl Into<String>) -> Self {
        self.off = Some(word.into());
        self
    }

    /// `Response::changed` says whether `value` was changed.
    pub fn show_opt(self, ui: &mut Ui, value: &mut Option<f64>) -> Response {
        let id = ui.make_persistent_id(("number", self.name));
        let shown = value.map(|v| format!("{v:.*}", self.decimals)).unwrap_or_default();
        // While it is being typed the text is the truth, so that "1." and "" can be passed through.
        let mut text = ui.data(|d| d.get_temp::<String>(id)).unwrap_or_else(|| shown.clone());
        let problem = self.parse(&text).is_err();
        let mut field = Field::new(self.name).mono().width(self.width).problem(problem).id(id);
        if let Some(word) = &self.off {
            field = field.placeholder(word);
        }
        let mut response = field.show(ui, &mut text);
        let typed = response.changed();
        let mut new = None;
        if typed {
            new = self.parse(&text).ok();
        }
        if response.has_focus() {
            let step = ui.input(|i| {
                f64::from(i8::from(i.key_pressed(Key::ArrowUp)) - i8::from(i.key_pressed(Key::ArrowDown)))
            });
            if step != 0.0 {
                let from = value.unwrap_or(*self.range.start());
                let to = (from + step * self.step).clamp(*self.range.start(), *self.range.end());
                text = format!("{to:.*}", self.decimals);
                new = Some(Some(to));
            }
            ui.data_mut(|d| d.insert_temp(id, text));
        } else {
            ui.data_mut(|d| d.remove_temp::<String>(id));
        }
        response.flags.remove(egui::response::Flags::CHANGED);
        if let Some(new) = new.filter(|n| n != value) {
            *value = new;
            response.mark_changed();
        }
        response
    }

    pub fn show(self, ui: &mut Ui, value: &mut f64) -> Response {
        let mut some = Some(*value);
        let mut this = self;
        this.off = None;
        let response = this.show_opt(ui, &mut some);
        if let Some(new) = some {
            *value = new;
        }
        response
    }

    pub fn show_f32(self, ui: &mut Ui, value: &mut f32) -> Response {
        let decimals = self.decimals;
        let mut wide = f64::from(*value);
        let response = self.show(ui, &mut wide);
        if response.changed() {
            let scale = 10f64.powi(i32::try_from(decimals).unwrap_or(6));
            *value = ((wide * scale).round() / scale) as f32;
        }
        response
    }

    pub fn show_u32(self, ui: &mut Ui, value: &mut u32) -> Response {
        let mut wide = f64::from(*value);
        let response = self.show(ui, &mut wide);
        if response.changed() {
            *value = wide as u32;
        }
        response
    }

    fn parse(&self, text: &str) -> Result<Option<f64>, ()> {
        let text = text.trim().replace(',', "");
        if text.is_empty() {
            return if self.off.is_some() { Ok(None) } else { Err(()) };
        }
        let number: f64 = text.parse().map_err(|_| ())?;
        let whole = self.decimals > 0 || number.fract() == 0.0;
        if whole && self.range.contains(&number) { Ok(Some(number)) } else { Err(()) }
    }
}

/// Forgets what was half typed, after the value was changed from outside.
pub(crate) fn forget_typed(ui: &Ui, name: &str) {
    let id: Id = ui.make_persistent_id(("number", name));
    ui.data_mut(|d| d.remove_temp::<String>(id));
}
