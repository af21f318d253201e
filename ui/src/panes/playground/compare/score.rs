//! The running score of blind rounds: a vote, what all votes say, and the ways to take them back.

use super::super::Playground;
use super::round::Decided;
use crate::action::Toast;
use crate::model::Listed;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons};
use crate::widgets::{self, Button};
use egui::{Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::Edit;
use glassworks_protocol::generate::{SamplingPreset, SamplingSpec};
use glassworks_protocol::ids::VoteId;
use glassworks_protocol::text::Text;
use glassworks_protocol::vote::{Contender, Duel, Standing, VoteRecord, standings};

const WIDTH: f32 = 460.0;
const ROW: f32 = 40.0;
/// Right edges of the columns of numbers: rounds, won, tied, share.
const RIGHTS: [f32; 4] = [262.0, 306.0, 350.0, WIDTH];

impl Playground {
    /// Ends the blind round in sight.
    pub(super) fn decide(&mut self, cx: &mut PaneCx, decided: Decided) {
        let at = self.compare.at;
        let Some(round) = self.compare.rounds.get_mut(at).filter(|round| round.hides()) else { return };
        round.decided = Some(decided);
        self.composer.want_focus = true;
        let Decided::Vote(winner) = decided else { return };
        let vote = VoteRecord {
            id: VoteId::mint(),
            contenders: round.seats.iter().map(|seat| seat.contender.clone()).collect(),
            winner: winner.map(|seat| seat as u32),
            at_ms: cx.now_ms,
        };
        let text = match winner {
            Some(seat) => Text::new("compare.voted").arg("name", &round.seats[seat].head.name),
            None => Text::new("compare.voted_tie"),
        };
        let undo = Edit::RemoveVote(vote.id);
        cx.edit(Edit::AddVote(Box::new(vote)));
        cx.toast(Toast::new(text).icon(icons::SCALES).undo(undo));
    }

    /// Opens the score.
    pub(super) fn score_button(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let n = cx.model.votes.all().len();
        let mut button = Button::quiet(cx.t("compare.score")).icon(icons::SCALES).small();
        if n > 0 {
            button = button.detail(n.to_string());
        }
        let off = self.compare.hides().then(|| cx.t("compare.vote_first"));
        let response = button.off(off).tooltip(cx.t("compare.score_hint")).show(ui);
        let shown = widgets::popover(&response, WIDTH, |ui| {
            // As wide as it is, not spread out as rows of a menu are.
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                self.score_ui(ui, cx);
            });
        });
        if shown.is_none() {
            self.compare.confirms = false;
        }
    }

    fn score_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        widgets::semibold(ui, cx.t("compare.score_title"));
        if let Listed::Failed(failure) = cx.model.votes.listed() {
            widgets::failed_line(ui, failure, None);
            return;
        }
        let votes = cx.model.votes.all();
        if votes.is_empty() {
            return drop(widgets::hint(ui, cx.t("compare.no_votes")));
        }
        let all = standings(votes);
        heads(ui, cx);
        egui::ScrollArea::vertical().id_salt("standings").max_height(ROW * 6.0).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            all.iter().for_each(|one| row(ui, cx, one));
        });
        ui.add_space(4.0);
        widgets::divider(ui);
        ui.add_space(4.0);
        let (words, sure) = self.verdict(cx, &all);
        let ink = if sure { cx.theme.tokens.text_1 } else { cx.theme.tokens.text_2 };
        ui.add(egui::Label::new(Type::Body.text(words, ink)).wrap());
        widgets::hint(ui, cx.t("compare.interval_hint"));
        ui.add_space(8.0);
        self.score_actions(ui, cx);
    }

    fn score_actions(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let votes = cx.model.votes.all();
        let Some(last) = votes.last() else { return };
        if self.compare.confirms {
            let words = cx.tf("compare.confirm_reset", &[("n", &votes.len())]);
            ui.label(Type::Body.text(words, cx.theme.tokens.text_1));
            ui.horizontal(|ui| {
                if Button::danger(cx.t("compare.reset_now")).show(ui).clicked() {
                    let at_ms = cx.now_ms;
                    cx.edit(Edit::ResetVotes { at_ms });
                    let text = Text::new("compare.reset_done");
                    cx.toast(Toast::new(text).icon(icons::SCALES).undo(Edit::UndoVotesReset { at_ms }));
                    self.compare.confirms = false;
                }
                if Button::quiet(cx.t("shell.cancel")).show(ui).clicked() {
                    self.compare.confirms = false;
                }
            });
            return;
        }
        ui.horizontal(|ui| {
            let undo = Button::control(cx.t("compare.undo_vote")).icon(icons::ARROW_COUNTER_CLOCKWISE);
            if undo.small().show(ui).clicked() {
                cx.edit(Edit::RemoveVote(last.id));
                let text = Text::new("compare.vote_undone");
                let back = Edit::RestoreVote(last.id);
                cx.toast(Toast::new(text).icon(icons::SCALES).undo(back));
            }
            self.compare.confirms = Button::quiet(cx.t("compare.reset")).small().show(ui).clicked();
        });
    }

    /// What can be said of the two best, in a sentence; and whether it is more than chance.
    fn verdict(&self, cx: &PaneCx, all: &[Standing]) -> (String, bool) {
        let here: Vec<&Contender> = self
            .compare
            .round()
            .map(|round| round.seats.iter().map(|seat| &seat.contender).collect())
            .unwrap_or_default();
        let takes_part = |one: &&Standing| here.iter().any(|contender| contender.is_like(&one.contender));
        let mut two: Vec<&Standing> = all.iter().filter(takes_part).collect();
        if two.len() < 2 {
            two = all.iter().collect();
        }
        let [one, other, ..] = two[..] else { return (String::new(), false) };
        let mut pair = [&one.contender, &other.contender];
        let mut duel = Duel::between(cx.model.votes.all(), pair[0], pair[1]);
        if duel.n_losses > duel.n_wins {
            pair.swap(0, 1);
            duel = Duel { n_wins: duel.n_losses, n_losses: duel.n_wins, ..duel };
        }
        let names = pair.map(|contender| contender_words(cx, contender));
        // Two of one name are told apart by how they were asked.
        let same = names[0].0 == names[1].0;
        let [a, b] = names.map(|(name, detail)| if same { format!("{name} ({detail})") } else { name });
        let n = duel.n_wins + duel.n_losses;
        let [low, high] = duel.interval().map(|share| format!("{:.0}", share * 100.0));
        let key = match n {
            0 => "compare.never_decided",
            _ if duel.is_open() => "compare.too_few",
            _ => "compare.ahead",
        };
        let said: [(&str, &dyn std::fmt::Display); 6] =
            [("a", &a), ("b", &b), ("w", &duel.n_wins), ("n", &n), ("low", &low), ("high", &high)];
        let used: Vec<_> = if n == 0 { said[..2].to_vec() } else { said.to_vec() };
        (cx.tf(key, &used), n > 0 && !duel.is_open())
    }
}

fn heads(ui: &mut Ui, cx: &PaneCx) {
    let t = cx.theme.tokens;
    let (rect, _) = ui.allocate_exact_size(vec2(WIDTH, 20.0), Sense::hover());
    let keys = ["compare.rounds", "compare.wins", "compare.ties", "compare.share"];
    for (key, right) in keys.into_iter().zip(RIGHTS) {
        let words = widgets::galley(ui, cx.t(key), Type::Caption.font(Weight::Regular), t.text_3);
        ui.painter().galley(pos2(rect.left() + right - words.size().x, rect.top() + 2.0), words, t.text_3);
    }
}

/// `tutor  12  7  2  67 % (42–85)`
fn row(ui: &mut Ui, cx: &PaneCx, one: &Standing) {
    let t = cx.theme.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(WIDTH, ROW), Sense::hover());
    let (name, detail) = contender_words(cx, &one.contender);
    let (share, [low, high]) = one.share();
    let percent = |share: f64| format!("{:.0}", share * 100.0);
    let share = format!("{} % ({}–{})", percent(share), percent(low), percent(high));
    let numbers = [one.n_rounds.to_string(), one.n_wins.to_string(), one.n_ties.to_string(), share];
    let said = cx.tf(
        "compare.standing",
        &[
            ("name", &name),
            ("rounds", &numbers[0]),
            ("wins", &numbers[1]),
            ("ties", &numbers[2]),
            ("share", &numbers[3]),
        ],
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
    let room = RIGHTS[0] - 48.0;
    for (words, font, ink, top) in [
        (&name, Type::Body.font(Weight::Medium), t.text_1, 2.0),
        (&detail, Type::Hint.font(Weight::Regular), t.text_3, 21.0),
    ] {
        let mut job = egui::text::LayoutJob::simple_singleline(words.clone(), font, ink);
        job.wrap = egui::text::TextWrapping::truncate_at_width(room);
        let galley = ui.painter().layout_job(job);
        ui.painter().galley(pos2(rect.left(), rect.top() + top), galley, ink);
    }
    for (number, right) in numbers.iter().zip(RIGHTS) {
        let words = widgets::galley(ui, number, Type::Hint.mono(Weight::Regular), t.text_1);
        let at = pos2(rect.left() + right - words.size().x, rect.center().y - words.size().y / 2.0);
        ui.painter().galley(at, words, t.text_1);
    }
    response.on_hover_text(format!("{name}\n{detail}"));
}

/// Name, and how it was asked.
fn contender_words(cx: &PaneCx, contender: &Contender) -> (String, String) {
    let model = &contender.model;
    let known = cx
        .model
        .library
        .models()
        .iter()
        .find(|one| !model.base.is_empty() && one.card.content_hash == model.base);
    let mut name = known.map_or_else(|| model.name.clone(), |one| one.name.clone());
    let mut parts = Vec::new();
    if let Some(tuned) = &model.tuned {
        name = cx.model.run_name(tuned.run).unwrap_or(&tuned.name).to_owned();
        parts.extend(tuned.strength.map(|strength| super::super::tuned::strength_words(cx, strength)));
    }
    let spec = &contender.sampling;
    match SamplingPreset::of(spec) {
        Some(preset) => parts.push(cx.t(super::super::sampling::preset_key(preset))),
        None => parts.extend(super::column::differences(cx, spec, &SamplingSpec::default())),
    }
    if !contender.system_prompt.is_empty() {
        let words = super::super::message::one_line(&contender.system_prompt, 40);
        parts.push(format!("“{words}”"));
    }
    (name, parts.join(" · "))
}
