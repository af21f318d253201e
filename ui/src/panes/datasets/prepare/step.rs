//! One step: its heading with values in a line, unfolded its form, what it would do, and the buttons.

use super::draft::{Step, Wrong};
use super::outcome::{self, Preview};
use super::trial::{Answer, Question};
use super::{Prepare, SMALL_ROWS, Scope, augment, balance, clean, privacy, split, write};
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icon_font, icons, size};
use crate::widgets::{self, Button};
use egui::{Frame, Margin, Rect, Response, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::Edit;
use glassworks_protocol::datasets::DatasetEdit;

/// Form and preview stand side by side from this width on.
const SIDE_BY_SIDE: f32 = 980.0;
const PREVIEW_SHARE: f32 = 0.46;
const HEAD: f32 = 44.0;

fn icon(step: Step) -> &'static str {
    match step {
        Step::Split => icons::GIT_BRANCH,
        Step::Clean => icons::SPARKLE,
        Step::Privacy => icons::SHIELD_CHECK,
        Step::Augment => icons::SQUARES_FOUR,
        Step::Write => icons::ROBOT,
        Step::Balance => icons::SCALES,
    }
}

impl Prepare {
    pub(super) fn step_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, scope: Scope, step: Step) {
        let t = cx.theme.tokens;
        let open = self.open == Some(step);
        let frame = Frame::new()
            .fill(t.raised)
            .stroke(Stroke::new(1.0, if open { t.line_strong } else { t.line }))
            .corner_radius(size::RADIUS_TILE);
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 0.0;
            let response = self.heading(ui, cx, scope, step, open);
            if std::mem::take(&mut self.scroll) && open {
                response.scroll_to_me(Some(egui::Align::TOP));
            }
            if response.clicked() {
                self.open = if open { None } else { Some(step) };
                self.done = None;
                self.trial.forget(cx);
            } else if open {
                widgets::divider(ui);
                Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    ui.spacing_mut().item_spacing.y = 8.0;
                    self.inside(ui, cx, scope, step);
                });
            }
        });
    }

    fn heading(&self, ui: &mut Ui, cx: &PaneCx, scope: Scope, step: Step, open: bool) -> Response {
        let t = cx.theme.tokens;
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEAD), Sense::click());
        let name = cx.t(step.key());
        response.widget_info(|| WidgetInfo::selected(Role::DisclosureTriangle, ui.is_enabled(), open, &name));
        if response.hovered() {
            ui.painter().rect_filled(rect.shrink(1.0), f32::from(size::RADIUS_TILE), t.hover);
        }
        widgets::focus_ring(ui, &response, rect.shrink(4.0));
        let y = rect.center().y;
        let caret = if open { icons::CARET_DOWN } else { icons::CARET_RIGHT };
        widgets::shape_icon(ui, pos2(rect.left() + 18.0, y), caret, size::ICON_SMALL, false, t.text_3);
        let ink = if open { t.accent } else { t.text_2 };
        widgets::shape_icon(ui, pos2(rect.left() + 42.0, y), icon(step), size::ICON, false, ink);
        let words = widgets::galley(ui, &name, Type::Body.font(Weight::Semibold), t.text_1);
        let right = rect.left() + 60.0 + words.size().x;
        ui.painter().galley(pos2(rect.left() + 60.0, y - words.size().y / 2.0), words, t.text_1);
        let line = match (&self.draft, open) {
            (Some(draft), false) => draft.line(cx, step, scope.record),
            _ => cx.t(&format!("{}_hint", step.key())),
        };
        let place =
            Rect::from_min_max(pos2(right + 14.0, rect.top()), pos2(rect.right() - 16.0, rect.bottom()));
        widgets::one_line(ui, place, line, Type::Hint.font(Weight::Regular), t.text_3);
        response
    }

    fn inside(&mut self, ui: &mut Ui, cx: &mut PaneCx, scope: Scope, step: Step) {
        self.tend(ui, cx, scope, step);
        let width = ui.available_width();
        if width < SIDE_BY_SIDE {
            self.form(ui, cx, scope, step);
            widgets::divider(ui);
            self.tried(ui, cx, scope, step);
            return;
        }
        let preview = (width * PREVIEW_SHARE).floor();
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 24.0;
            for (width, is_form) in [(width - preview - 24.0, true), (preview, false)] {
                ui.vertical(|ui| {
                    ui.set_width(width);
                    ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
                    if is_form {
                        self.form(ui, cx, scope, step);
                    } else {
                        self.tried(ui, cx, scope, step);
                    }
                });
            }
        });
    }

    fn form(&mut self, ui: &mut Ui, cx: &mut PaneCx, scope: Scope, step: Step) {
        let wanted = self.wanted(cx, scope, step);
        let Some(draft) = &mut self.draft else { return };
        let before = draft.clone();
        let wrong = draft.wrong(cx, step, scope.record);
        let answer = self.trial.answer(cx, wanted.as_ref());
        let failure = match &answer {
            Answer::Failed(failure) => Some(*failure),
            _ => self.carry_out.failure(wanted.as_ref()),
        };
        let found = match &answer {
            Answer::Known(told) => told.report.n_by_kind.as_slice(),
            _ => &[],
        };
        match step {
            Step::Split => split::form(ui, cx, scope.record, &mut draft.split, wrong),
            Step::Clean => clean::form(ui, cx, &mut draft.clean, wrong, failure),
            Step::Privacy => privacy::form(ui, cx, &mut draft.privacy, wrong, found),
            Step::Augment => augment::form(ui, cx, &mut draft.augment),
            Step::Write => write::form(ui, cx, scope.record, &mut draft.write, wrong),
            Step::Balance => balance::form(ui, cx, &mut draft.balance, wrong),
        }
        if *draft != before {
            self.done = None;
        }
    }

    /// The change that stands in the form, of the rows as they are.
    fn wanted(&self, cx: &PaneCx, scope: Scope, step: Step) -> Option<Question> {
        let draft = self.draft.as_ref()?;
        if draft.wrong(cx, step, scope.record).is_some() {
            return None;
        }
        Some(Question::new(scope.record, draft.transform(cx, step)?, self.rows(scope)))
    }

    /// Asks what the form would do, where that is quickly told.
    fn tend(&mut self, ui: &Ui, cx: &mut PaneCx, scope: Scope, step: Step) {
        let wanted = self.wanted(cx, scope, step);
        let small = wanted.as_ref().is_some_and(|wanted| wanted.n_rows(scope.record) <= SMALL_ROWS);
        let by_itself =
            small && step != Step::Write && self.done.is_none() && self.carry_out.working(cx).is_none();
        self.trial.tend(ui, cx, wanted.as_ref(), by_itself);
    }

    /// Buttons, and what it would do or did.
    fn tried(&mut self, ui: &mut Ui, cx: &mut PaneCx, scope: Scope, step: Step) {
        let wanted = self.wanted(cx, scope, step);
        let wrong = self.draft.as_ref().and_then(|draft| draft.wrong(cx, step, scope.record));
        self.buttons(ui, cx, wanted.as_ref(), wrong, step);
        if let Some(job) = self.carry_out.working(cx) {
            if outcome::working(ui, cx, &cx.t("datasets.prepare_applying"), &job) {
                self.carry_out.stop(cx);
            }
            if self.carry_out.writes() {
                let keeping = job.stopping.then(|| cx.t("datasets.write_keeping"));
                let keep = Button::control(cx.t("datasets.write_keep")).icon(icons::CHECK).off(keeping);
                if keep.tooltip(cx.t("datasets.write_keep_tip")).show(ui).clicked() {
                    self.carry_out.keep(cx);
                }
            }
            return;
        }
        if let Some(failure) = self.carry_out.failure(wanted.as_ref()) {
            outcome::failed(ui, failure);
            return;
        }
        if self.done.is_some() {
            self.done_ui(ui, cx, scope);
            return;
        }
        let hint = match (wrong, step) {
            (Some(wrong), _) => cx.t(wrong.key()),
            (None, Step::Write) => cx.t("datasets.write_try_hint"),
            (None, _) => cx.t("datasets.prepare_preview_hint"),
        };
        let told_elsewhere = match self.trial.answer(cx, wanted.as_ref()) {
            Answer::Failed(failure) => self.is_of_a_pattern(failure),
            _ => false,
        };
        let with_splits = step == Step::Split;
        let preview =
            Preview { trial: &self.trial, wanted: wanted.as_ref(), hint, told_elsewhere, with_splits };
        if outcome::preview(ui, cx, &preview) {
            self.trial.stop(cx);
        }
    }

    /// Whether the failure stands beside one of the patterns of cleaning.
    fn is_of_a_pattern(&self, failure: &glassworks_protocol::Failure) -> bool {
        let Some(draft) = &self.draft else { return false };
        let patterns = [&draft.clean.drop_matching, &draft.clean.keep_matching];
        patterns.into_iter().flatten().any(|one| failure.summary.args.iter().any(|(_, said)| said == one))
    }

    fn buttons(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        wanted: Option<&Question>,
        wrong: Option<Wrong>,
        step: Step,
    ) {
        let blocked = wrong.map(|wrong| cx.t(wrong.key()));
        let blocked = match self.carry_out.working(cx) {
            Some(_) => Some(cx.t("datasets.prepare_applying")),
            None => blocked,
        };
        let why_not = blocked.clone().or_else(|| match self.trial.answer(cx, wanted) {
            _ if step == Step::Write => None,
            _ if self.done.is_some() => Some(cx.t("datasets.prepare_already")),
            Answer::Known(told) if outcome::is_something(&told.report) => None,
            Answer::Known(_) => Some(cx.t("datasets.prepare_would_nothing")),
            _ => Some(cx.t("datasets.prepare_preview_first")),
        });
        let key = if step == Step::Write { "datasets.write_try" } else { "datasets.prepare_preview" };
        let (mut look, mut apply) = (false, false);
        ui.horizontal(|ui| {
            look = Button::control(cx.t(key)).icon(icons::EYE).off(blocked).show(ui).clicked();
            apply = Button::accent(cx.t("datasets.prepare_apply"))
                .icon(icons::CHECK)
                .off(why_not)
                .show(ui)
                .clicked();
        });
        let Some(wanted) = wanted else { return };
        if look {
            self.done = None;
            self.trial.ask(cx, wanted.clone());
        }
        if apply {
            self.trial.stop(cx);
            self.done = None;
            self.carry_out.start(cx, wanted.clone());
        }
    }

    /// What was carried out, and the way back.
    fn done_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, scope: Scope) {
        let Some((_, report)) = &self.done else { return };
        let t = cx.theme.tokens;
        let mut undo = false;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 4.0);
            ui.label(RichText::new(icons::CHECK_CIRCLE).font(icon_font(size::ICON, true)).color(t.ok));
            ui.label(Type::Body.semibold(cx.render(&outcome::told(cx, report)), t.text_1));
            if outcome::is_something(report) && scope.record.undo.is_some() {
                let button = Button::quiet(cx.t("shell.undo")).icon(icons::ARROW_COUNTER_CLOCKWISE).small();
                undo = button.name(cx.t("datasets.prepare_undo")).show(ui).clicked();
            }
        });
        widgets::hint(ui, cx.tf("datasets.prepare_as_version", &[("n", &scope.record.version)]));
        if undo {
            cx.edit(Edit::Dataset(DatasetEdit::Undo(scope.record.id)));
            self.done = None;
        }
    }
}
