//! The captured text laid out as chips, once for each width.

use super::names::Names;
use crate::widgets::ChipText;
use egui::Ui;
use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::Capture;
use std::rc::Rc;

#[derive(Default)]
pub struct Running {
    laid: Option<Laid>,
}

struct Laid {
    of: (CaptureId, usize),
    width: f32,
    pixels_per_point: f32,
    text: Rc<ChipText>,
}

impl Running {
    pub fn laid_out(&mut self, ui: &Ui, names: &Names, capture: &Capture) -> Rc<ChipText> {
        let (width, pixels_per_point) = (ui.available_width(), ui.pixels_per_point());
        let of = (capture.id, capture.n_tokens());
        let same =
            |laid: &&Laid| laid.of == of && laid.width == width && laid.pixels_per_point == pixels_per_point;
        if let Some(laid) = self.laid.as_ref().filter(same) {
            return Rc::clone(&laid.text);
        }
        let text = Rc::new(ChipText::lay_out(ui, names.running.iter().map(String::as_str), width));
        self.laid = Some(Laid { of, width, pixels_per_point, text: Rc::clone(&text) });
        text
    }
}
