//! "This reply": what the newest reply's numbers say.

use super::doc::View;
use super::message::visible_token;
use super::message_row::perplexity;
use crate::panes::PaneCx;
use crate::theme::Type;
use crate::units::grouped;
use crate::widgets;
use egui::{Align, Layout, Ui};
use glassworks_protocol::generate::{ReplyStats, TokenPiece};
use glassworks_protocol::ids::MessageId;

/// Says which token is to be shown, if one is.
pub(super) fn facts(ui: &mut Ui, cx: &PaneCx, view: &View) -> Option<(MessageId, usize)> {
    let message = view.last_reply()?;
    let reply = message.reply.as_ref()?;
    let at = least_sure(&reply.tokens)?;
    let worst = &reply.tokens[at];
    ui.spacing_mut().item_spacing.y = 6.0;
    ui.spacing_mut().interact_size.y = Type::Hint.line();
    ui.add_space(4.0);
    widgets::divider(ui);
    ui.add_space(4.0);
    widgets::semibold(ui, cx.t("playground.this_reply"));
    let bits = |n: f32| cx.tf("playground.bits", &[("n", &format!("{n:.2}"))]);
    fact(ui, cx, "playground.average_surprisal", &bits(average_bits(&reply.tokens)));
    let token = format!("“{}” {}", visible_token(&worst.text), bits(worst.surprisal_bits()));
    fact(ui, cx, "playground.perplexity", &format!("{:.2}", perplexity(&reply.tokens)));
    let mut shown = false;
    labelled(ui, cx, "playground.least_sure", |ui| shown = widgets::link(ui, &token).clicked());
    if let Some(stats) = &reply.stats {
        stats_facts(ui, cx, stats);
    }
    shown.then_some((message.id, at))
}

fn stats_facts(ui: &mut Ui, cx: &PaneCx, stats: &ReplyStats) {
    let tokens = |n: u32| cx.tf("playground.stat_tokens", &[("n", &grouped(n.into()))]);
    fact(ui, cx, "playground.prompt_tokens", &tokens(stats.n_prompt));
    fact(ui, cx, "playground.reused", &tokens(stats.n_reused));
    fact(ui, cx, "playground.seed_used", &stats.seed.to_string());
}

fn fact(ui: &mut Ui, cx: &PaneCx, key: &str, value: &str) {
    labelled(ui, cx, key, |ui| {
        widgets::truncated(ui, Type::Hint.number(value, cx.theme.tokens.text_1));
    });
}

fn labelled(ui: &mut Ui, cx: &PaneCx, key: &str, add: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.set_height(Type::Hint.line());
        ui.label(Type::Hint.text(cx.t(key), cx.theme.tokens.text_2))
            .on_hover_text(cx.t(&format!("{key}_hint")));
        ui.with_layout(Layout::right_to_left(Align::Center), add);
    });
}

fn average_bits(tokens: &[TokenPiece]) -> f32 {
    tokens.iter().map(TokenPiece::surprisal_bits).sum::<f32>() / tokens.len().max(1) as f32
}

/// The token that surprised the model most.
fn least_sure(tokens: &[TokenPiece]) -> Option<usize> {
    (0..tokens.len()).max_by(|a, b| tokens[*a].surprisal_bits().total_cmp(&tokens[*b].surprisal_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surprise_is_measured_in_bits() {
        let piece = |prob: f32| TokenPiece {
            id: 0,
            text: String::new(),
            logprob: prob.ln(),
            sampled_prob: prob,
            rank: 0,
            entropy: 0.0,
            top: Vec::new(),
        };
        let tokens = [piece(0.5), piece(0.125)];
        assert!((average_bits(&tokens) - 2.0).abs() < 1e-5);
        assert_eq!(least_sure(&tokens), Some(1));
        assert!((perplexity(&tokens) - 4.0).abs() < 1e-4);
        assert!(least_sure(&[]).is_none());
    }
}
