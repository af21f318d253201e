//! What a run wrote for its prompts, step beside step.

use super::RunsPane;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::units;
use crate::widgets::{self, Button, MenuItem};
use egui::{Align, Layout, Margin, ScrollArea, Ui, vec2};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::train::{RunRecord, RunSample};
use std::sync::Arc;

/// Columns beside each other at most.
const MOST: usize = 4;
const GAP: f32 = 12.0;
/// A column gets no narrower.
const NARROWEST: f32 = 180.0;

/// Which steps are beside each other.
#[derive(Default)]
pub struct SamplesState {
    /// Chosen for this run; otherwise the first and the newest, which changes as the run goes on.
    chosen: Option<(RunId, Vec<u64>)>,
}

impl SamplesState {
    fn steps(&self, run: RunId, all: &[u64]) -> Vec<u64> {
        let chosen = self.chosen.as_ref().filter(|(of, _)| *of == run);
        match (chosen, all) {
            (Some((_, chosen)), _) => chosen.iter().copied().filter(|step| all.contains(step)).collect(),
            (None, [first, .., last]) => vec![*first, *last],
            (None, few) => few.to_vec(),
        }
    }

    /// Lays a step beside the others, or takes it away; one stays.
    fn toggle(&mut self, run: RunId, all: &[u64], step: u64) {
        let mut steps = self.steps(run, all);
        match steps.iter().position(|one| *one == step) {
            Some(at) if steps.len() > 1 => {
                steps.remove(at);
            }
            Some(_) => {}
            None => {
                if steps.len() == MOST {
                    steps.remove(0);
                }
                steps.push(step);
                steps.sort_unstable();
            }
        }
        self.chosen = Some((run, steps));
    }
}

impl RunsPane {
    pub(super) fn samples_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord) {
        let all = cx.model.looks.steps(run.id);
        if all.is_empty() {
            return;
        }
        egui::Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing = vec2(8.0, 4.0);
            ui.horizontal(|ui| {
                widgets::semibold(ui, cx.t("runs.samples"));
                self.step_menu(ui, cx, run.id, &all);
            });
            let most = ((ui.available_width() + GAP) / (NARROWEST + GAP)).floor().max(1.0) as usize;
            let mut steps = self.samples.steps(run.id, &all);
            // Where there is little room the newest are shown.
            steps.drain(..steps.len().saturating_sub(most));
            columns(ui, cx, run, &steps);
        });
        widgets::divider(ui);
    }

    fn step_menu(&mut self, ui: &mut Ui, cx: &PaneCx, run: RunId, all: &[u64]) {
        if all.len() < 2 {
            return;
        }
        let steps = self.samples.steps(run, all);
        let button = Button::quiet(cx.t("runs.choose_steps")).small().caret().show(ui);
        let pressed = widgets::popover(&button, 200.0, |ui| {
            let mut pressed = None;
            widgets::hint(ui, cx.tf("runs.choose_steps_hint", &[("n", &MOST)]));
            ScrollArea::vertical().id_salt("steps").max_height(320.0).show(ui, |ui| {
                for step in all {
                    let words = cx.tf("runs.card_step", &[("n", &units::grouped(*step))]);
                    if MenuItem::new(words).checked(steps.contains(step)).show(ui).clicked() {
                        pressed = Some(*step);
                    }
                }
            });
            pressed
        });
        if let Some(step) = pressed.flatten() {
            self.samples.toggle(run, all, step);
        }
    }
}

/// Prompt by prompt, what was written at each of the steps.
fn columns(ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord, steps: &[u64]) {
    let t = cx.theme.tokens;
    let by_step: Vec<Vec<Arc<RunSample>>> =
        steps.iter().map(|step| cx.model.looks.samples(run.id, *step).cloned().collect()).collect();
    let width = (ui.available_width() - GAP * (steps.len() - 1) as f32) / steps.len() as f32;
    let beside = |ui: &mut Ui, add: &mut dyn FnMut(&mut Ui, usize)| {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            for i in 0..steps.len() {
                ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
                    ui.set_width(width);
                    add(ui, i);
                });
            }
        });
    };
    beside(ui, &mut |ui, i| {
        let words = cx.tf("runs.card_step", &[("n", &units::grouped(steps[i]))]);
        ui.label(Type::Hint.number(words, t.text_2));
    });
    let n_prompts = by_step.iter().flatten().map(|sample| sample.n + 1).max().unwrap_or(0);
    let mut copied = None;
    for n in 0..n_prompts {
        let of = |i: usize| by_step[i].iter().find(|sample| sample.n == n);
        let Some(prompt) = (0..steps.len()).find_map(&of).map(|sample| sample.prompt.clone()) else {
            continue;
        };
        ui.add_space(4.0);
        widgets::truncated(ui, Type::Body.medium(prompt.as_str(), t.text_1));
        ui.push_id(n, |ui| {
            beside(ui, &mut |ui, i| {
                let Some(sample) = of(i) else { return };
                ui.push_id(i, |ui| {
                    if written(ui, cx, sample) {
                        copied = Some(sample.text.clone());
                    }
                });
            });
        });
    }
    if let Some(text) = copied {
        cx.copy(text);
    }
}

/// What was written; says whether it is to be copied.
fn written(ui: &mut Ui, cx: &PaneCx, sample: &RunSample) -> bool {
    let t = cx.theme.tokens;
    let mut copy = false;
    widgets::well(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let room = ui.available_width() - size::CONTROL_SMALL - 4.0;
            ui.allocate_ui_with_layout(vec2(room, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(room);
                let grows = cx.model.looks.grows(sample) && !sample.ended;
                if sample.text.is_empty() && !grows {
                    widgets::hint(ui, cx.t("runs.wrote_nothing"));
                } else {
                    // What had no more room goes on, and so does what is being written.
                    let goes_on = if sample.ended { "" } else { " …" };
                    let words = format!("{}{goes_on}", sample.text);
                    widgets::selectable(ui, Type::Body.text(words, t.text_1));
                }
            });
            let step = units::grouped(sample.step);
            let name = cx.tf("runs.copy_sample", &[("step", &step), ("prompt", &sample.prompt)]);
            copy = widgets::icon_button(ui, icons::COPY, name).clicked();
        });
    });
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_newest_are_shown_until_others_are_chosen() {
        let (run, mut state) = (RunId::mint(), SamplesState::default());
        assert_eq!(state.steps(run, &[0]), [0]);
        assert_eq!(state.steps(run, &[0, 10, 20]), [0, 20]);
        state.toggle(run, &[0, 10, 20], 10);
        assert_eq!(state.steps(run, &[0, 10, 20, 30]), [0, 10, 20]);
        state.toggle(run, &[0, 10, 20, 30], 30);
        state.toggle(run, &[0, 10, 20, 30, 40], 40);
        assert_eq!(state.steps(run, &[0, 10, 20, 30, 40]), [10, 20, 30, 40], "four at most");
        for step in [10, 20, 30, 40] {
            state.toggle(run, &[0, 10, 20, 30, 40], step);
        }
        assert_eq!(state.steps(run, &[0, 10, 20, 30, 40]), [40], "one stays");
        assert_eq!(state.steps(RunId::mint(), &[0, 7]), [0, 7], "another run has its own");
    }
}
