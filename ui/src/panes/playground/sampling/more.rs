//! What is seldom changed: other ways to choose, penalties, what ends a reply.

use super::SamplingState;
use super::rows::{self, row};
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::{self, Button, Field, segments};
use egui::Ui;
use glassworks_protocol::generate::{BeamSpec, EarlyStopping, MAX_BEAMS, MirostatSpec, SamplingSpec};

impl SamplingState {
    /// Folded; what differs from the usual shows all the same. Models that only run have no beams.
    pub fn more(&mut self, ui: &mut Ui, cx: &PaneCx, spec: &mut SamplingSpec, runs_only: bool) {
        let n = usize::from(spec.typical_p.is_some())
            + usize::from(spec.mirostat.is_some())
            + usize::from(spec.beams.is_some())
            + usize::from(spec.frequency_penalty != 0.0)
            + usize::from(spec.presence_penalty != 0.0)
            + usize::from(!spec.stop.is_empty())
            + usize::from(spec.ignore_eos);
        let summary = if n == 0 { String::new() } else { cx.tf("playground.more_set", &[("n", &n)]) };
        let mut open = self.more;
        widgets::fold(ui, &cx.t("playground.more"), &summary, &mut open, |ui| {
            let off = rows::why_no_filter(cx, spec);
            rows::fraction(ui, cx, "playground.typical_p", &mut spec.typical_p, off.as_ref());
            mirostat(ui, cx, spec);
            beams(ui, cx, spec, runs_only.then(|| cx.t("playground.off_runs_only")));
            rows::number(ui, cx, "playground.frequency", -2.0..=2.0, &mut spec.frequency_penalty);
            rows::number(ui, cx, "playground.presence", -2.0..=2.0, &mut spec.presence_penalty);
            self.stops(ui, cx, spec);
            row(ui, cx, "playground.ignore_eos", None, |ui, name| {
                widgets::toggle(ui, name, &mut spec.ignore_eos);
            });
        });
        self.more = open;
    }

    /// Stop strings: those there are, each to be taken out, and a field for another.
    fn stops(&mut self, ui: &mut Ui, cx: &PaneCx, spec: &mut SamplingSpec) {
        let name = cx.t("playground.stops");
        widgets::label(ui, &name);
        ui.add_space(-6.0);
        let mut gone = None;
        if !spec.stop.is_empty() {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
                for (idx, stop) in spec.stop.iter().enumerate() {
                    let words = super::super::message::one_line(&escaped(stop), 20);
                    let label = cx.tf("playground.remove_stop", &[("text", &words)]);
                    if Button::control(words).icon(icons::X).small().name(label).show(ui).clicked() {
                        gone = Some(idx);
                    }
                }
            });
        }
        if let Some(idx) = gone {
            spec.stop.remove(idx);
        }
        let field =
            Field::new(&name).mono().width(ui.available_width()).placeholder(cx.t("playground.add_stop"));
        let response = field.show(ui, &mut self.stop);
        if response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter)) {
            let stop = unescaped(&std::mem::take(&mut self.stop));
            if !stop.is_empty() && !spec.stop.contains(&stop) {
                spec.stop.push(stop);
            }
            response.request_focus();
        }
        ui.add_space(-6.0);
        widgets::hint(ui, cx.t("playground.stops_hint"));
    }
}

/// On or off, and its two numbers while it is on.
fn mirostat(ui: &mut Ui, cx: &PaneCx, spec: &mut SamplingSpec) {
    let greedy = (spec.temperature == 0.0).then(|| cx.t("playground.off_greedy"));
    let off = rows::why_not_drawn(cx, spec).or(greedy);
    row(ui, cx, "playground.mirostat", off.as_ref(), |ui, name| {
        let mut on = spec.mirostat.is_some();
        if widgets::toggle(ui, name, &mut on).changed() {
            spec.mirostat = on.then(MirostatSpec::default);
        }
    });
    let Some(mirostat) = spec.mirostat.as_mut().filter(|_| off.is_none()) else { return };
    rows::number(ui, cx, "playground.mirostat_tau", 0.1..=20.0, &mut mirostat.tau);
    rows::number(ui, cx, "playground.mirostat_eta", 0.01..=1.0, &mut mirostat.eta);
}

/// How many, and what decides between them while there are any.
fn beams(ui: &mut Ui, cx: &PaneCx, spec: &mut SamplingSpec, off: Option<String>) {
    let mut n = spec.beams.map(|beams| beams.n);
    let before = n;
    // Those that were set for another model can be taken back.
    let off = off.filter(|_| n.is_none());
    rows::whole(ui, cx, "playground.beams", 1.0..=f64::from(MAX_BEAMS), &mut n, off.as_ref());
    if n != before {
        // One beam is none.
        let n = n.filter(|n| *n > 1);
        spec.beams = n.map(|n| BeamSpec { n, ..spec.beams.unwrap_or_default() });
    }
    let Some(beams) = &mut spec.beams else { return };
    rows::number(ui, cx, "playground.length_penalty", -10.0..=10.0, &mut beams.length_penalty);
    let [yes, no, never] = [EarlyStopping::Yes, EarlyStopping::No, EarlyStopping::Never];
    let hint = match beams.early_stopping {
        EarlyStopping::Yes => "playground.early_yes_hint",
        EarlyStopping::No => "playground.early_no_hint",
        EarlyStopping::Never => "playground.early_never_hint",
    };
    rows::row_with(ui, cx, "playground.early_stopping", &cx.t(hint), false, |ui, name| {
        let options = [
            (yes, cx.t("playground.early_yes")),
            (no, cx.t("playground.early_no")),
            (never, cx.t("playground.early_never")),
        ];
        segments(ui, name, &mut beams.early_stopping, &options, None);
    });
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('\n', r"\n").replace('\t', r"\t")
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            (c, _) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_strings_come_back() {
        for text in ["\n\n", "a b", r"\n", "\t", "。"] {
            assert_eq!(unescaped(&escaped(text)), text);
        }
    }
}
