//! Replies as the tokens they were written in: coloured by how sure the model was, each with what it might have been.

use super::Playground;
use super::doc::View;
use super::message::visible_token;
use super::token_card::{self, Wish};
use crate::panes::PaneCx;
use crate::theme::{SURPRISAL_FULL_BITS, Tokens};
use crate::widgets::{self, ChipText};
use egui::{Color32, Rect, Ui};
use glassworks_protocol::chat::MessageRecord;
use glassworks_protocol::generate::{Forced, TokenPiece};
use glassworks_protocol::ids::MessageId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::rc::Rc;

/// Texts laid out that are kept.
const MAX_TEXTS: usize = 64;
/// Below this share a token stays bare.
const BARE: f32 = 0.06;
/// A rank that is as warm as it gets.
const FULL_RANK: f32 = 100.0;

/// What the ground behind a token says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColourBy {
    /// Replies are pages, not tokens.
    #[default]
    Off,
    Surprisal,
    Probability,
    Rank,
    Entropy,
}

impl ColourBy {
    pub const ALL: [Self; 5] = [Self::Off, Self::Surprisal, Self::Probability, Self::Rank, Self::Entropy];

    /// Key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Off => "playground.colour_off",
            Self::Surprisal => "playground.colour_surprisal",
            Self::Probability => "playground.colour_probability",
            Self::Rank => "playground.colour_rank",
            Self::Entropy => "playground.colour_entropy",
        }
    }

    /// Keys of what the cold and the warm end say.
    pub fn ends(self) -> [&'static str; 2] {
        match self {
            Self::Off | Self::Surprisal | Self::Probability => ["playground.sure", "playground.unsure"],
            Self::Rank => ["playground.first_rank", "playground.far_rank"],
            Self::Entropy => ["playground.decided", "playground.open"],
        }
    }

    /// From 0, as the model expected it, to 1.
    pub fn share(self, piece: &TokenPiece) -> f32 {
        let share = match self {
            Self::Off => 0.0,
            Self::Surprisal => piece.surprisal_bits() / SURPRISAL_FULL_BITS,
            Self::Probability => 1.0 - piece.logprob.exp(),
            Self::Rank => (piece.rank as f32).ln_1p() / FULL_RANK.ln(),
            Self::Entropy => piece.entropy / std::f32::consts::LN_2 / SURPRISAL_FULL_BITS,
        };
        share.clamp(0.0, 1.0)
    }

    /// The colour behind a token; none where the model was sure.
    pub fn ground(self, t: &Tokens, piece: &TokenPiece) -> Option<Color32> {
        let share = self.share(piece);
        (share >= BARE).then(|| Tokens::map(&t.chip, share))
    }
}

#[derive(Default)]
pub struct ChipsState {
    pub by: ColourBy,
    /// The token that has the keyboard's mark.
    pub(super) marked: Option<(MessageId, usize)>,
    /// The token whose card is open.
    pub(super) open: Option<(MessageId, usize)>,
    /// What is typed into the open card.
    pub(super) typed: String,
    /// By number of tokens and width.
    laid_out: HashMap<MessageId, (usize, f32, Rc<ChipText>)>,
}

impl ChipsState {
    /// Another document takes this one's place.
    pub fn leave(&mut self) {
        (self.marked, self.open) = (None, None);
    }

    pub(super) fn open_card(&mut self, message: MessageId, token: usize) {
        self.marked = Some((message, token));
        self.open = Some((message, token));
        self.typed.clear();
    }

    fn text(&mut self, ui: &Ui, message: MessageId, tokens: &[TokenPiece]) -> Rc<ChipText> {
        let width = ui.available_width();
        if let Some((n, at_width, text)) = self.laid_out.get(&message)
            && (*n, *at_width) == (tokens.len(), width)
        {
            return Rc::clone(text);
        }
        if self.laid_out.len() >= MAX_TEXTS {
            self.laid_out.clear();
        }
        let text = Rc::new(ChipText::lay_out(ui, tokens.iter().map(|piece| piece.text.as_str()), width));
        self.laid_out.insert(message, (tokens.len(), width, Rc::clone(&text)));
        text
    }

    /// A text as its tokens, each on its ground: `of` is the message, or what stands for one.
    pub(super) fn show(
        &mut self,
        ui: &mut Ui,
        of: MessageId,
        name: &str,
        tokens: &[TokenPiece],
        ground: impl Fn(usize) -> Option<Color32>,
    ) -> Seen {
        let text = self.text(ui, of, tokens);
        let marked = self.marked.filter(|(one, _)| *one == of).map(|(_, token)| token);
        let shown = widgets::chips(ui, name, &text, tokens.len(), marked, ground);
        let origin = shown.response.rect.min.to_vec2();
        if let Some(to) = shown.moved {
            self.marked = Some((of, to));
            if let Some(rect) = text.rect_of(to) {
                ui.scroll_to_rect(rect.translate(origin), None);
            }
        }
        if let Some(token) = shown.chosen {
            self.open_card(of, token);
        }
        let open = self.open.filter(|(one, _)| *one == of).map(|(_, token)| token);
        let just_opened = shown.chosen.is_some();
        Seen {
            hovered: shown.hovered,
            open: open.map(|token| (token, place_of(&text, token).translate(origin), just_opened)),
            response: shown.response,
        }
    }
}

/// What is to be told of a text's tokens.
pub(super) struct Seen {
    pub response: egui::Response,
    pub hovered: Option<usize>,
    /// The token whose card is open, where it stands, and whether it has been opened just now.
    pub open: Option<(usize, Rect, bool)>,
}

impl Playground {
    /// Whether replies show their tokens, and this one has some.
    pub(super) fn shows_chips(&self, message: &MessageRecord) -> bool {
        self.chips.by != ColourBy::Off && message.reply.as_ref().is_some_and(|reply| !reply.tokens.is_empty())
    }

    /// A reply as its tokens. Draws the open card, if it is of this reply.
    pub(super) fn chips_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View, idx: usize) {
        let message = &view.path[idx];
        let Some(reply) = &message.reply else { return };
        let t = cx.theme.tokens;
        let by = self.chips.by;
        let tokens = &reply.tokens;
        let name = cx.tf("playground.chips", &[("text", &message.text)]);
        let seen = self.chips.show(ui, message.id, &name, tokens, |token| {
            tokens.get(token).and_then(|piece| by.ground(&t, piece))
        });
        match (seen.open, seen.hovered.and_then(|token| tokens.get(token))) {
            (None, Some(piece)) => {
                seen.response.on_hover_ui_at_pointer(|ui| token_card::glance(ui, cx, piece));
            }
            (Some((token, at, just_opened)), _) => {
                self.card_ui(ui, cx, view, idx, token, at, just_opened);
            }
            (None, None) => {}
        }
    }

    /// The tokens of an answer that is in no conversation: read, not branched from. `off` says why.
    pub(super) fn answer_chips_ui(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        of: MessageId,
        name: &str,
        tokens: &[TokenPiece],
        off: String,
    ) {
        let t = cx.theme.tokens;
        let by = if self.chips.by == ColourBy::Off { ColourBy::Surprisal } else { self.chips.by };
        let seen = self
            .chips
            .show(ui, of, name, tokens, |token| tokens.get(token).and_then(|piece| by.ground(&t, piece)));
        match (seen.open, seen.hovered.and_then(|token| tokens.get(token))) {
            (None, Some(piece)) => {
                seen.response.on_hover_ui_at_pointer(|ui| token_card::glance(ui, cx, piece));
            }
            (Some((token, at, just_opened)), _) => {
                let Some(piece) = tokens.get(token) else { return };
                let typed = &mut self.chips.typed;
                if token_card::show(ui, cx, piece, at, typed, Some(off), just_opened) == Wish::Close {
                    self.chips.open = None;
                }
            }
            (None, None) => {}
        }
    }

    /// The card of a token of the reply `idx`.
    #[expect(clippy::too_many_arguments, reason = "a place in the window and one in the conversation")]
    fn card_ui(
        &mut self,
        ui: &Ui,
        cx: &mut PaneCx,
        view: &View,
        idx: usize,
        token: usize,
        at: Rect,
        just_opened: bool,
    ) {
        let message = &view.path[idx];
        let Some(piece) = message.reply.as_ref().and_then(|reply| reply.tokens.get(token)) else {
            self.chips.open = None;
            return;
        };
        let off = view.job.is_some().then(|| cx.t("playground.busy"));
        match token_card::show(ui, cx, piece, at, &mut self.chips.typed, off, just_opened) {
            Wish::Nothing => {}
            Wish::Close => self.chips.open = None,
            Wish::Instead(then) => {
                self.chips.open = None;
                self.branch(cx, view, idx, token, then);
            }
        }
    }

    /// The reply `idx` once more up to its token `n_kept`, then what was chosen, then whatever follows from that.
    pub(super) fn branch(&mut self, cx: &mut PaneCx, view: &View, idx: usize, n_kept: usize, then: Forced) {
        if view.job.is_some() {
            return;
        }
        let Some(asker) = self.asker(cx) else { return self.opener.open() };
        self.chips.leave();
        let message = &view.path[idx];
        let (n_kept, then) = match &message.reply {
            Some(reply) if self.is_of_another_model(cx, message) => {
                (0, spelled_out(&reply.tokens, n_kept, then))
            }
            _ => (n_kept, then),
        };
        self.start_reply(cx, asker.branch(&view.record, &view.path, idx, n_kept, then));
    }

    /// Whether the tokens of a reply are numbers of another model's vocabulary than that of the chosen one.
    pub(super) fn is_of_another_model(&self, cx: &PaneCx, message: &MessageRecord) -> bool {
        let chosen = self.model.and_then(|id| cx.model.library.get(id)).map(|model| &model.card.content_hash);
        let wrote = message.reply.as_ref().map(|reply| &reply.model.base);
        matches!((chosen, wrote), (Some(a), Some(b)) if !a.is_empty() && !b.is_empty() && a != b)
    }

    /// Opens the card of a token, wherever the conversation stands.
    pub(super) fn show_token(&mut self, message: MessageId, token: usize) {
        if self.chips.by == ColourBy::Off {
            self.chips.by = ColourBy::Surprisal;
        }
        self.chips.open_card(message, token);
    }
}

/// The first `n_kept` tokens and what follows them, as a text that any tokenizer can read.
fn spelled_out(tokens: &[TokenPiece], n_kept: usize, then: Forced) -> Forced {
    let mut text: String = tokens.iter().take(n_kept).map(|piece| piece.text.as_str()).collect();
    match then {
        Forced::Text(more) => text.push_str(&more),
        Forced::Token(id) => {
            let top = tokens.get(n_kept).map_or(&[][..], |piece| &piece.top);
            text.extend(top.iter().find(|other| other.id == id).map(|other| other.text.as_str()));
        }
    }
    Forced::Text(text)
}

/// Where a token stands; one that shows nothing stands where the one before it ends.
fn place_of(text: &ChipText, token: usize) -> Rect {
    if let Some(rect) = text.rect_of(token) {
        return rect;
    }
    let before = (0..token).rev().find_map(|token| text.rect_of(token));
    before.map_or(Rect::ZERO, |rect| Rect::from_min_max(rect.right_top(), rect.right_bottom()))
}

/// A few tokens in a row, as a token alone is shown.
pub(super) fn visible_tokens(tokens: &[TokenPiece]) -> String {
    let text: String = tokens.iter().map(|token| token.text.as_str()).collect();
    visible_token(&text)
}

/// What a token says of itself: the token, then its numbers.
pub(super) fn token_words(cx: &PaneCx, piece: &TokenPiece) -> (String, String) {
    let bits = format!("{:.2}", piece.entropy / std::f32::consts::LN_2);
    let rank = crate::units::grouped(u64::from(piece.rank) + 1);
    let numbers = [("id", &piece.id as &dyn std::fmt::Display), ("rank", &rank), ("bits", &bits)];
    (visible_token(&piece.text), cx.tf("playground.token_numbers", &numbers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::generate::Alternative;

    #[test]
    fn tokens_of_another_vocabulary_are_spelled_out() {
        let other = Alternative { id: 9, text: " so".into(), prob: 0.1, sampled_prob: 0.0 };
        let piece = |text: &str| TokenPiece {
            id: 1,
            text: text.into(),
            logprob: 0.0,
            sampled_prob: 1.0,
            rank: 0,
            entropy: 0.0,
            top: vec![other.clone()],
        };
        let tokens = ["It", " is", ""].map(piece);
        let text = |n_kept, then| spelled_out(&tokens, n_kept, then);
        assert_eq!(text(1, Forced::Token(9)), Forced::Text("It so".into()));
        assert_eq!(text(3, Forced::Text(String::new())), Forced::Text("It is".into()));
        assert_eq!(text(0, Forced::Text("Was".into())), Forced::Text("Was".into()));
    }

    #[test]
    fn what_was_expected_is_bare_and_what_was_not_glows() {
        let piece = |prob: f32, rank, entropy| TokenPiece {
            id: 0,
            text: "a".into(),
            logprob: prob.ln(),
            sampled_prob: prob,
            rank,
            entropy,
            top: Vec::new(),
        };
        let (sure, unsure) = (piece(1.0, 0, 0.0), piece(1e-6, 40_000, 9.0));
        for by in &ColourBy::ALL[1..] {
            assert!(by.share(&sure) < BARE, "{by:?}");
            assert!((by.share(&unsure) - 1.0).abs() < 1e-3, "{by:?}");
        }
        let half = piece(0.5, 1, 1.0);
        assert!((ColourBy::Surprisal.share(&half) - 1.0 / SURPRISAL_FULL_BITS).abs() < 1e-6);
        assert!((ColourBy::Probability.share(&half) - 0.5).abs() < 1e-6);
        assert_eq!(ColourBy::Off.share(&unsure), 0.0);
    }
}
