//! What a dataset holds and what is odd about it: the Overview tab, and the blocks of the tile at the left. Both are
//! drawn of a report; whoever shows them carries out what was asked.

mod bins;
mod findings;
mod labels;
mod lengths;
mod problems;
mod shares;
mod side;
mod stale;

pub use problems::{NEAR, Problem};
pub use shares::{PLACES, bar, legend, split_color, split_name};
pub use side::{Beside, side};

use super::prepare::Remedy;
use crate::model::Job;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons};
use crate::units;
use crate::widgets::{self, Button, segments};
use egui::{Role, Sense, Ui, WidgetInfo, vec2};
use glassworks_protocol::datasets::measure::MeasureReport;
use glassworks_protocol::datasets::overview::OverviewReport;
use glassworks_protocol::datasets::view::LengthUnit;
use glassworks_protocol::datasets::{DatasetRecord, Filter};
use lengths::Lengths;

/// Two columns stand side by side from this width on.
const SIDE_BY_SIDE: f32 = 860.0;
const WIDEST: f32 = 1180.0;
const PLOT: f32 = 190.0;

/// What is to be done because of what was pressed.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Rows that pass these, in the Rows tab.
    Rows(Vec<Filter>),
    /// What could not be read.
    Bad,
    /// The Prepare tab, set up to mend something.
    Prepare(Remedy),
    /// Look the rows over, for the first time or again.
    Look,
    StopLooking,
}

/// What is known of a dataset.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub record: &'a DatasetRecord,
    pub report: Option<&'a OverviewReport>,
    /// The newest measure with the model that is looked with.
    pub measure: Option<&'a MeasureReport>,
    /// The newest job that looked.
    pub job: Option<&'a Job>,
}

impl<'a> Known<'a> {
    /// The job that looks now.
    fn working(&self) -> Option<&'a Job> {
        self.job.filter(|job| job.outcome.is_none())
    }

    /// How many changes the report does not know of; `None` while there is none.
    fn n_changes(&self) -> Option<u64> {
        self.report.map(|report| self.record.revision.saturating_sub(report.revision))
    }
}

/// What a person has chosen in the tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// `None`: tokens where they are known.
    unit: Option<LengthUnit>,
    all_labels: bool,
}

/// The whole tab.
pub fn tab(ui: &mut Ui, cx: &PaneCx, known: &Known, shown: &mut Shown) -> Option<Asked> {
    if known.record.n_rows == 0 {
        let (title, words) = (cx.t("datasets.overview_empty"), cx.t("datasets.overview_empty_sentence"));
        widgets::empty(ui, &title, &words, None);
        return None;
    }
    let Some(report) = known.report else { return without_report(ui, cx, known) };
    let mut asked = None;
    widgets::tiles::scroll(ui, "overview", 0.0, |ui| {
        let width = ui.available_width().min(WIDEST);
        ui.set_max_width(width);
        ui.spacing_mut().item_spacing.y = 12.0;
        let stale = known.working().is_some() || known.n_changes() != Some(0);
        if stale || known.job.is_some_and(|job| job.failure().is_some()) {
            widgets::well(ui, |ui| {
                ui.set_width(ui.available_width());
                asked = stale::line(ui, cx, known);
            });
        }
        figures(ui, cx, report, known.measure);
        let beside = width >= SIDE_BY_SIDE;
        let each = if beside { (width - 32.0) / 2.0 } else { width };
        let mut columns = |ui: &mut Ui| {
            let left = column(ui, each, |ui| left(ui, cx, known, report, shown));
            let right = column(ui, each, |ui| right(ui, cx, known, report, shown));
            asked = left.or(right).or(asked.take());
        };
        if beside {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = 32.0;
                columns(ui);
            });
        } else {
            columns(ui);
        }
    });
    asked
}

fn without_report(ui: &mut Ui, cx: &PaneCx, known: &Known) -> Option<Asked> {
    if let Some(job) = known.working() {
        let stop = widgets::working(ui, &cx.t("datasets.overview_looking"), job.progress.as_ref());
        return stop.then_some(Asked::StopLooking);
    }
    let look = Button::accent(cx.t("datasets.overview_look")).icon(icons::EYE);
    let pressed = match known.job.and_then(|job| job.failure()) {
        Some(failure) => widgets::failed(ui, failure, Some(Button::control(cx.t("datasets.overview_again")))),
        None => {
            let title = cx.t("datasets.overview_not_looked");
            widgets::empty(ui, &title, &cx.t("datasets.overview_sentence"), Some(look))
        }
    };
    pressed.then_some(Asked::Look)
}

fn column<R>(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.vertical(|ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
        add(ui)
    })
    .inner
}

fn left(
    ui: &mut Ui,
    cx: &PaneCx,
    known: &Known,
    report: &OverviewReport,
    shown: &mut Shown,
) -> Option<Asked> {
    let mut asked = None;
    section(ui, cx.t("datasets.overview_findings"), |ui| {
        let lines = problems::lines(known);
        asked = findings::findings(ui, cx, &lines);
    });
    if !report.labels.is_empty() {
        section(ui, cx.t("datasets.overview_labels"), |ui| {
            asked = labels::labels(ui, cx, &report.labels, &mut shown.all_labels).or(asked.take());
        });
    }
    asked
}

fn right(
    ui: &mut Ui,
    cx: &PaneCx,
    known: &Known,
    report: &OverviewReport,
    shown: &mut Shown,
) -> Option<Asked> {
    let mut asked = None;
    section(ui, cx.t("datasets.overview_lengths"), |ui| {
        let mut unit = match (shown.unit, known.measure) {
            (_, None) => LengthUnit::Characters,
            (unit, Some(_)) => unit.unwrap_or(LengthUnit::Tokens),
        };
        if known.measure.is_some() {
            let options =
                [LengthUnit::Tokens, LengthUnit::Characters].map(|unit| (unit, unit_name(cx, unit)));
            if segments(ui, &cx.t("datasets.overview_unit"), &mut unit, &options, None).changed() {
                shown.unit = Some(unit);
            }
        }
        let measured = known.measure.filter(|_| unit == LengthUnit::Tokens);
        let lengths = measured.map_or_else(|| Lengths::characters(report), Lengths::tokens);
        asked = lengths::plot(ui, cx, &lengths, PLOT, true);
        match measured {
            Some(measure) => lengths::cut_line(ui, cx, measure),
            None if known.measure.is_none() => {
                widgets::hint(ui, cx.t("datasets.overview_no_measure"));
            }
            None => {}
        }
    });
    section(ui, cx.t("datasets.splits"), |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        asked = shares::splits(ui, cx, &report.n_by_split).or(asked.take());
    });
    section(ui, cx.t("datasets.overview_languages"), |ui| shares::languages(ui, cx, report, true));
    asked
}

fn unit_name(cx: &PaneCx, unit: LengthUnit) -> String {
    cx.t(match unit {
        LengthUnit::Characters => "datasets.overview_characters",
        LengthUnit::Tokens => "datasets.overview_tokens",
    })
}

fn section(ui: &mut Ui, heading: String, add: impl FnOnce(&mut Ui)) {
    widgets::semibold(ui, heading);
    ui.vertical(|ui| {
        ui.set_width(ui.available_width());
        add(ui);
    });
    ui.add_space(12.0);
}

/// Rows, labels, lengths, tokens: the numbers one looks for first.
fn figures(ui: &mut Ui, cx: &PaneCx, report: &OverviewReport, measure: Option<&MeasureReport>) {
    let mut figures = vec![("datasets.overview_rows", units::grouped(report.n_rows))];
    let n_labels = report.labels.iter().filter(|label| label.label.is_some()).count();
    if n_labels > 0 {
        figures.push(("datasets.overview_labels", units::grouped(n_labels as u64)));
    }
    figures.push(("datasets.overview_median", units::grouped(report.p50.into())));
    figures.push(("datasets.overview_longest", units::grouped(report.longest.into())));
    if let Some(measure) = measure {
        figures.push(("datasets.overview_n_tokens", units::grouped(measure.n_tokens)));
        figures.push(("datasets.overview_n_learned", units::grouped(measure.n_targets)));
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(40.0, 8.0);
        for (key, value) in figures {
            figure(ui, &cx.t(key), &value);
        }
    });
}

fn figure(ui: &mut Ui, name: &str, value: &str) {
    let t = crate::theme::of(ui).tokens;
    let words = widgets::galley(ui, name, Type::Hint.font(Weight::Regular), t.text_3);
    let number = widgets::galley(ui, value, Type::Figure.mono(Weight::Medium), t.text_1);
    let size = vec2(words.size().x.max(number.size().x), 44.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} {value}")));
    ui.painter().galley(rect.min, words, t.text_3);
    ui.painter().galley(rect.min + vec2(0.0, 19.0), number, t.text_1);
}
