//! Rows out to a file or folder: as what, which, where to. Bad rows, as they are.

use super::{DatasetsPane, list};
use crate::action::{Toast, ToastAction};
use crate::host::{FileKind, FileRequest, PickId};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, Field, Select};
use egui::{Context, Key, Ui};
use glassworks_protocol::datasets::export::{ExportFormat, ExportSpec};
use glassworks_protocol::datasets::{DatasetJob, DatasetOutput, DatasetRecord};
use glassworks_protocol::ids::{DatasetId, JobId};
use glassworks_protocol::text::Text;
use glassworks_protocol::{JobOutput, JobSpec, Outcome};
use std::path::PathBuf;
use std::sync::Arc;

/// Which rows go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Which {
    #[default]
    All,
    Shown,
    Selected,
}

#[derive(Default)]
pub struct ExportState {
    asking: Option<Asking>,
    format: Option<ExportFormat>,
    which: Which,
    path: String,
    replace: bool,
    picking: Option<PickId>,
    job: Option<JobId>,
    want_focus: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Asking {
    dataset: DatasetId,
    name: String,
    /// The rows that could not be read.
    bad: bool,
}

impl ExportState {
    pub fn ask(&mut self, record: &DatasetRecord) {
        self.ask_of(record, false);
    }

    pub fn ask_bad(&mut self, record: &DatasetRecord) {
        self.ask_of(record, true);
    }

    fn ask_of(&mut self, record: &DatasetRecord, bad: bool) {
        let asking = Asking { dataset: record.id, name: file_name(&record.name), bad };
        *self = Self { asking: Some(asking), format: self.format, want_focus: true, ..Self::default() };
    }
}

/// A name that every file system takes.
fn file_name(title: &str) -> String {
    let allowed = |c: char| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_') { c } else { ' ' };
    let name: String = title.chars().map(allowed).take(60).collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() { "dataset".to_owned() } else { name }
}

fn format_word(cx: &PaneCx, format: ExportFormat) -> String {
    cx.t(match format {
        ExportFormat::Jsonl => "datasets.export_jsonl",
        ExportFormat::Csv => "datasets.export_csv",
        ExportFormat::Parquet => "datasets.export_parquet",
        ExportFormat::Folder => "datasets.export_folder",
    })
}

impl DatasetsPane {
    pub(super) fn export_ui(&mut self, ctx: &Context, cx: &mut PaneCx) {
        if let Some(path) = cx.picked(&mut self.export.picking) {
            self.export_to(cx, path, true);
        }
        self.export_ended(cx);
        let Some(asking) = self.export.asking.clone() else { return };
        let title = match asking.bad {
            true => cx.t("datasets.export_bad_title"),
            false => cx.tf("datasets.export_title", &[("name", &asking.name)]),
        };
        let theme = Arc::clone(&cx.theme);
        let mut done = false;
        let close = widgets::dialog(ctx, &theme, "export dataset", &title, 500.0, |ui| {
            done = self.export_body(ui, cx, &asking);
        });
        if close || done {
            self.export.asking = None;
        }
    }

    /// Says whether the dialog is to be closed.
    fn export_body(&mut self, ui: &mut Ui, cx: &mut PaneCx, asking: &Asking) -> bool {
        let format = self.export.format.unwrap_or(ExportFormat::Jsonl);
        if asking.bad {
            ui.label(Type::Body.text(cx.t("datasets.export_bad_sentence"), cx.theme.tokens.text_2));
        } else {
            let mut chosen = format;
            let formats = ExportFormat::ALL.map(|format| (format, format_word(cx, format)));
            let name = cx.t("datasets.option_format");
            if widgets::segments(ui, &name, &mut chosen, &formats, None).changed() {
                self.export.format = Some(chosen);
            }
            let hint = match chosen {
                ExportFormat::Jsonl => "datasets.export_jsonl_hint",
                ExportFormat::Csv => "datasets.export_csv_hint",
                ExportFormat::Parquet => "datasets.export_parquet_hint",
                ExportFormat::Folder => "datasets.export_folder_hint",
            };
            widgets::hint(ui, cx.t(hint));
            self.which_ui(ui, cx, asking);
        }
        ui.horizontal(|ui| {
            let choose = Button::control(cx.t("datasets.choose_place")).icon(icons::FOLDER_OPEN);
            if choose.show(ui).clicked() {
                self.pick_place(cx, asking);
            }
            let label = cx.t("datasets.typed_path");
            let field = Field::new(&label).mono().width(ui.available_width()).placeholder(&label);
            let response = field.show(ui, &mut self.export.path);
            if std::mem::take(&mut self.export.want_focus) {
                response.request_focus();
            }
            let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            if let Some(path) = cx.typed_path(&self.export.path).filter(|_| entered) {
                self.export_to(cx, path, self.export.replace);
            }
        });
        ui.horizontal(|ui| {
            let words = cx.t("datasets.export_replace");
            widgets::toggle(ui, &words, &mut self.export.replace);
            widgets::label(ui, &words);
        });
        self.export_foot(ui, cx)
    }

    fn export_foot(&mut self, ui: &mut Ui, cx: &mut PaneCx) -> bool {
        let job = self.export.job.and_then(|id| cx.model.jobs.get(id)).cloned();
        let running = job.as_ref().is_some_and(|job| job.outcome.is_none());
        if let Some(failure) = job.as_ref().and_then(|job| job.failure()) {
            widgets::failed_line(ui, failure, None);
        }
        if let Some(progress) = job.as_ref().filter(|_| running).and_then(|job| job.progress.as_ref()) {
            widgets::progress_line(ui, progress);
        }
        let mut cancel = false;
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let typed = cx.typed_path(&self.export.path);
            let off = if running {
                Some(cx.t("datasets.export_running"))
            } else {
                typed.is_none().then(|| cx.t("datasets.no_place"))
            };
            let pressed = Button::accent(cx.t("datasets.export_go")).off(off).show(ui).clicked();
            if let Some(path) = typed.filter(|_| pressed) {
                self.export_to(cx, path, self.export.replace);
            }
            let key = if running { "shell.stop" } else { "shell.cancel" };
            cancel = Button::quiet(cx.t(key)).show(ui).clicked();
            if let Some(job) = self.export.job.filter(|_| cancel && running) {
                cx.cancel(job);
            }
        });
        cancel
    }

    /// All, those that pass the filters, or those that are selected.
    fn which_ui(&mut self, ui: &mut Ui, cx: &PaneCx, asking: &Asking) {
        let all = cx.model.datasets.get(asking.dataset).map_or(0, |record| record.n_rows);
        let mut options =
            vec![(Which::All, cx.tf("datasets.export_all", &[("rows", &list::n_rows(cx, all))]))];
        let shown = self.view.rows.len() as u64;
        if !self.view.filters.is_empty() || self.view.sort.is_some() {
            let words = cx.tf("datasets.export_shown", &[("rows", &list::n_rows(cx, shown))]);
            options.push((Which::Shown, words));
        }
        let selected = self.selection.len() as u64;
        if selected > 1 {
            let words = cx.tf("datasets.export_selected", &[("rows", &list::n_rows(cx, selected))]);
            options.push((Which::Selected, words));
        }
        if options.iter().all(|(which, _)| *which != self.export.which) {
            self.export.which = Which::All;
        }
        let name = cx.t("datasets.export_which");
        Select::new(&name).width(ui.available_width()).show(ui, &mut self.export.which, &options);
    }

    fn pick_place(&mut self, cx: &mut PaneCx, asking: &Asking) {
        let format = self.export.format.unwrap_or(ExportFormat::Jsonl);
        let ending = if asking.bad { Some("txt") } else { format.ending() };
        let suggested = match ending {
            Some(ending) => format!("{}.{ending}", asking.name),
            None => asking.name.clone(),
        };
        let filter = ending.map(|ending| (cx.t("shell.pane_datasets"), vec![ending.to_owned()]));
        let title = cx.tf("datasets.export_title", &[("name", &asking.name)]);
        let kind = FileKind::Save;
        self.export.picking = Some(cx.pick(FileRequest { kind, title, suggested, filter }));
    }

    /// `replace`: a dialog of the system has asked, or the switch is on.
    fn export_to(&mut self, cx: &mut PaneCx, path: PathBuf, replace: bool) {
        let Some(asking) = self.export.asking.clone() else { return };
        let format = self.export.format.unwrap_or(ExportFormat::Jsonl);
        let ending = if asking.bad { Some("txt") } else { format.ending() };
        let to = match ending {
            Some(ending) if path.extension().is_none() => path.with_extension(ending),
            _ => path,
        };
        let dataset = asking.dataset;
        let job = if asking.bad {
            DatasetJob::ExportBad { dataset, to, replace }
        } else {
            let rows = match self.export.which {
                Which::All => None,
                Which::Shown => Some(Arc::clone(&self.view.rows)),
                Which::Selected => Some(Arc::new(self.selected_rows())),
            };
            DatasetJob::Export(ExportSpec { dataset, rows, format, to, replace })
        };
        self.export.job = Some(cx.start(JobSpec::Dataset(job)));
    }

    fn export_ended(&mut self, cx: &mut PaneCx) {
        let Some(job) = self.export.job.and_then(|id| cx.model.jobs.get(id)).cloned() else { return };
        match &job.outcome {
            Some(Outcome::Done(JobOutput::Dataset(DatasetOutput::Exported(report)))) => {
                let rows = list::n_rows(cx, report.n_rows);
                let name = report.to.file_name().unwrap_or(report.to.as_os_str()).to_string_lossy();
                let text = Text::new("datasets.exported").arg("rows", rows).arg("name", name);
                let show = ToastAction::Reveal(report.to.clone());
                cx.toast(Toast::new(text).icon(icons::CHECK).action(Text::new("datasets.show_file"), show));
                self.export.asking = None;
            }
            Some(Outcome::Failed(failure)) if self.export.asking.is_none() => {
                cx.toast(Toast::failed(failure.clone()));
            }
            // What failed is told in the dialog.
            Some(Outcome::Failed(_)) | None => return,
            Some(Outcome::Done(_) | Outcome::Cancelled) => {}
        }
        self.export.job = None;
    }
}
