//! The Glassworks window: panes, widgets and theme on egui. It speaks to the engine through
//! `glassworks-protocol` only, and to the program around it through [`Host`].

pub mod action;
mod app;
pub mod command;
pub mod host;
mod layout;
pub mod model;
mod palette;
pub mod panes;
pub mod theme;
mod typed_path;
pub mod units;
pub mod widgets;

pub use app::App;
pub use host::Host;
pub use model::Model;
