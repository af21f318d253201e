//! The parts panes are made of. Each takes plain data and returns a `Response` or what was asked for.

mod button;
mod dialog;
mod field;
mod form;
mod frame;
mod heat_map;
mod mark;
mod menu;
pub mod metric_plot;
mod number;
mod paint;
mod progress;
mod segments;
mod slider;
mod spec_form;
mod states;
mod text;
pub mod tiles;
mod toggle;

pub use button::{Button, icon_button, icon_button_off, link};
pub use dialog::dialog;
pub use field::{Field, search_field};
pub use form::{explained_row, fold, form_row, note};
pub use frame::{card, card_frame, divider, popover_frame, section, well};
pub use heat_map::heat_map;
pub use mark::{Tone, badge, bead, bead_ring, kbd, logo, paint_bead, paint_logo, strip, tag};
pub use menu::{MenuItem, Select, menu, popover};
pub use number::NumberField;
pub use paint::{focus_ring, galley, icon_galley, shape_icon};
pub use progress::{job_row, progress_bar, progress_line, waiting_row};
pub use segments::segments;
pub use slider::slider_row;
pub use spec_form::{FieldView, SpecForm, shown_value};
pub use states::{empty, failed, failed_line, working};
pub use text::{body, caption, hint, label, medium, mono, selectable, semibold, title, truncated};
pub use toggle::toggle;
