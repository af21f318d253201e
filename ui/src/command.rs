//! Everything that can be done by name: one table for menus, the palette, shortcuts and tooltips.

use crate::panes::PaneId;
use crate::theme::icons;
use egui::{Key, KeyboardShortcut, Modifiers};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum UiCommand {
    Palette,
    Undo,
    Redo,
    ZoomIn,
    ZoomOut,
    ZoomReset,
    ThemeSystem,
    ThemeDark,
    ThemeLight,
    LanguageEnglish,
    LanguageChinese,
    ToggleOffline,
    Inspector,
    OpenBeside,
    CloseBeside,
    NextPane,
    StopJobs,
    Quit,
    NewChat,
    NewCompletion,
    OpenModel,
    SearchChats,
    SystemPrompt,
    Send,
    Stop,
    Regenerate,
    ContinueReply,
    PreviousBranch,
    NextBranch,
    RenameChat,
    TrashChat,
    ExportChat,
    ImportChats,
    NewPrediction,
    NewPrompt,
    SavePrompt,
    AddRow,
    ReplaceRows,
    ImportData,
}

/// Who carries a command out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Window,
    /// The pane, shown first if it isn't.
    Pane(PaneId),
    /// The focused pane, whichever it is.
    Focused,
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct CommandInfo {
    pub command: UiCommand,
    pub key: &'static str,
    pub icon: &'static str,
    pub shortcut: Option<KeyboardShortcut>,
    pub scope: Scope,
    /// Whether the shortcut works while something is being typed.
    pub while_typing: bool,
}

const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers { shift: true, ..Modifiers::COMMAND };
const ALT: Modifiers = Modifiers::ALT;

const fn ctrl(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(CTRL, key))
}

const fn window(
    command: UiCommand,
    key: &'static str,
    icon: &'static str,
    shortcut: Option<KeyboardShortcut>,
) -> CommandInfo {
    CommandInfo { command, key, icon, shortcut, scope: Scope::Window, while_typing: true }
}

const fn play(
    command: UiCommand,
    key: &'static str,
    icon: &'static str,
    shortcut: Option<KeyboardShortcut>,
) -> CommandInfo {
    let scope = Scope::Pane(PaneId::Playground);
    CommandInfo { command, key, icon, shortcut, scope, while_typing: true }
}

/// All of them, in the order in which the palette lists them before anything is typed.
pub const COMMANDS: &[CommandInfo] = &[
    play(UiCommand::NewChat, "shell.cmd_new_chat", icons::PLUS, ctrl(Key::N)),
    play(UiCommand::NewCompletion, "shell.cmd_new_completion", icons::TEXT_T, None),
    play(UiCommand::OpenModel, "shell.cmd_open_model", icons::FOLDER_OPEN, ctrl(Key::O)),
    play(UiCommand::SearchChats, "shell.cmd_search_chats", icons::MAGNIFYING_GLASS, ctrl(Key::F)),
    CommandInfo {
        while_typing: true,
        ..play(UiCommand::Send, "shell.cmd_send", icons::PAPER_PLANE_RIGHT, ctrl(Key::Enter))
    },
    play(UiCommand::Stop, "shell.cmd_stop", icons::STOP, ctrl(Key::Period)),
    play(UiCommand::Regenerate, "shell.cmd_regenerate", icons::ARROWS_CLOCKWISE, ctrl(Key::R)),
    play(UiCommand::ContinueReply, "shell.cmd_continue", icons::PLAY, None),
    CommandInfo {
        while_typing: false,
        ..play(
            UiCommand::PreviousBranch,
            "shell.cmd_previous_branch",
            icons::CARET_LEFT,
            Some(KeyboardShortcut::new(ALT, Key::ArrowLeft)),
        )
    },
    CommandInfo {
        while_typing: false,
        ..play(
            UiCommand::NextBranch,
            "shell.cmd_next_branch",
            icons::CARET_RIGHT,
            Some(KeyboardShortcut::new(ALT, Key::ArrowRight)),
        )
    },
    play(UiCommand::SystemPrompt, "shell.cmd_system_prompt", icons::TEXT_T, None),
    play(UiCommand::RenameChat, "shell.cmd_rename_chat", icons::PENCIL_SIMPLE, None),
    play(UiCommand::TrashChat, "shell.cmd_trash_chat", icons::TRASH, None),
    play(UiCommand::ExportChat, "shell.cmd_export_chat", icons::EXPORT, None),
    play(UiCommand::ImportChats, "shell.cmd_import_chats", icons::DOWNLOAD_SIMPLE, None),
    CommandInfo {
        scope: Scope::Pane(PaneId::Predict),
        ..window(UiCommand::NewPrediction, "shell.cmd_new_prediction", icons::TAG, None)
    },
    CommandInfo {
        scope: Scope::Pane(PaneId::Prompts),
        ..window(UiCommand::NewPrompt, "shell.cmd_new_prompt", icons::BRACKETS_CURLY, None)
    },
    CommandInfo {
        scope: Scope::Focused,
        ..window(UiCommand::SavePrompt, "shell.cmd_save_prompt", icons::FLOPPY_DISK, ctrl(Key::S))
    },
    CommandInfo {
        scope: Scope::Pane(PaneId::Datasets),
        ..window(UiCommand::ReplaceRows, "shell.cmd_replace_rows", icons::SWAP, ctrl(Key::H))
    },
    CommandInfo {
        scope: Scope::Pane(PaneId::Datasets),
        ..window(UiCommand::ImportData, "shell.cmd_import_data", icons::DOWNLOAD_SIMPLE, None)
    },
    CommandInfo {
        scope: Scope::Pane(PaneId::Datasets),
        ..window(UiCommand::AddRow, "shell.cmd_add_row", icons::TABLE, None)
    },
    CommandInfo {
        while_typing: false,
        ..window(UiCommand::Undo, "shell.cmd_undo", icons::ARROW_COUNTER_CLOCKWISE, ctrl(Key::Z))
    },
    CommandInfo {
        while_typing: false,
        ..window(
            UiCommand::Redo,
            "shell.cmd_redo",
            icons::ARROW_CLOCKWISE,
            Some(KeyboardShortcut::new(CTRL_SHIFT, Key::Z)),
        )
    },
    window(UiCommand::Palette, "shell.cmd_palette", icons::COMMAND, ctrl(Key::P)),
    CommandInfo {
        scope: Scope::Focused,
        ..window(UiCommand::Inspector, "shell.cmd_inspector", icons::SLIDERS_HORIZONTAL, ctrl(Key::I))
    },
    window(UiCommand::OpenBeside, "shell.cmd_open_beside", icons::COLUMNS, ctrl(Key::Backslash)),
    window(UiCommand::CloseBeside, "shell.cmd_close_beside", icons::X, None),
    window(UiCommand::NextPane, "shell.cmd_next_pane", icons::SWAP, None),
    window(UiCommand::StopJobs, "shell.cmd_stop_jobs", icons::STOP, None),
    window(UiCommand::ThemeSystem, "shell.cmd_theme_system", icons::MONITOR, None),
    window(UiCommand::ThemeDark, "shell.cmd_theme_dark", icons::MOON, None),
    window(UiCommand::ThemeLight, "shell.cmd_theme_light", icons::SUN, None),
    window(UiCommand::LanguageEnglish, "shell.cmd_language_english", icons::TRANSLATE, None),
    window(UiCommand::LanguageChinese, "shell.cmd_language_chinese", icons::TRANSLATE, None),
    window(UiCommand::ZoomIn, "shell.cmd_zoom_in", icons::ARROWS_OUT, ctrl(Key::Plus)),
    window(UiCommand::ZoomOut, "shell.cmd_zoom_out", icons::ARROWS_IN, ctrl(Key::Minus)),
    window(UiCommand::ZoomReset, "shell.cmd_zoom_reset", icons::MAGNIFYING_GLASS, ctrl(Key::Num0)),
    window(UiCommand::ToggleOffline, "shell.cmd_toggle_offline", icons::CLOUD_SLASH, None),
    window(UiCommand::Quit, "shell.cmd_quit", icons::POWER, ctrl(Key::Q)),
];

impl UiCommand {
    /// The line of the table.
    #[must_use]
    pub fn info(self) -> Option<&'static CommandInfo> {
        COMMANDS.iter().find(|c| c.command == self)
    }

    /// The keys as this system writes them: `Ctrl P`.
    #[must_use]
    pub fn keys(self, ctx: &egui::Context) -> Option<String> {
        let shortcut = self.info()?.shortcut?;
        Some(keys(ctx, &shortcut))
    }
}

/// A shortcut as it is shown: `Ctrl Shift Z`.
#[must_use]
pub fn keys(ctx: &egui::Context, shortcut: &KeyboardShortcut) -> String {
    let text = ctx.format_shortcut(shortcut);
    let mut parts: Vec<&str> = text.split('+').filter(|p| !p.is_empty()).collect();
    // The plus key itself is lost by the split.
    if text.ends_with("++") || text == "+" {
        parts.push("+");
    }
    let parts: Vec<&str> = parts
        .into_iter()
        .map(|p| match p {
            "Enter" => "↵",
            "Plus" => "+",
            "Minus" => "−",
            "Left" => "←",
            "Right" => "→",
            "Period" => ".",
            "Backslash" => "\\",
            other => other,
        })
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::text::Language;
    use std::collections::HashSet;

    #[test]
    fn every_command_has_a_name_and_its_own_keys() {
        let mut seen = HashSet::new();
        let mut keys = HashSet::new();
        for info in COMMANDS {
            assert!(seen.insert(info.command), "{:?} twice", info.command);
            for language in Language::ALL {
                assert!(language.has(info.key), "{} has no sentence", info.key);
            }
            if let Some(shortcut) = info.shortcut {
                assert!(keys.insert(format!("{shortcut:?}")), "{:?}: keys taken", info.command);
            }
        }
    }
}
