//! Keys and dropped files, before anything is drawn.

use super::App;
use crate::action::{Action, Open};
use crate::command::{COMMANDS, Scope, UiCommand};
use crate::theme::{Type, Weight, size};
use egui::{Align2, Context, Id, LayerId, Order, Shape, Stroke};
use std::path::PathBuf;

impl App {
    /// Runs the shortcuts of the table, before anything drawn can take the keys.
    pub(super) fn shortcuts(&mut self, ctx: &Context) {
        let typing = ctx.text_edit_focused();
        let mut pressed: Vec<UiCommand> = ctx.input_mut(|i| {
            // Shortcuts with more modifiers come first: Ctrl+Shift+Z also is a Ctrl+Z to egui.
            let mut table: Vec<_> = COMMANDS.iter().filter_map(|c| Some((c, c.shortcut?))).collect();
            table.sort_by_key(|(_, s)| std::cmp::Reverse(u8::from(s.modifiers.shift)));
            table
                .into_iter()
                .filter(|(c, _)| c.while_typing || !typing)
                .filter(|(_, s)| i.consume_shortcut(s))
                .map(|(c, _)| c.command)
                .collect()
        });
        // Where + needs Shift, the key without it is meant as well.
        if ctx.input_mut(|i| i.consume_key(egui::Modifiers::COMMAND, egui::Key::Equals)) {
            pressed.push(UiCommand::ZoomIn);
        }
        for command in pressed {
            if !self.palette.is_open() || command == UiCommand::Palette {
                self.run(command, ctx);
            }
        }
    }

    /// Files that were dropped go to the pane that can show them; while they hover, the window says so.
    pub(super) fn dropped(&mut self, ctx: &Context) {
        let (files, hovering) = ctx.input(|i| (i.raw.dropped_files.clone(), !i.raw.hovered_files.is_empty()));
        for file in &files {
            self.actions.push(Action::Open(Open::Path(file.path().to_path_buf())));
        }
        if !hovering {
            return;
        }
        let t = &self.theme.tokens;
        let layer = LayerId::new(Order::Foreground, Id::unique("drop"));
        let painter = ctx.layer_painter(layer);
        let rect = ctx.content_rect().shrink(12.0);
        painter.rect_filled(rect, f32::from(size::RADIUS_TILE), t.window.gamma_multiply(0.85));
        let corners =
            [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
        painter.extend(Shape::dashed_line(&corners, Stroke::new(2.0, t.accent), 8.0, 6.0));
        let words = self.theme.t("shell.drop_here");
        let font = Type::Figure.font(Weight::Semibold);
        painter.text(rect.center(), Align2::CENTER_CENTER, words, font, t.text_1);
    }

    /// Files that the program was started with, or that a second one was.
    pub fn open_files(&mut self, files: Vec<PathBuf>) {
        files.into_iter().for_each(|path| self.actions.push(Action::Open(Open::Path(path))));
    }

    /// Carries a command out, wherever it belongs.
    pub(super) fn run(&mut self, command: UiCommand, ctx: &Context) {
        match command.info().map_or(Scope::Window, |i| i.scope) {
            Scope::Window => self.run_in_window(command, ctx),
            Scope::Focused => {
                let slot = self.layout.focused_slot();
                self.with_pane(slot, |pane, cx| pane.command(command, cx));
            }
            Scope::Pane(id) => {
                // The focused pane may have a meaning of its own for it: sending, searching.
                let slot = self.layout.focused_slot();
                if self.layout.focused() != id && self.with_pane(slot, |pane, cx| pane.command(command, cx)) {
                    return ctx.request_repaint();
                }
                self.layout.show(id);
                let slot = self.layout.focused_slot();
                self.with_pane(slot, |pane, cx| pane.command(command, cx));
            }
        }
        ctx.request_repaint();
    }
}
