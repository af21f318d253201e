//! Running a prompt over its table: by which model and how, how far it is, what is left to write, and which runs are
//! shown beside each other.

use super::PromptsPane;
use crate::model::{Job, JobKind, Table};
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::units;
use crate::widgets::{self, Button, MenuItem, NumberField, Select, icon_button};
use egui::{Frame, Margin, Ui};
use glassworks_protocol::generate::{SamplingPreset, SamplingSpec};
use glassworks_protocol::ids::PromptRunId;
use glassworks_protocol::prompts::{
    PromptEdit, PromptJob, PromptQuery, PromptRecord, PromptResult, PromptRun, RunPromptSpec, SheetRow,
    Values, Variable,
};
use glassworks_protocol::{Edit, JobSpec, Query};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How a run writes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manner {
    /// `None`: as in the playground.
    preset: Option<SamplingPreset>,
    max_new_tokens: u32,
}

impl Default for Manner {
    fn default() -> Self {
        Self { preset: Some(SamplingPreset::Steady), max_new_tokens: 128 }
    }
}

impl Manner {
    fn spec(self, cx: &PaneCx) -> SamplingSpec {
        let base = self.preset.map_or_else(|| cx.settings().sampling.clone(), SamplingPreset::spec);
        SamplingSpec { max_new_tokens: self.max_new_tokens, ..base }
    }
}

impl PromptsPane {
    pub(super) fn table_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<PromptRecord>) {
        let Some(table) = self.table(cx, record) else {
            widgets::working(ui, &cx.t("prompts.reading_table"), None);
            return;
        };
        let margin = Margin { left: 16, right: 8, top: 0, bottom: 8 };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 6.0;
            self.run_bar(ui, cx, record, &table);
            self.progress(ui, cx, record);
            self.shown_bar(ui, cx, &table);
            self.table_grid(ui, cx, record, &table);
            self.table_foot(ui, cx, record);
        });
    }

    /// What is known of the table; asks for it, and takes its inputs up.
    fn table(&mut self, cx: &mut PaneCx, record: &PromptRecord) -> Option<Table> {
        if !cx.model.prompts.asked_table(record.id) {
            cx.fetch(Query::Prompt(PromptQuery::Table(record.id)));
        }
        let table = cx.model.prompts.table(record.id)?.clone();
        if self.sheet.sheet.is_none() {
            self.sheet.sheet = Some((*table.sheet).clone());
            if table.sheet.rows.is_empty() {
                // Somewhere to write.
                self.add_rows(cx, vec![Values::new()]);
                self.sheet.unsaved_since_ms = None;
            }
        }
        let there = |run: &PromptRunId| table.runs.iter().any(|one| one.id == *run);
        if let Some(run) = self.awaited.filter(there) {
            // What was looked at stays in sight beside the new one.
            self.awaited = None;
            self.sheet.shown = [Some(run), self.sheet.shown[0]];
        }
        self.sheet.shown = self.sheet.shown.map(|run| run.filter(there));
        if self.sheet.shown[0].is_none() {
            self.sheet.shown[0] = table.runs.first().map(|run| run.id);
        }
        if self.sheet.shown[1] == self.sheet.shown[0] {
            self.sheet.shown[1] = None;
        }
        Some(table)
    }

    fn run_bar(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord, table: &Table) {
        let writer = cx.model.writer(self.writer);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            ui.scope(|ui| {
                ui.set_max_width(220.0);
                self.writer_menu(ui, cx, writer.as_ref());
            });
            let options = [
                (Some(SamplingPreset::Steady), cx.t("playground.steady")),
                (Some(SamplingPreset::Balanced), cx.t("playground.balanced")),
                (Some(SamplingPreset::Playful), cx.t("playground.playful")),
                (None, cx.t("prompts.as_in_playground")),
            ];
            Select::new(&cx.t("prompts.sampling")).show(ui, &mut self.manner.preset, &options);
            let name = cx.t("prompts.longest");
            widgets::label(ui, &name);
            NumberField::new(&name, 1.0..=4096.0).width(64.0).show_u32(ui, &mut self.manner.max_new_tokens);
            let todo = self.todo(cx, record, table);
            let off = self.off(cx).or_else(|| todo.is_empty().then(|| cx.t("prompts.all_written")));
            let words = match todo.len() {
                1 => cx.t("prompts.write_one"),
                n => cx.tf("prompts.write_n", &[("n", &units::grouped(n as u64))]),
            };
            if Button::accent(words).filled_icon(icons::PLAY).off(off).show(ui).clicked() {
                self.write_rows(cx, record, todo, false);
            }
            self.run_menu(ui, cx, record, table);
        });
    }

    fn run_menu(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord, table: &Table) {
        let button = icon_button(ui, icons::DOTS_THREE, cx.t("prompts.run_menu"));
        let all = self.filled_rows();
        let failed: Vec<u64> = match self.sheet.shown[0] {
            Some(run) => {
                let of = |row: &u64| table.result(run, *row).is_some_and(|one| one.failure.is_some());
                all.iter().copied().filter(of).collect()
            }
            None => Vec::new(),
        };
        let off = self.off(cx);
        let none = (table.runs.is_empty()).then(|| cx.t("prompts.no_runs"));
        let mut asked = None;
        widgets::menu(&button, 220.0, |ui| {
            let item = |key: &str, icon: &'static str| MenuItem::new(cx.t(key)).icon(icon);
            if item("prompts.write_all", icons::PLAY).off(off.clone()).show(ui).clicked() {
                asked = Some(0);
            }
            let no_failed = failed.is_empty().then(|| cx.t("prompts.none_failed"));
            let again = item("prompts.write_failed", icons::ARROWS_CLOCKWISE);
            if again.off(off.clone().or(no_failed)).show(ui).clicked() {
                asked = Some(1);
            }
            if item("prompts.export_table", icons::EXPORT).off(none.clone()).show(ui).clicked() {
                asked = Some(2);
            }
            if item("prompts.remove_run", icons::TRASH).off(none.clone()).show(ui).clicked() {
                asked = Some(3);
            }
        });
        match asked {
            Some(0) => self.write_rows(cx, record, all, true),
            Some(1) => self.write_rows(cx, record, failed, false),
            Some(2) => {
                let runs = self.sheet.shown.iter().flatten().copied().collect();
                self.save_sheet(cx, true);
                self.transfer.ask_export_results(record.id, runs, &record.name);
            }
            Some(_) => {
                if let Some(run) = self.sheet.shown[0].take() {
                    cx.edit(Edit::Prompt(PromptEdit::RemoveRun(run)));
                }
            }
            None => {}
        }
    }

    /// Why nothing can be written now.
    pub(super) fn off(&self, cx: &PaneCx) -> Option<String> {
        let key = match () {
            () if cx.model.writer(self.writer).is_none() => "prompts.no_model",
            () if self.running(cx).is_some() => "prompts.being_written",
            () if self.filled_rows().is_empty() => "prompts.no_filled_rows",
            () => return None,
        };
        Some(cx.t(key))
    }

    /// The job that writes for this prompt.
    fn running(&self, cx: &PaneCx) -> Option<Arc<Job>> {
        let prompt = self.editing.as_ref()?.id;
        cx.model
            .prompts
            .jobs()
            .filter(|(_, running)| running.prompt == prompt)
            .find_map(|(job, _)| cx.model.jobs.get(job).filter(|job| job.outcome.is_none()).cloned())
    }

    fn progress(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord) {
        if let Some(job) = self.running(cx) {
            let title = cx.render(&job.title);
            let name = cx.t("prompts.stop");
            let stop = (!job.stopping).then_some(name.as_str());
            if widgets::job_row(ui, &title, job.progress.as_ref(), stop) {
                cx.cancel(job.id);
            }
            return;
        }
        // Why the newest one did not come to its end.
        let newest = cx.model.jobs.newest(JobKind::RunPrompt).cloned();
        let ours = newest.filter(|job| {
            cx.model.prompts.jobs().any(|(id, running)| id == job.id && running.prompt == record.id)
        });
        if let Some(failure) = ours.as_ref().and_then(|job| job.failure())
            && self.put_aside != ours.as_ref().map(|job| job.id)
            && widgets::failed_line(ui, failure, Some(Button::control(cx.t("prompts.put_aside"))))
        {
            self.put_aside = ours.map(|job| job.id);
        }
    }

    /// Which runs are shown, where there are several.
    fn shown_bar(&mut self, ui: &mut Ui, cx: &PaneCx, table: &Table) {
        if table.runs.len() < 2 {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            let options: Vec<(Option<PromptRunId>, String)> =
                table.runs.iter().map(|run| (Some(run.id), run_words(cx, run))).collect();
            let name = cx.t("prompts.shown_run");
            Select::new(&name).width(240.0).show(ui, &mut self.sheet.shown[0], &options);
            let mut others = vec![(None, cx.t("prompts.nothing_beside"))];
            others.extend(options.into_iter().filter(|(run, _)| *run != self.sheet.shown[0]));
            let name = cx.t("prompts.beside_run");
            Select::new(&name).width(240.0).show(ui, &mut self.sheet.shown[1], &others);
        });
    }

    /// Rows in which something stands.
    fn filled_rows(&self) -> Vec<u64> {
        let rows = self.sheet.sheet.iter().flat_map(|sheet| &sheet.rows);
        let said = |row: &&SheetRow| row.values.values().any(|value| !value.trim().is_empty());
        rows.filter(said).map(|row| row.id).collect()
    }

    /// Rows that wait for a reply of the version, model and manner that are chosen: new ones, those that failed, and
    /// those whose inputs have changed.
    fn todo(&self, cx: &PaneCx, record: &PromptRecord, table: &Table) -> Vec<u64> {
        let all = self.filled_rows();
        let Some(run) = self.same_run(cx, record, table) else { return all };
        let named = self.editing.as_ref().map(|editing| editing.body.named()).unwrap_or_default();
        let rows = self.sheet.sheet.iter().flat_map(|sheet| &sheet.rows);
        let waits = |row: &&SheetRow| match table.result(run.id, row.id) {
            None => true,
            Some(result) => result.failure.is_some() || stale(row, result, &named),
        };
        rows.filter(waits).map(|row| row.id).filter(|id| all.contains(id)).collect()
    }

    /// The newest run that was asked for the same.
    fn same_run<'a>(
        &self,
        cx: &PaneCx,
        record: &PromptRecord,
        table: &'a Table,
    ) -> Option<&'a Arc<PromptRun>> {
        if self.is_changed(record) {
            return None;
        }
        let spec = self.spec(cx, record, PromptRunId::mint())?;
        table.runs.iter().find(|run| RunPromptSpec { run: spec.run, ..run.spec.clone() } == spec)
    }

    fn spec(&self, cx: &PaneCx, record: &PromptRecord, run: PromptRunId) -> Option<RunPromptSpec> {
        let writer = cx.model.writer(self.writer)?.pick();
        let (model, tuned) = cx.model.source_of(writer)?;
        // What has just been written becomes the next version before it is run.
        let version = if self.is_changed(record) { record.n_versions + 1 } else { record.version };
        Some(RunPromptSpec {
            run,
            prompt: record.id,
            version,
            model,
            tuned,
            sampling: self.manner.spec(cx),
            precision: cx.settings().precision,
        })
    }

    /// Writes these rows, in the run that was asked for the same if there is one and no other is wanted.
    pub(super) fn write_rows(&mut self, cx: &mut PaneCx, record: &PromptRecord, rows: Vec<u64>, anew: bool) {
        let known = cx.model.prompts.table(record.id).cloned().unwrap_or_default();
        let run = self.same_run(cx, record, &known).filter(|_| !anew).map(|run| run.id);
        let Some(spec) = self.spec(cx, record, run.unwrap_or_else(PromptRunId::mint)) else { return };
        self.save_version(cx, String::new());
        self.save_sheet(cx, true);
        match run {
            Some(run) => self.sheet.shown[0] = Some(run),
            None => self.awaited = Some(spec.run),
        }
        cx.start(JobSpec::Prompt(PromptJob::Run { spec: Box::new(spec), rows: Some(rows) }));
    }
}

/// Whether a reply was written for other inputs than the row has now.
pub fn stale(row: &SheetRow, result: &PromptResult, named: &[Variable]) -> bool {
    let said = |values: &Values, name: &str| {
        values.get(name).map(|value| value.trim().to_owned()).unwrap_or_default()
    };
    named.iter().any(|one| said(&row.values, &one.name) != said(&result.values, &one.name))
}

/// `v2 · SmolLM2`
pub fn run_title(cx: &PaneCx, table: &Table, run: PromptRunId) -> String {
    match table.runs.iter().find(|one| one.id == run) {
        Some(run) => format!("v{} · {}", run.spec.version, run.model_name),
        None => cx.t("prompts.reply"),
    }
}

/// The same with sampling and time.
fn run_words(cx: &PaneCx, run: &PromptRun) -> String {
    let at = units::clock(run.created_at_ms, cx.utc_offset_secs);
    let manner = match SamplingPreset::of(&run.spec.sampling) {
        Some(SamplingPreset::Steady) => cx.t("playground.steady"),
        Some(SamplingPreset::Balanced) => cx.t("playground.balanced"),
        Some(SamplingPreset::Playful) => cx.t("playground.playful"),
        None => format!("T {:.2}", run.spec.sampling.temperature),
    };
    format!("v{} · {} · {manner} · {at}", run.spec.version, run.model_name)
}
