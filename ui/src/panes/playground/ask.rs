//! From what stands in a document to what the engine is asked: pure, so that it can be tested without a window.

use glassworks_protocol::JobSpec;
use glassworks_protocol::chat::{ChatKind, ChatRecord, MessageRecord, MessageStatus, Role, Turn};
use glassworks_protocol::generate::{
    BranchSpec, FinishReason, Forced, GenerateSpec, KeepReply, ModelSource, Overflow, Prompt, SamplingSpec,
    TokenPiece,
};
use glassworks_protocol::ids::{MessageId, ModelId};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::train::TunedSource;
use std::sync::Arc;

/// What every request has in common.
#[derive(Clone, Debug)]
pub struct Asker {
    pub model: ModelId,
    /// What a run made of it.
    pub tuned: Option<TunedSource>,
    pub sampling: SamplingSpec,
    pub precision: Precision,
    pub cache: CacheWidth,
    pub now_ms: i64,
}

impl Asker {
    /// A new message at the end of `path`, and a reply to it.
    #[must_use]
    pub fn send(&self, chat: &ChatRecord, path: &[Arc<MessageRecord>], text: &str) -> JobSpec {
        let parent = path.last().map(|m| m.id);
        let question = self.message(chat, parent, role_of_prompt(chat.kind), text, "");
        self.reply_to(chat, path, Some(question), MessageId::mint())
    }

    /// Another wording of the message `idx` of `path`, as its sibling, and a reply to it.
    #[must_use]
    pub fn resend(
        &self,
        chat: &ChatRecord,
        path: &[Arc<MessageRecord>],
        idx: usize,
        text: &str,
    ) -> Option<JobSpec> {
        let old = path.get(idx)?;
        let question = self.message(chat, old.parent, old.role, text, &old.tail);
        Some(self.reply_to(chat, &path[..idx], Some(question), MessageId::mint()))
    }

    /// Another reply beside the reply `idx` of `path`, or a first one to the message there. A question that never
    /// got to disk, as `is_unstored` tells, goes along once more.
    #[must_use]
    pub fn regenerate(
        &self,
        chat: &ChatRecord,
        path: &[Arc<MessageRecord>],
        idx: usize,
        is_unstored: impl Fn(MessageId) -> bool,
    ) -> Option<JobSpec> {
        let at = path.get(idx)?;
        let end = if at.role == Role::Assistant { idx } else { idx + 1 };
        let (question, before) = path[..end].split_last()?;
        if is_unstored(question.id) {
            let question = MessageRecord::clone(question);
            return Some(self.reply_to(chat, before, Some(question), MessageId::mint()));
        }
        Some(self.reply_to(chat, &path[..end], None, MessageId::mint()))
    }

    /// The reply `idx` of `path` goes on where it ended.
    #[must_use]
    pub fn go_on(&self, chat: &ChatRecord, path: &[Arc<MessageRecord>], idx: usize) -> Option<JobSpec> {
        let reply = path.get(idx).filter(|m| m.role == Role::Assistant)?;
        Some(self.reply_to(chat, &path[..idx], None, reply.id))
    }

    /// The reply `idx` of `path` up to its token `n_kept`, then `then`, and on from there: a sibling of it.
    #[must_use]
    pub fn branch(
        &self,
        chat: &ChatRecord,
        path: &[Arc<MessageRecord>],
        idx: usize,
        n_kept: usize,
        then: Forced,
    ) -> Option<JobSpec> {
        let of = path.get(idx).filter(|m| m.role == Role::Assistant)?.id;
        let JobSpec::Generate(mut spec) = self.reply_to(chat, &path[..idx], None, MessageId::mint()) else {
            return None;
        };
        let keep = spec.keep.as_mut()?;
        keep.branch = Some(BranchSpec { of, n_kept: n_kept as u32, then });
        Some(JobSpec::Generate(spec))
    }

    /// A free text goes on at the cursor: all of it before the cursor, and what stands after it.
    #[must_use]
    pub fn complete(
        &self,
        chat: &ChatRecord,
        path: &[Arc<MessageRecord>],
        before: &str,
        after: &str,
    ) -> JobSpec {
        let parent = path.last().map(|m| m.id);
        let question = self.message(chat, parent, Role::Prompt, before, after);
        self.reply_to(chat, path, Some(question), MessageId::mint())
    }

    /// A new question, to be stored by whoever wants it.
    #[must_use]
    pub fn question(
        &self,
        chat: &ChatRecord,
        parent: Option<MessageId>,
        text: &str,
        tail: &str,
    ) -> MessageRecord {
        let tail = if chat.kind == ChatKind::Completion { tail } else { "" };
        self.message(chat, parent, role_of_prompt(chat.kind), text, tail)
    }

    /// An answer to `text` after `path` that is not kept.
    #[must_use]
    pub fn aside(&self, chat: &ChatRecord, path: &[Arc<MessageRecord>], text: &str) -> GenerateSpec {
        GenerateSpec {
            model: ModelSource::Library(self.model),
            adapter: None,
            tuned: self.tuned,
            prompt: prompt(chat, path, text),
            sampling: self.sampling.clone(),
            precision: self.precision,
            cache: self.cache,
            overflow: Overflow::DropOldest,
            keep: None,
        }
    }

    /// What the model would be given if `draft` were sent now.
    #[must_use]
    pub fn preview(&self, chat: &ChatRecord, path: &[Arc<MessageRecord>], draft: &str) -> JobSpec {
        JobSpec::PreviewPrompt { model: ModelSource::Library(self.model), prompt: prompt(chat, path, draft) }
    }

    /// An edited reply: a message of its own beside the one it came from.
    #[must_use]
    pub fn edited_reply(&self, chat: &ChatRecord, old: &MessageRecord, text: &str) -> MessageRecord {
        self.message(chat, old.parent, Role::Assistant, text, "")
    }

    fn message(
        &self,
        chat: &ChatRecord,
        parent: Option<MessageId>,
        role: Role,
        text: &str,
        tail: &str,
    ) -> MessageRecord {
        MessageRecord {
            id: MessageId::mint(),
            chat: chat.id,
            parent,
            role,
            text: text.to_owned(),
            tail: tail.to_owned(),
            status: MessageStatus::Complete,
            created_at_ms: self.now_ms,
            reply: None,
        }
    }

    fn reply_to(
        &self,
        chat: &ChatRecord,
        path: &[Arc<MessageRecord>],
        question: Option<MessageRecord>,
        reply: MessageId,
    ) -> JobSpec {
        let last = question.as_ref().or_else(|| path.last().map(AsRef::as_ref));
        let prompt = match chat.kind {
            ChatKind::Completion => Prompt::Text(last.map(|m| m.text.clone()).unwrap_or_default()),
            ChatKind::Chat => {
                let mut turns = turns(chat, path);
                if let Some(question) = &question {
                    add_turn(&mut turns, "user", &question.text);
                }
                Prompt::Chat { turns, template: chat.template.clone() }
            }
        };
        let parent = last.map(|m| m.id);
        let chat = ChatRecord { draft: String::new(), ..chat.clone() };
        JobSpec::Generate(Box::new(GenerateSpec {
            model: ModelSource::Library(self.model),
            adapter: None,
            tuned: self.tuned,
            prompt,
            sampling: self.sampling.clone(),
            precision: self.precision,
            cache: self.cache,
            // A conversation outgrows any context; what had to be left out is said under the reply.
            overflow: Overflow::DropOldest,
            keep: Some(KeepReply { chat, question, reply, parent, branch: None }),
        }))
    }
}

/// What is said after `path`, if anything, for the model.
fn prompt(chat: &ChatRecord, path: &[Arc<MessageRecord>], text: &str) -> Prompt {
    match chat.kind {
        ChatKind::Completion => Prompt::Text(text.to_owned()),
        ChatKind::Chat => {
            let mut turns = turns(chat, path);
            if !text.is_empty() {
                add_turn(&mut turns, "user", text);
            }
            Prompt::Chat { turns, template: chat.template.clone() }
        }
    }
}

/// What a reply after `path` was written to.
#[must_use]
pub fn prompt_of(chat: &ChatRecord, path: &[Arc<MessageRecord>]) -> Prompt {
    let last = path.last().map(|message| message.text.as_str()).unwrap_or_default();
    prompt(chat, path, if chat.kind == ChatKind::Completion { last } else { "" })
}

/// The conversation as a template sees it.
#[must_use]
pub fn turns(chat: &ChatRecord, path: &[Arc<MessageRecord>]) -> Vec<Turn> {
    let system = chat.system_prompt.trim();
    let mut turns = Vec::with_capacity(path.len() + 1);
    if !system.is_empty() {
        turns.push(Turn::new("system", system));
    }
    for message in path {
        let role = if message.role == Role::Assistant { "assistant" } else { "user" };
        add_turn(&mut turns, role, &message.text);
    }
    turns
}

/// Replies that came to nothing are left out, and what was said in a row is one turn: many templates insist on
/// turns that alternate.
fn add_turn(turns: &mut Vec<Turn>, role: &str, text: &str) {
    if role == "assistant" && text.is_empty() {
        return;
    }
    match turns.last_mut() {
        Some(last) if last.role == role => {
            last.content.push_str("\n\n");
            last.content.push_str(text);
        }
        _ => turns.push(Turn::new(role, text)),
    }
}

/// How much of a reply stays when its text has become `text`: as many of its tokens, and what follows them.
#[must_use]
pub fn kept_of<'t>(tokens: &[TokenPiece], text: &'t str) -> (usize, &'t str) {
    let (mut n_kept, mut rest, mut after) = (0, text, text);
    for (at, piece) in tokens.iter().enumerate() {
        let Some(left) = after.strip_prefix(piece.text.as_str()) else { break };
        after = left;
        // Half a character is kept with its other half only, and an end of text not at all.
        if !piece.text.is_empty() {
            (n_kept, rest) = (at + 1, left);
        }
    }
    (n_kept, rest)
}

/// Whether there is something to go on from: it was cut off, and not by its own end.
#[must_use]
pub fn can_go_on(message: &MessageRecord) -> bool {
    let Some(reply) = message.reply.as_ref().filter(|_| message.role == Role::Assistant) else {
        return false;
    };
    // Text without tokens was written by hand or by another program: there is nothing to take up.
    if reply.tokens.is_empty() && !message.text.is_empty() {
        return false;
    }
    match message.status {
        MessageStatus::Interrupted | MessageStatus::Stopped => true,
        MessageStatus::Failed => !reply.tokens.is_empty(),
        MessageStatus::Complete => reply.stats.as_ref().is_some_and(|s| s.finish == FinishReason::Length),
        MessageStatus::Streaming => false,
    }
}

fn role_of_prompt(kind: ChatKind) -> Role {
    match kind {
        ChatKind::Chat => Role::User,
        ChatKind::Completion => Role::Prompt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::chat::ReplyRecord;
    use glassworks_protocol::generate::{SamplingPreset, TokenPiece};
    use glassworks_protocol::model::ModelRef;

    fn asker() -> Asker {
        Asker {
            model: ModelId::mint(),
            tuned: None,
            sampling: SamplingPreset::Steady.spec(),
            precision: Precision::Exact,
            cache: CacheWidth::Full,
            now_ms: 7,
        }
    }

    fn generate(spec: JobSpec) -> GenerateSpec {
        match spec {
            JobSpec::Generate(spec) => *spec,
            other => panic!("{other:?}"),
        }
    }

    /// A question and its reply.
    fn conversation(chat: &ChatRecord) -> Vec<Arc<MessageRecord>> {
        let asker = asker();
        let question = asker.message(chat, None, Role::User, "Why?", "");
        let reply = asker.message(chat, Some(question.id), Role::Assistant, "So.", "");
        vec![Arc::new(question), Arc::new(reply)]
    }

    fn roles(prompt: &Prompt) -> String {
        match prompt {
            Prompt::Chat { turns, .. } => {
                turns.iter().map(|t| format!("{}:{}", t.role, t.content)).collect::<Vec<_>>().join(" ")
            }
            Prompt::Text(text) => text.clone(),
        }
    }

    #[test]
    fn a_message_goes_to_the_end_with_all_before_it() {
        let mut chat = ChatRecord::new(ChatKind::Chat, 0);
        chat.system_prompt = " Be brief ".into();
        chat.draft = "And?".into();
        let path = conversation(&chat);
        let spec = generate(asker().send(&chat, &path, "And?"));
        assert_eq!(roles(&spec.prompt), "system:Be brief user:Why? assistant:So. user:And?");
        let keep = spec.keep.expect("kept");
        let question = keep.question.expect("a question");
        assert_eq!(question.parent, Some(path[1].id));
        assert_eq!(keep.parent, Some(question.id));
        assert!(keep.chat.draft.is_empty(), "what is sent is no draft any more");
    }

    #[test]
    fn a_reply_that_came_to_nothing_is_no_turn() {
        let chat = ChatRecord::new(ChatKind::Chat, 0);
        let mut path = conversation(&chat);
        Arc::make_mut(&mut path[1]).text.clear();
        let spec = generate(asker().send(&chat, &path, "Well?"));
        assert_eq!(roles(&spec.prompt), "user:Why?\n\nWell?");
    }

    #[test]
    fn another_wording_and_another_reply_are_siblings() {
        let chat = ChatRecord::new(ChatKind::Chat, 0);
        let path = conversation(&chat);
        let keep = generate(asker().resend(&chat, &path, 0, "How?").expect("a spec")).keep.expect("kept");
        assert_eq!(keep.question.expect("a question").parent, None);

        let spec = generate(asker().regenerate(&chat, &path, 1, |_| false).expect("a spec"));
        assert_eq!(roles(&spec.prompt), "user:Why?");
        let keep = spec.keep.expect("kept");
        assert_eq!((keep.parent, keep.question.is_none()), (Some(path[0].id), true));
        assert_ne!(keep.reply, path[1].id);

        let on_question = generate(asker().regenerate(&chat, &path, 0, |_| false).expect("a spec"));
        assert_eq!(on_question.keep.expect("kept").parent, Some(path[0].id));

        let lost = generate(asker().regenerate(&chat, &path, 1, |id| id == path[0].id).expect("a spec"));
        assert_eq!(roles(&lost.prompt), "user:Why?");
        let keep = lost.keep.expect("kept");
        assert_eq!(keep.question.as_ref(), Some(&*path[0]), "it is to be stored this time");
        assert_eq!(keep.parent, Some(path[0].id));
    }

    #[test]
    fn going_on_keeps_the_reply() {
        let chat = ChatRecord::new(ChatKind::Chat, 0);
        let path = conversation(&chat);
        let spec = generate(asker().go_on(&chat, &path, 1).expect("a spec"));
        let keep = spec.keep.expect("kept");
        assert_eq!((keep.reply, keep.parent), (path[1].id, Some(path[0].id)));
        assert!(asker().go_on(&chat, &path, 0).is_none(), "a question does not go on");
        assert!(asker().go_on(&chat, &path, 9).is_none());
    }

    #[test]
    fn only_a_cut_reply_with_its_tokens_goes_on() {
        let chat = ChatRecord::new(ChatKind::Chat, 0);
        let mut reply = MessageRecord::clone(&conversation(&chat)[1]);
        reply.status = MessageStatus::Interrupted;
        assert!(!can_go_on(&reply), "written by hand: {reply:?}");
        let record = ReplyRecord {
            model: ModelRef {
                base: String::new(),
                name: String::new(),
                precision: Precision::Exact,
                tuned: None,
            },
            sampling: SamplingPreset::Steady.spec(),
            stats: None,
            tokens: Arc::default(),
        };
        reply.reply = Some(record.clone());
        assert!(!can_go_on(&reply), "text without tokens");
        let token = TokenPiece {
            id: 1,
            text: "So.".into(),
            logprob: 0.0,
            sampled_prob: 1.0,
            rank: 0,
            entropy: 0.0,
            top: Vec::new(),
        };
        reply.reply = Some(ReplyRecord { tokens: Arc::new(vec![token]), ..record.clone() });
        assert!(can_go_on(&reply));
        reply.status = MessageStatus::Complete;
        assert!(!can_go_on(&reply), "it ended by itself");
        (reply.status, reply.text) = (MessageStatus::Interrupted, String::new());
        reply.reply = Some(record);
        assert!(can_go_on(&reply), "interrupted before its first word");
    }

    #[test]
    fn a_branch_stands_beside_what_it_parts_from() {
        let chat = ChatRecord::new(ChatKind::Chat, 0);
        let path = conversation(&chat);
        let spec = generate(asker().branch(&chat, &path, 1, 3, Forced::Token(7)).expect("a spec"));
        assert_eq!(roles(&spec.prompt), "user:Why?");
        let keep = spec.keep.expect("kept");
        assert_eq!((keep.parent, keep.question.is_none()), (Some(path[0].id), true));
        assert_ne!(keep.reply, path[1].id);
        assert_eq!(keep.branch, Some(BranchSpec { of: path[1].id, n_kept: 3, then: Forced::Token(7) }));
        assert!(asker().branch(&chat, &path, 0, 0, Forced::Token(7)).is_none(), "a question was not drawn");
    }

    #[test]
    fn tokens_stay_up_to_the_first_change() {
        let piece = |text: &str| TokenPiece {
            id: 1,
            text: text.into(),
            logprob: 0.0,
            sampled_prob: 1.0,
            rank: 0,
            entropy: 0.0,
            top: Vec::new(),
        };
        let tokens: Vec<TokenPiece> = ["So", " it", "", "玻", " is", ""].into_iter().map(piece).collect();
        assert_eq!(kept_of(&tokens, "So it玻 is"), (5, ""));
        assert_eq!(kept_of(&tokens, "So it玻 was"), (4, " was"));
        assert_eq!(kept_of(&tokens, "So it璃"), (2, "璃"));
        assert_eq!(kept_of(&tokens, "No"), (0, "No"));
        assert_eq!(kept_of(&[], "by hand"), (0, "by hand"));
    }

    #[test]
    fn a_free_text_goes_on_at_the_cursor() {
        let chat = ChatRecord::new(ChatKind::Completion, 0);
        let spec = generate(asker().complete(&chat, &[], "Once", " the end"));
        assert_eq!(roles(&spec.prompt), "Once");
        let question = spec.keep.expect("kept").question.expect("a prompt");
        assert_eq!((question.role, question.tail.as_str()), (Role::Prompt, " the end"));
    }
}
