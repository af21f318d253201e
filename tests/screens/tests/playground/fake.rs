//! The engine's part, scripted: it keeps what it is given, and replies what the test says.

use glassworks_protocol::chat::{
    ChatDocument, ChatKind, ChatRecord, ChatSummary, MessageRecord, MessageStatus, ReplyRecord, Role,
    TemplateSource,
};
use glassworks_protocol::generate::{
    Alternative, FinishReason, GenerateSpec, KeepReply, PromptPreview, Reply, ReplyStats, SamplingSpec,
    TokenPiece,
};
use glassworks_protocol::ids::{ChatId, JobId, MessageId};
use glassworks_protocol::model::{ModelRef, Precision};
use glassworks_protocol::score::ScoreSpec;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{CheckpointRecord, RunRecord, TunedRef};
use glassworks_protocol::vote::VoteRecord;
use glassworks_protocol::{
    Command, Edit, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome, Page, Partial, Query, Stored,
};
use glassworks_tests_screens::{NOW_MS, Window};
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Default)]
pub struct Fake {
    pub chats: Vec<ChatRecord>,
    pub messages: Vec<Arc<MessageRecord>>,
    /// What the model will say, one reply after another.
    pub replies: VecDeque<&'static str>,
    /// How replies end.
    pub finish: Option<FinishReason>,
    /// Everything the window asked, in order.
    pub asked: Vec<Command>,
    /// A reply that was begun by [`Fake::begin`] and has not ended.
    pub open: Option<(JobId, GenerateSpec)>,
    /// Answers that are not kept, by what was asked.
    pub asides: Vec<(JobId, GenerateSpec)>,
    pub runs: Vec<Arc<RunRecord>>,
    pub checkpoints: Vec<Arc<CheckpointRecord>>,
    /// Replies that are to be read again.
    pub scores: Vec<(JobId, ScoreSpec)>,
    pub votes: Vec<Arc<VoteRecord>>,
    pub taken_back: Vec<Arc<VoteRecord>>,
}

/// A text in pieces of a word each, some of them surprising.
pub fn pieces(text: &str) -> Vec<TokenPiece> {
    let mut words: Vec<String> = Vec::new();
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if c != ' ' && c.is_ascii() && word.is_ascii() => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    let bits = [0.1, 0.4, 2.6, 0.2, 1.1, 0.3, 4.6, 0.8, 0.2, 1.9, 0.5];
    let piece = |(idx, text): (usize, String)| {
        let bits: f32 = bits[(idx * 7 + text.len()) % bits.len()];
        TokenPiece {
            id: idx as u32,
            text,
            logprob: -bits * std::f32::consts::LN_2,
            sampled_prob: (-bits).exp2(),
            rank: bits as u32,
            entropy: bits,
            top: alternatives(idx as u32, (-bits).exp2()),
        }
    };
    words.into_iter().enumerate().map(piece).collect()
}

/// The token `id` itself, of probability `prob`, and what else there was, the unlikeliest cut by the sampler.
fn alternatives(id: u32, prob: f32) -> Vec<Alternative> {
    let others = [" mirrors", " faces", " glasses", " prisms", " walls", "镜子"]
        .iter()
        .zip([0.5, 0.25, 0.12, 0.06, 0.03, 0.01]);
    let mut top: Vec<Alternative> = others
        .enumerate()
        .map(|(n, (text, share))| Alternative {
            id: 1000 + n as u32,
            text: (*text).to_owned(),
            prob: (1.0 - prob) * share,
            sampled_prob: if share > 0.02 { (1.0 - prob) * share * 1.2 } else { 0.0 },
        })
        .collect();
    top.push(Alternative { id, text: " this".into(), prob, sampled_prob: prob });
    top.sort_by(|a, b| b.prob.total_cmp(&a.prob));
    top
}

pub fn stats(n_new: u32, finish: FinishReason) -> ReplyStats {
    ReplyStats {
        n_prompt: 214 - n_new.min(200),
        n_reused: 171,
        n_dropped: 0,
        n_new,
        first_token_secs: 0.21,
        tokens_per_sec: 39.8,
        context_used: 214,
        context_length: 8192,
        seed: 20417,
        finish,
        precision: Precision::Exact,
        template: Some(TemplateSource::Model("tokenizer_config.json".into())),
        tuned_step: None,
    }
}

pub fn message(chat: ChatId, parent: Option<MessageId>, role: Role, text: &str) -> MessageRecord {
    let reply = (role == Role::Assistant).then(|| {
        let tokens = Arc::new(pieces(text));
        let stats = stats(tokens.len() as u32, FinishReason::EndOfText);
        let model = ModelRef {
            base: "ab".repeat(32),
            name: "SmolLM2-135M-Instruct".into(),
            precision: Precision::Exact,
            tuned: None,
        };
        ReplyRecord { model, sampling: SamplingSpec::default(), stats: Some(stats), tokens }
    });
    MessageRecord {
        id: MessageId::mint(),
        chat,
        parent,
        role,
        text: text.into(),
        tail: String::new(),
        status: MessageStatus::Complete,
        created_at_ms: NOW_MS,
        reply,
    }
}

impl Fake {
    /// A stored chat of alternating turns, as the home had it before.
    pub fn chat(&mut self, title: &str, turns: &[&str]) -> ChatId {
        let mut chat = ChatRecord::new(ChatKind::Chat, NOW_MS);
        chat.title = title.into();
        let id = chat.id;
        let mut parent = None;
        for (idx, text) in turns.iter().enumerate() {
            let role = if idx % 2 == 0 { Role::User } else { Role::Assistant };
            let message = message(id, parent, role, text);
            parent = Some(message.id);
            self.messages.push(Arc::new(message));
        }
        chat.leaf = parent;
        self.chats.push(chat);
        id
    }

    pub fn summary(&self, id: ChatId) -> ChatSummary {
        let chat = self.chats.iter().find(|c| c.id == id).expect("a known chat");
        let messages: Vec<_> = self.messages.iter().filter(|m| m.chat == id).collect();
        let leaves = messages.iter().filter(|m| !messages.iter().any(|k| k.parent == Some(m.id))).count();
        ChatSummary {
            id,
            kind: chat.kind,
            title: chat.title.clone(),
            changed_at_ms: chat.changed_at_ms,
            trashed_at_ms: chat.trashed_at_ms,
            n_messages: messages.len() as u32,
            n_branches: leaves.max(1) as u32,
            model_name: messages.iter().rev().find_map(|m| m.reply.as_ref()).map(|r| r.model.name.clone()),
            excerpt: None,
        }
    }

    pub fn summaries(&self) -> Vec<ChatSummary> {
        self.chats.iter().filter(|c| c.trashed_at_ms.is_none()).map(|c| self.summary(c.id)).collect()
    }

    /// Answers everything the window asked, until it asks nothing more.
    pub fn answer(&mut self, window: &mut Window) {
        loop {
            let commands = window.commands();
            if commands.is_empty() {
                return;
            }
            for command in commands {
                self.asked.push(command.clone());
                self.command(window, command);
            }
            window.run();
        }
    }

    fn command(&mut self, window: &Window, command: Command) {
        let say = |event| window.engine.outbox.send(event);
        match command {
            Command::Start(job, JobSpec::Generate(spec)) if spec.keep.is_none() => {
                self.asides.push((job, *spec));
            }
            Command::Start(job, JobSpec::Score(spec)) => self.scores.push((job, *spec)),
            Command::Fetch(id, Query::Votes) => say(Event::Fetched(id, Page::Votes(self.votes.clone()))),
            Command::Fetch(id, Query::Runs) => say(Event::Fetched(id, Page::Runs(self.runs.clone()))),
            Command::Fetch(id, Query::Checkpoints) => {
                say(Event::Fetched(id, Page::Checkpoints(self.checkpoints.clone())));
            }
            Command::Start(job, JobSpec::Generate(spec)) => {
                self.begin(window, job, *spec);
                if !self.replies.is_empty() {
                    self.end(window);
                }
            }
            Command::Start(job, JobSpec::PreviewPrompt { .. }) => {
                let preview = PromptPreview {
                    text: "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n".into(),
                    n_tokens: 12,
                    context_length: 8192,
                    template: Some(TemplateSource::Model("tokenizer_config.json".into())),
                };
                say(Event::Settled(job, Outcome::Done(JobOutput::Preview(Arc::new(preview)))));
            }
            Command::Start(job, JobSpec::CheckSchema(schema)) => {
                let outcome = if schema.contains("objekt") {
                    let summary = Text::new("failure.schema_unusable");
                    Outcome::Failed(Failure::new(FailureKind::Input, summary).detail("unknown type: objekt"))
                } else {
                    Outcome::Done(JobOutput::SchemaChecked { warnings: Vec::new() })
                };
                say(Event::Settled(job, outcome));
            }
            Command::Start(job, JobSpec::LoadModel(_)) => {
                let card = glassworks_tests_screens::fixtures::model("any", false).card.clone();
                say(Event::Settled(job, Outcome::Done(JobOutput::Loaded(Arc::new(card)))));
            }
            Command::Cancel(job) if self.open.as_ref().is_some_and(|(id, _)| *id == job) => self.stop(window),
            Command::Edit(_, edit) => self.edit(window, edit),
            Command::Fetch(id, Query::Chat(chat)) => {
                if let Some(record) = self.chats.iter().find(|c| c.id == chat) {
                    let messages = self.messages.iter().filter(|m| m.chat == chat).cloned().collect();
                    let document = ChatDocument { chat: record.clone(), messages };
                    say(Event::Fetched(id, Page::Chat(Arc::new(document))));
                }
            }
            Command::Fetch(id, Query::Chats { search, trashed }) => {
                let found = self.chats.iter().filter(|c| {
                    c.trashed_at_ms.is_some() == trashed
                        && (c.title.contains(&search)
                            || self.messages.iter().any(|m| m.chat == c.id && m.text.contains(&search)))
                });
                let rows = found.map(|c| self.summary(c.id)).collect();
                say(Event::Fetched(id, Page::Chats(rows)));
            }
            _ => {}
        }
    }

    /// Edits of votes; says whether this was one.
    fn vote(&mut self, window: &Window, edit: &Edit) -> bool {
        let say = |stored| window.engine.outbox.send(Event::Stored(stored));
        match edit {
            Edit::AddVote(vote) => {
                self.votes.push(Arc::new((**vote).clone()));
                say(Stored::Vote(Arc::new((**vote).clone())));
            }
            Edit::RemoveVote(id) => {
                let at = self.votes.iter().position(|vote| vote.id == *id).expect("a vote");
                self.taken_back.push(self.votes.remove(at));
                say(Stored::VoteRemoved(*id));
            }
            Edit::RestoreVote(id) => {
                let at = self.taken_back.iter().position(|vote| vote.id == *id).expect("a vote");
                self.votes.push(self.taken_back.remove(at));
                say(Stored::Vote(self.votes.last().expect("just there").clone()));
            }
            Edit::ResetVotes { .. } => {
                self.taken_back = std::mem::take(&mut self.votes);
                say(Stored::VotesReset);
            }
            Edit::UndoVotesReset { .. } => {
                self.votes = std::mem::take(&mut self.taken_back);
                self.votes.iter().for_each(|vote| say(Stored::Vote(Arc::clone(vote))));
            }
            _ => return false,
        }
        true
    }

    fn edit(&mut self, window: &Window, edit: Edit) {
        if self.vote(window, &edit) {
            return;
        }
        let id = match &edit {
            Edit::CreateChat(chat) => {
                self.chats.push(chat.clone());
                chat.id
            }
            Edit::RenameChat { chat, .. }
            | Edit::SetSystemPrompt { chat, .. }
            | Edit::SetTemplate { chat, .. }
            | Edit::SaveDraft { chat, .. }
            | Edit::ShowBranch { chat, .. }
            | Edit::RemoveMessage { chat, .. }
            | Edit::TrashChat(chat)
            | Edit::RestoreChat(chat) => *chat,
            Edit::AddMessage(message) => {
                self.messages.push(Arc::new((**message).clone()));
                message.chat
            }
            Edit::DeleteChatForever(chat) => {
                self.chats.retain(|c| c.id != *chat);
                return window.engine.outbox.send(Event::Stored(Stored::ChatDeleted(*chat)));
            }
            _ => return,
        };
        let chat = self.chats.iter_mut().find(|c| c.id == id).expect("a known chat");
        match edit {
            Edit::RenameChat { title, .. } => chat.title = title,
            Edit::SetSystemPrompt { text, .. } => chat.system_prompt = text,
            Edit::SetTemplate { template, .. } => chat.template = template,
            Edit::SaveDraft { text, .. } => chat.draft = text,
            Edit::ShowBranch { leaf, .. } => chat.leaf = Some(leaf),
            Edit::TrashChat(_) => chat.trashed_at_ms = Some(NOW_MS),
            Edit::RestoreChat(_) => chat.trashed_at_ms = None,
            Edit::AddMessage(message) => chat.leaf = Some(message.id),
            Edit::RemoveMessage { message, .. } => {
                let parent = self.messages.iter().find(|m| m.id == message).and_then(|m| m.parent);
                self.messages.retain(|m| m.id != message && m.parent != Some(message));
                chat.leaf = parent;
                window.engine.outbox.send(Event::Stored(Stored::TreeChanged(id)));
            }
            _ => {}
        }
        self.say_chat(window, id);
    }

    fn tuned_ref(&self, spec: &GenerateSpec) -> Option<TunedRef> {
        let tuned = spec.tuned?;
        self.runs.iter().find(|run| run.id == tuned.run).map(|run| tuned.named(run))
    }

    fn say_chat(&self, window: &Window, id: ChatId) {
        let chat = Arc::new(self.chats.iter().find(|c| c.id == id).expect("a known chat").clone());
        let summary = Arc::new(self.summary(id));
        window.engine.outbox.send(Event::Stored(Stored::Chat { chat, summary }));
    }

    /// Stores the question and the reply's place, as the engine does before the model starts.
    fn begin(&mut self, window: &Window, job: JobId, spec: GenerateSpec) {
        let KeepReply { chat, question, reply, parent, branch } = spec.keep.clone().expect("kept");
        if !self.chats.iter().any(|c| c.id == chat.id) {
            self.chats.push(chat.clone());
        }
        let record = self.chats.iter_mut().find(|c| c.id == chat.id).expect("just put there");
        record.leaf = Some(reply);
        if record.title.is_empty()
            && let Some(question) = &question
        {
            record.title = question.text.chars().take(40).collect();
        }
        let mut stored: Vec<MessageRecord> = question.into_iter().collect();
        match self.messages.iter_mut().find(|m| m.id == reply) {
            Some(old) => Arc::make_mut(old).status = MessageStatus::Streaming,
            None => {
                let mut new = message(chat.id, parent, Role::Assistant, "");
                new.id = reply;
                new.status = MessageStatus::Streaming;
                if let Some(record) = &mut new.reply {
                    record.model.tuned = self.tuned_ref(&spec);
                    record.stats = None;
                    record.tokens = Arc::default();
                }
                if let Some(branch) = branch {
                    let of = self.messages.iter().find(|m| m.id == branch.of).expect("a reply to part from");
                    let kept =
                        of.reply.as_ref().expect("with tokens").tokens[..branch.n_kept as usize].to_vec();
                    new.text = kept.iter().map(|piece| piece.text.as_str()).collect();
                    new.reply.as_mut().expect("a reply").tokens = Arc::new(kept);
                }
                stored.push(new);
            }
        }
        for message in stored {
            let message = Arc::new(message);
            self.messages.push(Arc::clone(&message));
            window.engine.outbox.send(Event::Stored(Stored::Message(message)));
        }
        self.say_chat(window, chat.id);
        self.open = Some((job, spec));
    }

    /// The open reply gets these words.
    pub fn write(&mut self, window: &mut Window, text: &str) {
        let (job, spec) = self.open.as_ref().expect("an open reply");
        let id = spec.keep.as_ref().expect("kept").reply;
        let message = self.messages.iter_mut().find(|m| m.id == id).map(Arc::make_mut).expect("its message");
        let tokens = &mut message.reply.as_mut().expect("a reply").tokens;
        let first = tokens.len() as u32;
        let new = pieces(text);
        Arc::make_mut(tokens).extend(new.clone());
        message.text.push_str(text);
        let prompt = Partial::PromptRead { n_prompt: 40, n_reused: 12, context_length: 8192 };
        window.engine.outbox.send(Event::Partial(*job, prompt));
        window.tell(Event::Partial(*job, Partial::Tokens { first, pieces: new }));
    }

    /// The open reply gets the next scripted words and ends.
    pub fn end(&mut self, window: &Window) {
        let text = self.replies.pop_front().unwrap_or_default();
        let finish = self.finish.clone().unwrap_or(FinishReason::EndOfText);
        self.finish_with(window, text, MessageStatus::Complete, finish);
    }

    fn stop(&mut self, window: &Window) {
        self.finish_with(window, "", MessageStatus::Stopped, FinishReason::Cancelled);
    }

    fn finish_with(&mut self, window: &Window, text: &str, status: MessageStatus, finish: FinishReason) {
        let (job, spec) = self.open.take().expect("an open reply");
        let keep = spec.keep.expect("kept");
        let message =
            self.messages.iter_mut().find(|m| m.id == keep.reply).map(Arc::make_mut).expect("its message");
        message.text.push_str(text);
        message.status = status;
        let record = message.reply.as_mut().expect("a reply");
        Arc::make_mut(&mut record.tokens).extend(pieces(text));
        let stats = stats(record.tokens.len() as u32, finish);
        record.stats = Some(stats.clone());
        let reply = Reply { text: message.text.clone(), tokens: record.tokens.to_vec(), stats };
        window.engine.outbox.send(Event::Stored(Stored::Message(Arc::new(message.clone()))));
        self.say_chat(window, keep.chat.id);
        let outcome = match status {
            MessageStatus::Stopped => Outcome::Cancelled,
            _ => Outcome::Done(JobOutput::Replied(Arc::new(reply))),
        };
        window.engine.outbox.send(Event::Settled(job, outcome));
    }

    /// The newest thing that was asked to be written.
    pub fn last_generate(&self) -> GenerateSpec {
        let generate = |c: &Command| match c {
            Command::Start(_, JobSpec::Generate(spec)) => Some((**spec).clone()),
            _ => None,
        };
        self.asked.iter().rev().find_map(generate).expect("a reply was asked for")
    }
}
