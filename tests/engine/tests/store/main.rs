//! The store on real files: edits and undo, replies, runs, search, durability, damage, exchange, backups.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod backups;
mod benches;
mod damage;
mod durability;
mod edits;
mod exchange;
mod library;
mod prompts;
mod replies;
mod runs;
mod search;
mod tree;
mod votes;

use glassworks_engine::home::{Home, Mode};
use glassworks_engine::store::Store;
use glassworks_protocol::chat::{
    ChatDocument, ChatKind, ChatRecord, MessageRecord, MessageStatus, ReplyRecord, Role,
};
use glassworks_protocol::generate::{
    Alternative, FinishReason, KeepReply, ReplyStats, SamplingPreset, TokenPiece,
};
use glassworks_protocol::ids::{ChatId, MessageId};
use glassworks_protocol::model::{ModelRef, Precision};
use glassworks_protocol::{Notice, Stored};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Runs a test's future as the engine does: on a current-thread runtime.
fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A home folder with its open store, and a clock that goes on by one at each look.
struct Bench {
    folder: tempfile::TempDir,
    store: Option<Store>,
    notices: Vec<Notice>,
    clock: Arc<AtomicI64>,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut bench =
            Self { folder, store: None, notices: Vec::new(), clock: Arc::new(AtomicI64::new(1_000)) };
        bench.open().await;
        bench
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn database(&self) -> PathBuf {
        self.path().join("glassworks.db")
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    async fn open(&mut self) {
        let home = Home::open(&self.path(), Mode::writer("test")).unwrap();
        let clock = Arc::clone(&self.clock);
        let clock = Arc::new(move || clock.fetch_add(1, Ordering::Relaxed));
        let (store, notices) = Store::open_with_clock(&home, clock).await.unwrap();
        self.store = Some(store);
        self.notices = notices;
    }

    async fn close(&mut self) {
        self.store.take().unwrap().close().await.unwrap();
    }

    async fn reopen(&mut self) {
        self.close().await;
        self.open().await;
    }

    async fn document(&self, chat: ChatId) -> ChatDocument {
        self.store().chat(chat).await.unwrap()
    }

    /// A chat with a question and a finished reply.
    async fn talk(&self, question: &str, answer: &str) -> Talk {
        let chat = ChatRecord::new(ChatKind::Chat, 1);
        self.say(&chat, None, question, answer).await
    }

    /// Another question and its reply below `parent`.
    async fn say(&self, chat: &ChatRecord, parent: Option<MessageId>, question: &str, answer: &str) -> Talk {
        let question = user(chat.id, parent, question);
        let keep = KeepReply {
            chat: chat.clone(),
            parent: Some(question.id),
            question: Some(question.clone()),
            reply: MessageId::mint(),
            branch: None,
        };
        self.store().begin_reply(&keep, &writer("SmolLM2")).await.unwrap();
        let tokens = pieces(answer);
        let stats = Some(stats(tokens.len() as u32));
        let status = MessageStatus::Complete;
        self.store().finish_reply(keep.reply, answer, &tokens, status, stats).await.unwrap();
        Talk { chat: chat.clone(), question: question.id, reply: keep.reply }
    }
}

struct Talk {
    chat: ChatRecord,
    question: MessageId,
    reply: MessageId,
}

fn user(chat: ChatId, parent: Option<MessageId>, text: &str) -> MessageRecord {
    MessageRecord {
        id: MessageId::mint(),
        chat,
        parent,
        role: Role::User,
        text: text.to_owned(),
        tail: String::new(),
        status: MessageStatus::Complete,
        created_at_ms: 5,
        reply: None,
    }
}

fn writer(name: &str) -> ReplyRecord {
    ReplyRecord {
        model: ModelRef {
            base: "ab".repeat(32),
            name: name.to_owned(),
            precision: Precision::Exact,
            tuned: None,
        },
        sampling: SamplingPreset::Playful.spec(),
        stats: None,
        tokens: Arc::default(),
    }
}

/// One piece a word, with alternatives.
fn pieces(text: &str) -> Vec<TokenPiece> {
    let alternative = |id: u32| Alternative {
        id,
        text: format!(" alternative{id}"),
        prob: 1.0 / (id + 2) as f32,
        sampled_prob: 0.1 * id as f32,
    };
    text.split_inclusive(' ')
        .enumerate()
        .map(|(idx, word)| TokenPiece {
            id: idx as u32,
            text: word.to_owned(),
            logprob: -1.0 / (idx + 3) as f32,
            sampled_prob: 0.7,
            rank: idx as u32 % 3,
            entropy: 1.25,
            top: (0..20).map(alternative).collect(),
        })
        .collect()
}

fn stats(n_new: u32) -> ReplyStats {
    ReplyStats {
        n_prompt: 12,
        n_reused: 4,
        n_dropped: 0,
        n_new,
        first_token_secs: 0.123,
        tokens_per_sec: 31.7,
        context_used: 12 + n_new,
        context_length: 2048,
        seed: 18_446_744_073_709_551_615,
        finish: FinishReason::StopString(String::from("\n\n")),
        precision: Precision::Exact,
        template: None,
        tuned_step: None,
    }
}

fn stored_chat(stored: &[Stored]) -> &ChatRecord {
    stored
        .iter()
        .find_map(|s| match s {
            Stored::Chat { chat, .. } => Some(&**chat),
            _ => None,
        })
        .expect("a stored chat")
}

/// Every file directly in `folder`, by name.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
