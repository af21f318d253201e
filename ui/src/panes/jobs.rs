//! What runs, what waits, what has ended in this session and how.

use super::{Pane, PaneCx, PaneId};
use crate::action::{Action, Open};
use crate::model::{Job, JobState};
use crate::theme::{Type, icon_font, icons, size};
use crate::units;
use crate::widgets::{self, Button, tiles};
use egui::{Align, Layout, RichText, Ui};
use glassworks_protocol::bench::BenchKind;
use glassworks_protocol::datasets::DatasetOutput;
use glassworks_protocol::prompts::PromptOutput;
use glassworks_protocol::score::perplexity;
use glassworks_protocol::{JobOutput, Outcome};
use std::path::PathBuf;
use std::sync::Arc;

/// The widest a row gets: beyond that the eye loses the line between a name and its button.
const WIDTH: f32 = 760.0;

#[derive(Default)]
pub struct JobsPane {}

impl Pane for JobsPane {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let rect = ui.available_rect_before_wrap();
        let title = cx.t("shell.pane_jobs");
        let (running, waiting): (Vec<Arc<Job>>, Vec<Arc<Job>>) =
            cx.model.jobs.active().cloned().partition(|j| j.state() == JobState::Running);
        let ended: Vec<Arc<Job>> = cx.model.jobs.ended().cloned().collect();
        tiles::tile(ui, "main", rect, |ui| {
            let n = running.len() + waiting.len();
            tiles::header(
                ui,
                |ui| {
                    if n > 1 && Button::control(cx.t("job.stop_all")).small().show(ui).clicked() {
                        cx.push(Action::Run(crate::command::UiCommand::StopJobs));
                    }
                },
                |ui| {
                    widgets::title(ui, title);
                },
            );
            if n == 0 && ended.is_empty() {
                empty(ui, cx);
                return;
            }
            tiles::scroll(ui, "jobs", 0.0, |ui| {
                ui.set_max_width(WIDTH.min(ui.available_width()));
                group(ui, &cx.t("job.running"), &running, |ui, job| active(ui, cx, job));
                group(ui, &cx.t("job.waiting"), &waiting, |ui, job| active(ui, cx, job));
                group(ui, &cx.t("job.ended"), &ended, |ui, job| past(ui, cx, job));
            });
        });
    }
}

fn empty(ui: &mut Ui, cx: &mut PaneCx) {
    let button = Button::accent(cx.t("job.none_action"));
    if widgets::empty(ui, &cx.t("job.none"), &cx.t("job.none_sentence"), Some(button)) {
        cx.push(Action::Show(PaneId::Playground));
    }
}

fn group(ui: &mut Ui, heading: &str, jobs: &[Arc<Job>], mut row: impl FnMut(&mut Ui, &Job)) {
    if jobs.is_empty() {
        return;
    }
    ui.horizontal(|ui| {
        widgets::semibold(ui, heading);
        widgets::mono(ui, jobs.len().to_string());
    });
    for (i, job) in jobs.iter().enumerate() {
        ui.push_id(job.id, |ui| {
            ui.add_space(4.0);
            row(ui, job);
            ui.add_space(4.0);
        });
        if i + 1 < jobs.len() {
            widgets::divider(ui);
        }
    }
    ui.add_space(20.0);
}

fn active(ui: &mut Ui, cx: &mut PaneCx, job: &Job) {
    let title = cx.render(&job.title);
    let stop = cx.tf("shell.stop_job", &[("name", &title)]);
    let stop = (!job.stopping).then_some(stop.as_str());
    let stopped = if job.state() == JobState::Waiting {
        widgets::waiting_row(ui, &title, &cx.t("job.waiting_why"), stop)
    } else {
        widgets::job_row(ui, &title, job.progress.as_ref(), stop)
    };
    if stopped {
        cx.cancel(job.id);
    }
    if job.stopping {
        widgets::hint(ui, cx.t("shell.stopping"));
    }
}

fn past(ui: &mut Ui, cx: &mut PaneCx, job: &Job) {
    let t = cx.theme.tokens;
    if let Some(failure) = job.failure() {
        ui.horizontal(|ui| {
            widgets::medium(ui, cx.render(&job.title));
            when(ui, cx, job);
        });
        widgets::failed_line(ui, failure, None);
        return;
    }
    let cancelled = matches!(job.outcome, Some(Outcome::Cancelled));
    let (icon, ink) = if cancelled { (icons::STOP, t.text_3) } else { (icons::CHECK_CIRCLE, t.ok) };
    ui.horizontal(|ui| {
        ui.set_min_height(size::CONTROL_SMALL);
        ui.label(RichText::new(icon).font(icon_font(size::ICON, !cancelled)).color(ink));
        widgets::medium(ui, cx.render(&job.title));
        widgets::hint(ui, result(cx, job));
        when(ui, cx, job);
    });
}

/// At the right: what can be done with the result, when it ended and how long it took.
fn when(ui: &mut Ui, cx: &mut PaneCx, job: &Job) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let ended = job.ended_at_ms.unwrap_or(job.started_at_ms);
        let took = units::duration(cx.language, (ended - job.started_at_ms) as f32 / 1000.0);
        let t = cx.theme.tokens;
        let clock = units::clock(ended, cx.utc_offset_secs);
        ui.label(Type::Hint.number(format!("{clock} · {took}"), t.text_3));
        if let Some(file) = file_of(job)
            && widgets::icon_button(ui, icons::FOLDER_OPEN, cx.t("job.show_file")).clicked()
        {
            cx.push(Action::Reveal(file));
        }
        if let Some(chat) = job.chat.filter(|c| cx.model.chats.summary(*c).is_some())
            && widgets::icon_button(ui, icons::ARROW_RIGHT, cx.t("job.show_chat")).clicked()
        {
            cx.push(Action::Open(Open::Chat(chat)));
        }
    });
}

fn file_of(job: &Job) -> Option<PathBuf> {
    match job.output()? {
        JobOutput::ChatsExported { to, .. } | JobOutput::BackedUp { to, .. } => Some(to.clone()),
        JobOutput::Inspected(report) => Some(report.out.clone()),
        JobOutput::Trained(run) => run.progress.result.clone(),
        JobOutput::Merged { to, .. } => Some(to.clone()),
        JobOutput::Predicted(report) => Some(report.out.clone()),
        JobOutput::RowsKept(report) => Some(report.out.clone()),
        JobOutput::Prompt(PromptOutput::Exported { to, .. }) => Some(to.clone()),
        JobOutput::Dataset(DatasetOutput::Exported(report)) => Some(report.to.clone()),
        _ => None,
    }
}

/// One line about what came out of it.
fn result(cx: &PaneCx, job: &Job) -> String {
    let Some(output) = job.output() else { return cx.t("job.result_stopped") };
    match output {
        JobOutput::Replied(reply) => cx.tf(
            "job.result_replied",
            &[
                ("n", &units::grouped(u64::from(reply.stats.n_new))),
                ("speed", &format!("{:.1}", reply.stats.tokens_per_sec)),
            ],
        ),
        JobOutput::Scored(report) => {
            let perplexity = format!("{:.2}", perplexity(&report.tokens));
            let n = units::grouped(report.tokens.len() as u64);
            cx.tf("job.result_scored", &[("n", &n), ("perplexity", &perplexity)])
        }
        JobOutput::Loaded(card) => units::memory(card.size_bytes),
        JobOutput::ModelImported(record) => record.name.clone(),
        JobOutput::ChatsExported { n_chats, .. } => cx.tf("job.result_chats", &[("n", n_chats)]),
        JobOutput::ChatsImported { chats, problems } if problems.is_empty() => {
            cx.tf("job.result_chats", &[("n", &chats.len())])
        }
        JobOutput::ChatsImported { chats, problems } => {
            cx.tf("job.result_chats_problems", &[("n", &chats.len()), ("problems", &problems.len())])
        }
        JobOutput::RunsDeleted { freed_bytes, .. } => {
            cx.tf("job.result_freed", &[("size", &units::size(*freed_bytes))])
        }
        JobOutput::BackedUp { size_bytes, .. } | JobOutput::Merged { size_bytes, .. } => {
            units::size(*size_bytes)
        }
        JobOutput::Trained(run) => {
            let progress = &run.progress;
            let loss = progress.best_loss.or(progress.train_loss).unwrap_or_default();
            let loss = format!("{loss:.3}");
            cx.tf(
                "job.result_trained",
                &[("step", &progress.step), ("n", &progress.n_steps), ("loss", &loss)],
            )
        }
        JobOutput::Predicted(report) => {
            cx.tf("job.result_predicted", &[("n", &units::grouped(report.n_rows))])
        }
        JobOutput::RowsKept(report) => {
            cx.tf("job.result_predicted", &[("n", &units::grouped(report.n_rows))])
        }
        JobOutput::Prompt(PromptOutput::Ran { n_written, .. }) => {
            cx.tf("job.result_predicted", &[("n", &units::grouped(u64::from(*n_written)))])
        }
        JobOutput::Prompt(PromptOutput::Exported { n, .. }) => {
            cx.tf("job.result_predicted", &[("n", &units::grouped(u64::from(*n)))])
        }
        JobOutput::Prompt(PromptOutput::Imported { prompts, .. }) => {
            cx.tf("job.result_prompts", &[("n", &prompts.len())])
        }
        JobOutput::Dataset(output) => {
            let n = match output {
                DatasetOutput::Imported(report) => report.n_rows,
                DatasetOutput::Exported(report) => report.n_rows,
                DatasetOutput::Found(found) => found.rows.len() as u64,
                DatasetOutput::Measured(report) => report.n_rows,
                DatasetOutput::Overview(report) => report.n_rows,
                DatasetOutput::Transformed(report) => report.n_changed + report.n_removed + report.n_added,
                DatasetOutput::Preview(_) | DatasetOutput::Seen(_) => return String::new(),
            };
            cx.tf("job.result_predicted", &[("n", &units::grouped(n))])
        }
        JobOutput::Benched(record) => {
            let writes = record.results.iter().find(|result| result.case.kind == BenchKind::Decode);
            let speed = writes.map(|result| format!("{:.1}", result.per_sequence()));
            speed.map_or_else(String::new, |speed| cx.tf("job.result_benched", &[("speed", &speed)]))
        }
        JobOutput::RestoreReady => cx.t("job.result_restore"),
        JobOutput::Inspected(report) => units::size(report.size_bytes),
        JobOutput::TrainingMeasured(report) => cx.tf("finetune.from_batches", &[("n", &report.n_batches)]),
        JobOutput::ModelDescribed(_)
        | JobOutput::Preview(_)
        | JobOutput::Tokenized(_)
        | JobOutput::SchemaChecked { .. }
        | JobOutput::Inside(_)
        | JobOutput::DataChecked(_) => String::new(),
    }
}
