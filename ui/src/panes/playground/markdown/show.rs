//! Draws blocks: one laid-out text a paragraph, so that it can be marked across lines.

use super::parse::{Block, Inline};
use crate::theme::{self, Theme, Type, Weight, icons, size};
use crate::widgets::{self, icon_button};
use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align, CursorIcon, FontId, Frame, Galley, Label, Layout, Margin, Rect, Role, ScrollArea, Sense, Stroke,
    Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use pulldown_cmark::Alignment;
use std::sync::Arc;

/// Width of the place for a list's mark.
const INDENT: f32 = 24.0;

/// What was asked for while drawing.
#[derive(Default, Debug, PartialEq)]
pub struct Asked {
    /// A link was pressed: where it leads.
    pub link: Option<String>,
    /// A code block was copied.
    pub copied: bool,
}

/// Draws `blocks` below each other over the available width.
pub fn show(ui: &mut Ui, blocks: &[Block]) -> Asked {
    let mut asked = Asked::default();
    let theme = theme::of(ui);
    Page { theme: &theme, asked: &mut asked, quoted: false }.blocks(ui, blocks);
    asked
}

/// The same in weaker ink, for what is not the answer itself.
pub fn show_quiet(ui: &mut Ui, blocks: &[Block]) -> Asked {
    let mut asked = Asked::default();
    let theme = theme::of(ui);
    Page { theme: &theme, asked: &mut asked, quoted: true }.blocks(ui, blocks);
    asked
}

struct Page<'a> {
    theme: &'a Theme,
    asked: &'a mut Asked,
    quoted: bool,
}

impl Page<'_> {
    fn blocks(&mut self, ui: &mut Ui, blocks: &[Block]) {
        ui.spacing_mut().item_spacing.y = 12.0;
        for (idx, block) in blocks.iter().enumerate() {
            ui.push_id(idx, |ui| self.block(ui, block));
        }
    }

    fn block(&mut self, ui: &mut Ui, block: &Block) {
        match block {
            Block::Paragraph(words) => self.words(ui, words, Type::Prose, Weight::Regular),
            Block::Heading(level, words) => {
                let size = if *level < 3 { Type::Figure } else { Type::Prose };
                self.words(ui, words, size, Weight::Semibold);
            }
            Block::Code { language, text } => self.code(ui, language, text),
            Block::Quote(blocks) => self.quote(ui, blocks),
            Block::List { start, items } => self.list(ui, *start, items),
            Block::Table { columns, rows } => self.table(ui, columns, rows),
            Block::Rule => widgets::divider(ui),
        }
    }

    fn words(&mut self, ui: &mut Ui, words: &[Inline], size: Type, weight: Weight) {
        let galley = ui.painter().layout_job(self.job(words, size, weight, ui.available_width()));
        let response = ui.add(Label::new(Arc::clone(&galley)).selectable(true));
        self.links(ui, words, &galley, response.rect);
    }

    fn job(&self, words: &[Inline], size: Type, weight: Weight, width: f32) -> LayoutJob {
        let t = &self.theme.tokens;
        let mut job = LayoutJob::default();
        job.wrap.max_width = width;
        for word in words {
            let weight = if word.strong { Weight::Semibold } else { weight };
            let font = if word.code { mono_of(size, weight) } else { size.font(weight) };
            let ink = if word.link.is_some() {
                t.accent
            } else if self.quoted {
                t.text_2
            } else {
                t.text_1
            };
            let line = Stroke::new(1.0, ink);
            let format = TextFormat {
                font_id: font,
                line_height: Some(size.line()),
                color: ink,
                background: if word.code { t.control } else { egui::Color32::TRANSPARENT },
                italics: word.emphasis,
                underline: if word.link.is_some() { line } else { Stroke::NONE },
                strikethrough: if word.strike { line } else { Stroke::NONE },
                valign: Align::Center,
                ..TextFormat::default()
            };
            job.append(&word.text, 0.0, format);
        }
        job
    }

    /// Lays something to press, reachable by keyboard, over each link.
    fn links(&mut self, ui: &mut Ui, words: &[Inline], galley: &Galley, rect: Rect) {
        let mut from = 0;
        for (idx, word) in words.iter().enumerate() {
            let to = from + word.text.chars().count();
            if let Some(url) = &word.link {
                for (row, part) in rows_of(galley, from, to).enumerate() {
                    let place = part.translate(rect.min.to_vec2());
                    let sense = if row == 0 { Sense::click() } else { Sense::click() - Sense::FOCUSABLE };
                    let response = ui.interact(place, ui.scope_id().with(("link", idx, row)), sense);
                    response.widget_info(|| WidgetInfo::labeled(Role::Link, true, &word.text));
                    widgets::focus_ring(ui, &response, place);
                    let response = response.on_hover_cursor(CursorIcon::PointingHand).on_hover_text(url);
                    if response.clicked() {
                        self.asked.link = Some(url.clone());
                    }
                }
            }
            from = to;
        }
    }

    fn code(&mut self, ui: &mut Ui, language: &str, text: &str) {
        let t = &self.theme.tokens;
        Frame::new().fill(t.well).stroke(Stroke::new(1.0, t.line)).corner_radius(size::RADIUS_CONTROL).show(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                ui.set_width(ui.available_width());
                Frame::new().inner_margin(Margin { left: 12, right: 6, top: 4, bottom: 0 }).show(ui, |ui| {
                    ui.horizontal(|ui| {
                        widgets::hint(ui, language);
                        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                            if icon_button(ui, icons::COPY, self.theme.t("playground.copy_code")).clicked() {
                                ui.copy_text(text.to_owned());
                                self.asked.copied = true;
                            }
                        });
                    });
                });
                ScrollArea::horizontal().id_salt("code").show(ui, |ui| {
                    Frame::new().inner_margin(Margin { left: 12, right: 12, top: 0, bottom: 10 }).show(
                        ui,
                        |ui| {
                            let words = Type::Body.number(text, t.text_1);
                            ui.add(Label::new(words).selectable(true).extend());
                        },
                    );
                });
            },
        );
    }

    fn quote(&mut self, ui: &mut Ui, blocks: &[Block]) {
        let line = Stroke::new(2.0, self.theme.tokens.line_strong);
        let was = std::mem::replace(&mut self.quoted, true);
        let shown = Frame::new().inner_margin(Margin { left: 14, ..Margin::ZERO }).show(ui, |ui| {
            ui.set_width(ui.available_width());
            self.blocks(ui, blocks);
        });
        self.quoted = was;
        let rect = shown.response.rect;
        ui.painter().vline(rect.left() + 2.0, rect.y_range(), line);
    }

    fn list(&mut self, ui: &mut Ui, start: Option<u64>, items: &[Vec<Block>]) {
        ui.vertical(|ui| {
            for (idx, item) in items.iter().enumerate() {
                let mark = match start {
                    Some(first) => format!("{}.", first.saturating_add(idx as u64)),
                    None => "•".to_owned(),
                };
                ui.push_id(idx, |ui| self.item(ui, &mark, item));
                ui.add_space(-6.0);
            }
            ui.add_space(6.0);
        });
    }

    fn item(&mut self, ui: &mut Ui, mark: &str, blocks: &[Block]) {
        let top = ui.cursor().min;
        let words = Type::Prose.text(mark, self.theme.tokens.text_2);
        let mark =
            widgets::galley(ui, words.text(), Type::Prose.font(Weight::Regular), self.theme.tokens.text_2);
        let wide = mark.size().x.max(INDENT - 8.0);
        let inner =
            Rect::from_min_max(top + vec2(wide + 8.0, 0.0), pos2(ui.max_rect().right(), f32::INFINITY));
        let at = pos2(top.x + wide - mark.size().x, top.y + (Type::Prose.line() - mark.size().y) / 2.0);
        ui.painter().galley(at, mark, self.theme.tokens.text_2);
        let shown = ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| self.blocks(ui, blocks));
        // An empty item is a line all the same.
        let bottom = shown.response.rect.bottom().max(top.y + Type::Prose.line());
        ui.advance_cursor_after_rect(Rect::from_min_max(top, pos2(inner.right(), bottom)));
    }

    fn table(&mut self, ui: &mut Ui, columns: &[Alignment], rows: &[Vec<Vec<Inline>>]) {
        let t = &self.theme.tokens;
        ScrollArea::horizontal().id_salt("table").show(ui, |ui| {
            egui::Grid::new("cells").spacing(vec2(24.0, 6.0)).min_col_width(32.0).show(ui, |ui| {
                for (row, cells) in rows.iter().enumerate() {
                    let weight = if row == 0 { Weight::Semibold } else { Weight::Regular };
                    for (column, words) in cells.iter().enumerate() {
                        let layout = match columns.get(column) {
                            Some(Alignment::Right) => Layout::right_to_left(Align::Min),
                            Some(Alignment::Center) => Layout::top_down(Align::Center),
                            _ => Layout::left_to_right(Align::Min),
                        };
                        ui.with_layout(layout, |ui| {
                            ui.push_id(column, |ui| {
                                let galley =
                                    ui.painter().layout_job(self.job(words, Type::Body, weight, 320.0));
                                let response = ui.add(Label::new(Arc::clone(&galley)).selectable(true));
                                self.links(ui, words, &galley, response.rect);
                            });
                        });
                    }
                    ui.end_row();
                    if row == 0 {
                        let rect = ui.min_rect();
                        ui.painter().hline(rect.x_range(), rect.bottom() + 3.0, Stroke::new(1.0, t.line));
                    }
                }
            });
        });
    }
}

/// Code in prose is a size smaller: the mono face is wide.
fn mono_of(size: Type, weight: Weight) -> FontId {
    let mut font = size.mono(weight);
    font.size -= if size == Type::Body { 1.0 } else { 1.5 };
    font
}

/// The places of the characters `from..to`, one a row, within the galley.
fn rows_of(galley: &Galley, from: usize, to: usize) -> impl Iterator<Item = Rect> {
    let mut start = 0;
    let mut parts = Vec::new();
    for row in &galley.rows {
        let len = row.row.char_count_excluding_newline().0;
        let end = start + len;
        let (a, b) = (from.max(start), to.min(end));
        if a < b {
            let x = |at: usize| row.pos.x + row.row.x_offset(egui::text::CharIndex(at - start));
            let left = pos2(x(a), row.pos.y);
            parts.push(Rect::from_min_max(left, pos2(x(b), row.pos.y + row.row.height())));
        }
        start += row.char_count_including_newline().0;
    }
    parts.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::text::CCursor;

    #[test]
    fn a_link_over_two_rows_has_two_places() {
        let ctx = egui::Context::default();
        theme::install(&ctx);
        let mut parts = Vec::new();
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            let font = Type::Prose.font(Weight::Regular);
            let galley = ui.painter().layout("one two three four".into(), font, egui::Color32::WHITE, 70.0);
            assert!(galley.rows.len() > 1);
            parts = rows_of(&galley, 4, 13).collect();
            assert_eq!(galley.pos_from_cursor(CCursor::new(4)).left(), parts[0].left());
        });
        output.textures_delta.clear();
        assert_eq!(parts.len(), 2);
        assert!(parts[1].top() > parts[0].top());
    }
}
