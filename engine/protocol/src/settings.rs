//! What a person set, kept between runs. Unknown and missing fields are tolerated.

use crate::generate::SamplingSpec;
use crate::ids::{ChatId, ModelId};
use crate::model::{CacheWidth, Precision};
use crate::text::Language;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub theme: ThemeChoice,
    /// `None` follows the system's locale.
    pub language: Option<Language>,
    pub zoom: f32,
    pub high_contrast: bool,
    pub reduced_motion: bool,
    /// Enter sends and Shift+Enter breaks the line; otherwise Ctrl+Enter sends.
    pub enter_sends: bool,
    /// Of what models write; looking inside is always exact, and a recipe says its own.
    pub precision: Precision,
    /// Of what a model remembers of a conversation.
    pub cache: CacheWidth,
    /// Takes effect at the next start.
    pub device: DeviceChoice,
    /// `None`: as many as physical cores. Takes effect at the next start.
    pub n_threads: Option<u32>,
    /// No connection is ever tried.
    pub offline: bool,
    /// The desktop tells when a run has ended and the window is not in front.
    pub notify: bool,
    pub sampling: SamplingSpec,
    /// What was open last.
    pub last_model: Option<ModelId>,
    pub last_chat: Option<ChatId>,
    /// The window's arrangement; only the window reads it.
    pub layout: Option<serde_json::Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            language: None,
            zoom: 1.0,
            high_contrast: false,
            reduced_motion: false,
            enter_sends: true,
            precision: Precision::Fast,
            cache: CacheWidth::Full,
            device: DeviceChoice::Auto,
            n_threads: None,
            offline: false,
            notify: true,
            sampling: SamplingSpec::default(),
            last_model: None,
            last_chat: None,
            layout: None,
        }
    }
}

/// What computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// The graphics card where this build and this machine have one, else the processor.
    #[default]
    Auto,
    Cpu,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThemeChoice {
    #[default]
    System,
    Dark,
    Light,
}
