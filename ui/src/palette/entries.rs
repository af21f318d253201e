//! What the palette offers: the table of commands, panes, models, conversations.

use crate::command::{COMMANDS, Scope, UiCommand};
use crate::model::Model;
use crate::panes::{PANES, PaneId};
use crate::theme::{Theme, icons};
use glassworks_protocol::ids::{ChatId, ModelId};
use glassworks_protocol::text::Language;

/// What a line of the palette leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    Command(UiCommand),
    Pane(PaneId),
    Chat(ChatId),
    Model(ModelId),
}

pub(super) struct Entry {
    pub target: Target,
    pub name: String,
    /// The name in the other language: found by it, not shown.
    pub other: String,
    pub place: String,
    pub icon: &'static str,
    pub keys: Option<String>,
}

pub(super) fn entries(ctx: &egui::Context, model: &Model, theme: &Theme) -> Vec<Entry> {
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
