//! Searching and replacing in texts: a dialog that shows at every key what would change.

use super::Scope;
use super::carry_out::CarryOut;
use super::outcome::{self, Preview};
use super::parts;
use super::trial::{Answer, Question, Trial};
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::units;
use crate::widgets::{self, Button, Field, Select, segments, toggle};
use egui::{Context, Id, Key, Modifiers, ScrollArea, Ui};
use glassworks_protocol::Failure;
use glassworks_protocol::datasets::transform::{ReplaceSpec, Transform};
use glassworks_protocol::ids::DatasetId;
use std::sync::Arc;

const WIDTH: f32 = 680.0;
const FIELD: f32 = 300.0;
const MOST_HIGH: f32 = 320.0;

#[derive(Default)]
pub struct Replace {
    open: bool,
    /// Whose rows.
    dataset: Option<DatasetId>,
    want_focus: bool,
    spec: Option<ReplaceSpec>,
    filtered: bool,
    trial: Trial,
    carry_out: CarryOut,
}

impl Replace {
    /// Opens it; what was looked for before still stands there. `filtered`: in the rows that are shown.
    pub fn open(&mut self, dataset: DatasetId, filtered: bool) {
        if self.dataset != Some(dataset)
            && let Some(spec) = &mut self.spec
        {
            spec.column = None;
        }
        self.dataset = Some(dataset);
        self.open = true;
        self.filtered = filtered;
        self.want_focus = true;
    }

    /// The dialog, if it is open, and what goes on after it has been closed.
    pub fn ui(&mut self, ctx: &Context, cx: &mut PaneCx, scope: Scope) {
        if self.carry_out.tend(cx).is_some() {
            self.close(cx);
        }
        if !self.open || self.dataset != Some(scope.record.id) {
            self.open = false;
            return;
        }
        let theme = Arc::clone(&cx.theme);
        let title = cx.t("datasets.replace_title");
        let mut done = false;
        let close = widgets::dialog(ctx, &theme, "replace", &title, WIDTH, |ui| {
            done = self.inside(ui, cx, scope);
        });
        if close || done {
            self.close(cx);
        }
    }

    fn close(&mut self, cx: &mut PaneCx) {
        self.open = false;
        self.trial.forget(cx);
    }

    /// Says whether it was cancelled.
    fn inside(&mut self, ui: &mut Ui, cx: &mut PaneCx, scope: Scope) -> bool {
        let wanted = self.wanted(scope);
        self.trial.tend(ui, cx, wanted.as_ref(), true);
        let failure = match self.trial.answer(cx, wanted.as_ref()) {
            Answer::Failed(failure) => Some(failure.clone()),
            _ => self.carry_out.failure(wanted.as_ref()).cloned(),
        };
        self.form(ui, cx, scope, failure.as_ref());
        ui.add_space(4.0);
        widgets::divider(ui);
        let hint = cx.t("datasets.replace_hint");
        let told_elsewhere = failure.is_some();
        let (trial, wanted_now) = (&self.trial, wanted.as_ref());
        let preview = Preview { trial, wanted: wanted_now, hint, told_elsewhere, with_splits: false };
        let mut stop = false;
        ScrollArea::vertical().id_salt("replaced").max_height(MOST_HIGH).auto_shrink([false, true]).show(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing.y = 8.0;
                ui.set_width(ui.available_width());
                stop = outcome::preview(ui, cx, &preview);
            },
        );
        if stop {
            self.trial.stop(cx);
        }
        ui.add_space(4.0);
        self.buttons(ui, cx, wanted)
    }

    fn spec(&mut self) -> &mut ReplaceSpec {
        self.spec.get_or_insert_with(|| ReplaceSpec {
            find: String::new(),
            with: String::new(),
            is_pattern: false,
            case_sensitive: true,
            column: None,
        })
    }

    fn form(&mut self, ui: &mut Ui, cx: &PaneCx, scope: Scope, failure: Option<&Failure>) {
        let find = Id::unique(("replace find", cx.slot));
        let wrong = failure.map(|failure| cx.render(&failure.summary));
        let bad = wrong.is_some();
        let is_pattern = self.spec().is_pattern;
        let name = cx.t("datasets.replace_find");
        let (hint, with_hint) = match is_pattern {
            true => (cx.t("datasets.replace_pattern_hint"), cx.t("datasets.replace_groups_hint")),
            false => (String::new(), String::new()),
        };
        parts::row_with(ui, &name, &hint, wrong, |ui| {
            let field = Field::new(&name).width(FIELD).problem(bad).id(find);
            let field = if is_pattern { field.mono() } else { field };
            let response = field.show(ui, &mut self.spec().find);
            if std::mem::take(&mut self.want_focus) {
                response.request_focus();
            }
        });
        let name = cx.t("datasets.replace_with");
        parts::row_with(ui, &name, &with_hint, None, |ui| {
            let field = Field::new(&name).width(FIELD);
            let field = if is_pattern { field.mono() } else { field };
            field.show(ui, &mut self.spec().with);
        });
        self.choices(ui, cx, scope);
    }

    fn choices(&mut self, ui: &mut Ui, cx: &PaneCx, scope: Scope) {
        let name = cx.t("datasets.replace_column");
        widgets::form_row(ui, &name, "", |ui| {
            let mut options = vec![(None, cx.t("datasets.replace_any_column"))];
            let columns = scope.record.columns.iter().map(|column| column.name.clone());
            options.extend(columns.map(|column| (Some(column.clone()), column)));
            Select::new(&name).width(200.0).show(ui, &mut self.spec().column, &options);
            ui.add_space(12.0);
            for (key, is_case) in [("datasets.replace_case", true), ("datasets.replace_regex", false)] {
                let name = cx.t(key);
                let spec = self.spec();
                toggle(ui, &name, if is_case { &mut spec.case_sensitive } else { &mut spec.is_pattern });
                widgets::label(ui, &name);
                ui.add_space(8.0);
            }
        });
        let Some(rows) = scope.filtered else {
            self.filtered = false;
            return;
        };
        let name = cx.t("datasets.prepare_which");
        widgets::form_row(ui, &name, "", |ui| {
            let all = units::grouped(scope.record.n_rows);
            let shown = units::grouped(rows.len() as u64);
            let options = [
                (false, cx.tf("datasets.prepare_all_rows", &[("n", &all)])),
                (true, cx.tf("datasets.prepare_filtered", &[("n", &shown)])),
            ];
            segments(ui, &name, &mut self.filtered, &options, None);
        });
    }

    /// `None` while nothing is looked for.
    fn wanted(&mut self, scope: Scope) -> Option<Question> {
        let spec = self.spec().clone();
        let rows = scope.filtered.filter(|_| self.filtered).cloned();
        (!spec.find.is_empty()).then(|| Question::new(scope.record, Transform::Replace(spec), rows))
    }

    fn buttons(&mut self, ui: &mut Ui, cx: &mut PaneCx, wanted: Option<Question>) -> bool {
        let answer = self.trial.answer(cx, wanted.as_ref());
        let known = match &answer {
            Answer::Known(told) => Some(told.report.n_changed),
            _ => None,
        };
        let working = self.carry_out.working(cx);
        let why = match known {
            _ if working.is_some() => Some(cx.t("datasets.prepare_applying")),
            _ if wanted.is_none() => Some(cx.t("datasets.replace_hint")),
            Some(0) => Some(cx.t("datasets.prepare_would_nothing")),
            Some(_) => None,
            None => Some(cx.t("datasets.prepare_looking")),
        };
        let words = match known {
            Some(1) => cx.t("datasets.replace_one"),
            Some(n) if n > 1 => cx.tf("datasets.replace_all", &[("n", &units::grouped(n))]),
            _ => cx.t("datasets.replace_none"),
        };
        if let Some(job) = &working
            && outcome::working(ui, cx, &cx.t("datasets.prepare_applying"), job)
        {
            self.carry_out.stop(cx);
        }
        let can = why.is_none();
        let (mut apply, mut cancel) = (false, false);
        ui.horizontal(|ui| {
            apply = Button::accent(words).icon(icons::SWAP).off(why).show(ui).clicked();
            cancel = Button::control(cx.t("shell.cancel")).show(ui).clicked();
            let keys =
                crate::command::keys(ui.ctx(), &egui::KeyboardShortcut::new(Modifiers::ALT, Key::Enter));
            widgets::kbd(ui, &keys);
            widgets::hint(ui, cx.t("datasets.replace_keys"));
        });
        apply |= can && ui.input_mut(|i| i.consume_key(Modifiers::ALT, Key::Enter));
        if let Some(wanted) = wanted.filter(|_| apply) {
            self.carry_out.start(cx, wanted);
        }
        cancel
    }
}
