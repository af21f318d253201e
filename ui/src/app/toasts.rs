//! Lines that come up at the bottom right and go by themselves; dangerous ones stay until dismissed.

use crate::action::{Toast, ToastAction};
use crate::theme::{self, Theme, Type, icons, size};
use crate::widgets;
use egui::{Align, Area, Context, Id, Label, Layout, Margin, Order, RichText, Ui, vec2};

const WIDTH: f32 = 320.0;
const STAYS_SECS: f64 = 6.0;
const MAX_SHOWN: usize = 4;

struct Shown {
    toast: Toast,
    /// When it goes, by egui's clock.
    until: Option<f64>,
    key: u64,
}

#[derive(Default)]
pub(super) struct Toasts {
    shown: Vec<Shown>,
    next: u64,
}

impl Toasts {
    pub fn push(&mut self, toast: Toast, ctx: &Context) {
        // The same line again starts its time anew instead of piling up.
        self.shown.retain(|s| s.toast != toast);
        let now = ctx.input(|i| i.time);
        let until = toast.danger.is_none().then_some(now + STAYS_SECS);
        self.next += 1;
        self.shown.push(Shown { toast, until, key: self.next });
        if self.shown.len() > MAX_SHOWN {
            self.shown.remove(0);
        }
        ctx.request_repaint();
    }

    /// Draws them; says which action was asked for.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme) -> Option<ToastAction> {
        let now = ctx.input(|i| i.time);
        self.shown.retain(|s| s.until.is_none_or(|u| u > now));
        let screen = ctx.content_rect();
        let mut bottom = screen.bottom() - size::STATUS_BAR - 12.0;
        let mut asked = None;
        let mut gone = None;
        for shown in self.shown.iter().rev() {
            if let Some(until) = shown.until {
                ctx.request_repaint_after(std::time::Duration::from_secs_f64((until - now).max(0.05)));
            }
            let corner = egui::pos2(screen.right() - 16.0, bottom);
            let area = Area::new(Id::unique(("toast", shown.key)))
                .order(Order::Foreground)
                .pivot(egui::Align2::RIGHT_BOTTOM)
                .fixed_pos(corner)
                .show(ctx, |ui| one(ui, theme, &shown.toast));
            bottom = area.response.rect.top() - 8.0;
            match area.inner {
                Clicked::Nothing => {}
                Clicked::Close => gone = Some(shown.key),
                Clicked::Action => {
                    gone = Some(shown.key);
                    asked = shown.toast.action.as_ref().map(|(_, action)| action.clone());
                }
            }
        }
        self.shown.retain(|s| Some(s.key) != gone);
        asked
    }
}

enum Clicked {
    Nothing,
    Close,
    Action,
}

fn one(ui: &mut Ui, theme: &Theme, toast: &Toast) -> Clicked {
    let t = &theme.tokens;
    let mut clicked = Clicked::Nothing;
    widgets::popover_frame(ui).inner_margin(Margin::symmetric(14, 10)).show(ui, |ui| {
        ui.set_width(WIDTH - 28.0);
        if let Some(failure) = &toast.danger {
            ui.horizontal_top(|ui| {
                ui.vertical(|ui| {
                    ui.set_width(WIDTH - 28.0 - 32.0);
                    widgets::failed_line(ui, failure, None);
                });
                if widgets::icon_button(ui, icons::X, theme.t("shell.dismiss")).clicked() {
                    clicked = Clicked::Close;
                }
            });
            return;
        }
        ui.horizontal(|ui| {
            ui.label(RichText::new(toast.icon).font(theme::icon_font(size::ICON, false)).color(t.text_2));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if let Some((text, _)) = &toast.action {
                    let words = theme.language.render(text);
                    if widgets::link(ui, words).clicked() {
                        clicked = Clicked::Action;
                    }
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let words = theme.language.render(&toast.text);
                    ui.allocate_ui(vec2(ui.available_width(), 20.0), |ui| {
                        ui.add(Label::new(Type::Body.text(words, t.text_1)).wrap());
                    });
                });
            });
        });
    });
    clicked
}
