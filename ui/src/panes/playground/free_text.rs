//! Tokens in a free text: their ground, and the card of the one that is clicked.

use super::Playground;
use super::chips::ColourBy;
use super::doc::View;
use super::generated::Written;
use super::token_card::{self, Wish};
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, Weight};
use egui::text::{CCursor, LayoutJob, TextFormat};
use egui::{Galley, Pos2, Rect, Response, Ui};
use glassworks_protocol::chat::MessageRecord;
use std::ops::Range;
use std::sync::Arc;

/// A token as it stands in a text.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    bytes: Range<usize>,
    /// Index of its reply in the path.
    message: usize,
    token: usize,
}

/// The tokens that stand in the text as they were written, in order.
fn places(written: &Written, path: &[Arc<MessageRecord>]) -> Vec<Place> {
    let mut places = Vec::new();
    for stretch in &written.stretches {
        let Some(reply) = path.get(stretch.message).and_then(|message| message.reply.as_ref()) else {
            continue;
        };
        let mut at = 0;
        for (token, piece) in reply.tokens.iter().enumerate() {
            let (from, to) = (at, at + piece.text.len());
            at = to;
            let whole = from >= stretch.offset && to <= stretch.offset + stretch.range.len();
            if whole && from < to {
                let start = stretch.range.start + from - stretch.offset;
                places.push(Place { bytes: start..start + to - from, message: stretch.message, token });
            }
        }
    }
    places
}

/// The text with a ground behind what a model wrote: one for all, or one for each token.
pub fn tinted(
    written: &Written,
    path: &[Arc<MessageRecord>],
    by: ColourBy,
    t: &Tokens,
    width: f32,
) -> LayoutJob {
    let mut job = LayoutJob::default();
    job.wrap.max_width = width;
    job.keep_trailing_whitespace = true;
    let plain = TextFormat {
        font_id: Type::Prose.font(Weight::Regular),
        line_height: Some(Type::Prose.line()),
        color: t.text_1,
        ..TextFormat::default()
    };
    let mut at = 0;
    let mut add = |range: Range<usize>, ground: Option<egui::Color32>| {
        job.append(&written.text[at..range.start], 0.0, plain.clone());
        let background = ground.unwrap_or_default();
        job.append(
            &written.text[range.clone()],
            0.0,
            TextFormat { background, expand_bg: 0.0, ..plain.clone() },
        );
        at = range.end;
    };
    if by == ColourBy::Off {
        written.stretches.iter().for_each(|stretch| add(stretch.range.clone(), Some(t.chip[1])));
    } else {
        for place in places(written, path) {
            let reply = path.get(place.message).and_then(|message| message.reply.as_ref());
            let piece = reply.and_then(|reply| reply.tokens.get(place.token));
            add(place.bytes, piece.and_then(|piece| by.ground(t, piece)));
        }
    }
    job.append(&written.text[at..], 0.0, plain);
    job
}

impl Playground {
    /// What the pointer reads in the text, and the card of the token that was clicked.
    pub(super) fn free_text_chips(
        &mut self,
        ui: &Ui,
        cx: &mut PaneCx,
        view: &View,
        response: &Response,
        galley: &Galley,
        origin: Pos2,
    ) {
        if self.chips.by == ColourBy::Off {
            return;
        }
        let places = places(&self.editor.written, &view.path);
        let text = &self.editor.written.text;
        let pointed = response.hover_pos().and_then(|at| {
            let cursor = galley.cursor_from_pos(at - origin);
            let byte = text.char_indices().nth(cursor.index.0).map_or(text.len(), |(byte, _)| byte);
            // The cursor stands between two characters: which token is it that the pointer is over?
            let over =
                |place: &&Place| rect_of(galley, text, &place.bytes).translate(origin.to_vec2()).contains(at);
            places.iter().filter(|place| place.bytes.start <= byte && byte <= place.bytes.end).find(over)
        });
        let clicked = response.clicked() && pointed.is_some();
        if let Some(place) = pointed.filter(|_| clicked) {
            self.chips.open_card(view.path[place.message].id, place.token);
        }
        let piece_of =
            |place: &Place| view.path[place.message].reply.as_ref()?.tokens.get(place.token).cloned();
        let Some((message, token)) = self.chips.open else {
            if let Some(piece) = pointed.and_then(piece_of) {
                response.clone().on_hover_ui_at_pointer(|ui| token_card::glance(ui, cx, &piece));
            }
            return;
        };
        let open = places.iter().find(|place| view.path[place.message].id == message && place.token == token);
        let Some((place, piece)) = open.and_then(|place| Some((place, piece_of(place)?))) else {
            self.chips.open = None;
            return;
        };
        let at = rect_of(galley, text, &place.bytes).translate(origin.to_vec2());
        // A branch begins with what the messages say: what was changed since would be lost.
        let edited = self.editor.written.text != self.editor.as_messages;
        let off = match (view.job.is_some(), edited) {
            (true, _) => Some(cx.t("playground.busy")),
            (false, true) => Some(cx.t("playground.edited_text")),
            (false, false) => None,
        };
        match token_card::show(ui, cx, &piece, at, &mut self.chips.typed, off, clicked) {
            Wish::Nothing => {}
            Wish::Close => self.chips.open = None,
            Wish::Instead(then) => self.branch(cx, view, place.message, token, then),
        }
    }
}

/// Where these bytes of a text stand: the first line of them.
fn rect_of(galley: &Galley, text: &str, bytes: &Range<usize>) -> Rect {
    let chars = |byte: usize| text[..byte].chars().count();
    let at = |byte: usize, prefer_next_row| {
        galley.pos_from_cursor(CCursor { index: chars(byte).into(), prefer_next_row })
    };
    let (from, to) = (at(bytes.start, true), at(bytes.end, false));
    if from.top() == to.top() { from.union(to) } else { from.with_max_x(galley.rect.right()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::chat::{ChatKind, ChatRecord, MessageStatus, ReplyRecord, Role};
    use glassworks_protocol::generate::{SamplingPreset, TokenPiece};
    use glassworks_protocol::ids::MessageId;
    use glassworks_protocol::model::{ModelRef, Precision};

    fn message(role: Role, text: &str, tokens: &[&str]) -> Arc<MessageRecord> {
        let piece = |text: &&str| TokenPiece {
            id: 0,
            text: (*text).to_owned(),
            logprob: -9.0,
            sampled_prob: 1.0,
            rank: 0,
            entropy: 0.0,
            top: Vec::new(),
        };
        let model =
            ModelRef { base: String::new(), name: String::new(), precision: Precision::Exact, tuned: None };
        let reply = ReplyRecord {
            model,
            sampling: SamplingPreset::Steady.spec(),
            stats: None,
            tokens: Arc::new(tokens.iter().map(piece).collect()),
        };
        Arc::new(MessageRecord {
            id: MessageId::mint(),
            chat: ChatRecord::new(ChatKind::Completion, 0).id,
            parent: None,
            role,
            text: text.into(),
            tail: String::new(),
            status: MessageStatus::Complete,
            created_at_ms: 0,
            reply: (role == Role::Assistant).then_some(reply),
        })
    }

    #[test]
    fn tokens_stand_where_they_were_written_until_they_are_changed() {
        let path = [
            message(Role::Prompt, "Once", &[]),
            message(Role::Assistant, " upon a time", &[" upon", " a", "", " time"]),
        ];
        let mut written = Written::of_path(&path);
        let said = |written: &Written| -> Vec<(String, usize)> {
            places(written, &path)
                .iter()
                .map(|p| (written.text[p.bytes.clone()].to_owned(), p.token))
                .collect()
        };
        let whole = [(" upon".to_owned(), 0), (" a".to_owned(), 1), (" time".to_owned(), 3)];
        assert_eq!(said(&written), whole);
        written.change("Once, upon a time");
        assert_eq!(said(&written), whole);
        written.change("Once, upon X a time");
        assert_eq!(
            said(&written),
            [whole[0].clone(), whole[2].clone()],
            "a token that was cut is one no more"
        );
        let t = crate::theme::Tokens::new(true, false);
        let colours = |by| tinted(&written, &path, by, &t, 500.0).sections.len();
        assert!(colours(ColourBy::Surprisal) > 2 && colours(ColourBy::Off) > 2);
    }
}
