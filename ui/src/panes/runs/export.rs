//! A run as a file: a picture of its losses, or a table of everything that was measured.

use super::RunsPane;
use crate::action::Action;
use crate::host::{FileKind, FileRequest, PickId, RunExport};
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::{self, Button, Field, icon_button_off, segments};
use egui::Ui;
use glassworks_protocol::Query;
use glassworks_protocol::ids::RunId;
use glassworks_protocol::train::{Look, RunRecord};
use std::path::{Path, PathBuf};

/// Rows in a report.
const WORST: u32 = 20;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    #[default]
    Png,
    Svg,
    Csv,
    /// The run's report, a page.
    Html,
}

#[derive(Default)]
pub struct ExportState {
    format: Format,
    path: String,
    picking: Option<PickId>,
    /// The run that the dialog is open for.
    run: Option<RunId>,
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
            Self::Csv => "csv",
            Self::Html => "html",
        }
    }
}

impl RunsPane {
    pub(super) fn export_button(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord) {
        let nothing = cx.model.runs.curves(run.id).is_none_or(|curves| curves.is_empty());
        let why = nothing.then(|| cx.t("runs.nothing_measured"));
        let button = icon_button_off(ui, icons::EXPORT, cx.t("runs.export"), why);
        if nothing {
            return;
        }
        let go = widgets::popover(&button, 320.0, |ui| self.export_form(ui, cx, run));
        if let Some(Some(path)) = go {
            self.export_to(cx, run.id, &path, false);
            egui::Popup::close_all(ui.ctx());
        }
    }

    /// The path that was typed, once it is to be written.
    fn export_form(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord) -> Option<PathBuf> {
        ui.spacing_mut().item_spacing.y = 8.0;
        let export = &mut self.export;
        let mut options =
            [Format::Png, Format::Svg, Format::Csv].map(|f| (f, f.ending().to_uppercase())).to_vec();
        options.push((Format::Html, cx.t("runs.report")));
        let was = export.format;
        segments(ui, &cx.t("runs.format"), &mut export.format, &options, None);
        if export.format == Format::Html && was != Format::Html {
            cx.fetch(Query::LogTail);
        }
        if export.format == Format::Html && cx.model.looks.wants_worst(run.id, Look::Last, WORST) {
            cx.fetch(Query::WorstRows { run: run.id, look: Look::Last, n: WORST });
        }
        widgets::hint(
            ui,
            cx.t(match export.format {
                Format::Csv => "runs.table_hint",
                Format::Html => "runs.report_hint",
                Format::Png | Format::Svg => "runs.picture_hint",
            }),
        );
        if Button::control(cx.t("runs.choose_file")).icon(icons::FOLDER_OPEN).show(ui).clicked() {
            let ending = export.format.ending();
            export.run = Some(run.id);
            export.picking = Some(cx.pick(FileRequest {
                kind: FileKind::Save,
                title: cx.t("runs.export"),
                suggested: format!("{}.{ending}", file_name(&run.name)),
                filter: Some((ending.to_uppercase(), vec![ending.to_owned()])),
            }));
        }
        let name = cx.t("runs.typed_path");
        let response = Field::new(&name).mono().placeholder(&name).width(296.0).show(ui, &mut export.path);
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let typed = cx.typed_path(&export.path);
        let none = typed.is_none().then(|| cx.t("runs.no_path"));
        let pressed = Button::control(cx.t("runs.export_here")).off(none).show(ui).clicked();
        typed.filter(|_| entered || pressed)
    }

    /// Takes the file dialog's answer.
    pub(super) fn picked_export(&mut self, cx: &mut PaneCx) {
        if let Some(path) = cx.picked(&mut self.export.picking)
            && let Some(run) = self.export.run.take()
        {
            self.export_to(cx, run, &path, true);
        }
    }

    /// `replace` says whether a dialog has asked about a file that is there.
    fn export_to(&self, cx: &mut PaneCx, run: RunId, path: &Path, replace: bool) {
        let runs = &cx.model.runs;
        let (Some(record), Some(curves)) = (runs.get(run), runs.curves(run)) else { return };
        let known = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        let path = match known.as_deref() {
            Some("png" | "svg" | "csv" | "html") => path.to_path_buf(),
            // Appended: a dot in the name is no ending.
            _ => PathBuf::from(format!("{}.{}", path.display(), self.export.format.ending())),
        };
        let (run, points) = (std::sync::Arc::clone(record), curves.points());
        let checkpoints = runs.checkpoints(run.id).to_vec();
        let looks = &cx.model.looks;
        let steps = looks.steps(run.id);
        let samples = steps.into_iter().flat_map(|step| looks.samples(run.id, step)).cloned().collect();
        let worst = looks.worst(run.id, Look::Last).cloned();
        let log = cx.model.log_tail.clone().unwrap_or_default();
        let language = cx.language;
        let export = RunExport { run, points, checkpoints, samples, worst, log, path, replace, language };
        cx.push(Action::ExportRun(export));
    }
}

/// A name that every file system takes.
fn file_name(name: &str) -> String {
    let allowed = |c: char| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_') { c } else { ' ' };
    let name: String = name.chars().map(allowed).collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() { "run".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_safe() {
        assert_eq!(file_name("SmolLM2 · tutor/r16"), "SmolLM2 tutor r16");
        assert_eq!(file_name("古诗 r16"), "古诗 r16");
        assert_eq!(file_name("…"), "run");
    }
}
