//! Whatever is done to a conversation, in whatever order, leaves one valid tree.

use super::{Bench, pieces, run, stats, user, writer};
use glassworks_protocol::Edit;
use glassworks_protocol::chat::{ChatDocument, ChatRecord, MessageRecord, MessageStatus, Role};
use glassworks_protocol::generate::{BranchSpec, Forced, KeepReply};
use glassworks_protocol::ids::{ChatId, MessageId};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a person does; numbers choose among the messages that are there.
#[derive(Clone, Debug)]
enum Step {
    /// A question below a message, and its reply.
    Ask(usize),
    /// Another reply beside one.
    Again(usize),
    /// A reply that begins as another one does and parts from it.
    Branch {
        of: usize,
        n_kept: usize,
    },
    /// A message reworded by hand, beside the one it was.
    Reword(usize),
    Remove(usize),
    Show(usize),
    Undo,
    Redo,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let any = 0..1000usize;
    prop_oneof![
        4 => any.clone().prop_map(Step::Ask),
        2 => any.clone().prop_map(Step::Again),
        4 => (any.clone(), 0..6usize).prop_map(|(of, n_kept)| Step::Branch { of, n_kept }),
        3 => any.clone().prop_map(Step::Reword),
        3 => any.clone().prop_map(Step::Remove),
        2 => any.prop_map(Step::Show),
        5 => Just(Step::Undo),
        3 => Just(Step::Redo),
        1 => Just(Step::Restart),
    ]
}

struct Tree {
    bench: Bench,
    chat: ChatRecord,
    /// How many replies have been written, so that each says something of its own.
    n_written: usize,
}

impl Tree {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let chat = bench.talk("first", "one two three").await.chat;
        Self { bench, chat, n_written: 0 }
    }

    fn id(&self) -> ChatId {
        self.chat.id
    }

    async fn document(&self) -> ChatDocument {
        self.bench.document(self.id()).await
    }

    /// One of the messages that `fits`, if there are any.
    async fn pick(&self, n: usize, fits: impl Fn(&MessageRecord) -> bool) -> Option<Arc<MessageRecord>> {
        let all: Vec<Arc<MessageRecord>> =
            self.document().await.messages.into_iter().filter(|m| fits(m)).collect();
        (!all.is_empty()).then(|| Arc::clone(&all[n % all.len()]))
    }

    async fn reply(&mut self, parent: Option<MessageId>, branch: Option<BranchSpec>) {
        let keep = KeepReply {
            chat: self.chat.clone(),
            question: None,
            reply: MessageId::mint(),
            parent,
            branch: branch.clone(),
        };
        let begun = self.bench.store().begin_reply(&keep, &writer("SmolLM2")).await.unwrap();
        let mut tokens = begun.existing_tokens().to_vec();
        if let Some(branch) = &branch {
            let of = self.document().await.messages.into_iter().find(|m| m.id == branch.of).unwrap();
            let of = of.reply.as_ref().map(|reply| Arc::clone(&reply.tokens)).unwrap_or_default();
            let n = (branch.n_kept as usize).min(of.len());
            assert_eq!(tokens, of[..n], "a branch begins as the reply it parts from");
        }
        self.n_written += 1;
        tokens.extend(pieces(&format!("and then {}", self.n_written)));
        let text: String = tokens.iter().map(|piece| piece.text.as_str()).collect();
        let end = Some(stats(tokens.len() as u32));
        let store = self.bench.store();
        store.finish_reply(keep.reply, &text, &tokens, MessageStatus::Complete, end).await.unwrap();
    }

    async fn carry_out(&mut self, step: Step) {
        let is_reply = |m: &MessageRecord| m.reply.as_ref().is_some_and(|reply| !reply.tokens.is_empty());
        match step {
            Step::Ask(n) => {
                let parent = self.pick(n, |_| true).await.map(|m| m.id);
                let talk = self.bench.say(&self.chat, parent, "and?", "so it is").await;
                assert_eq!(self.document().await.chat.leaf, Some(talk.reply), "what is new is shown");
            }
            Step::Again(n) => {
                if let Some(reply) = self.pick(n, is_reply).await {
                    self.reply(reply.parent, None).await;
                }
            }
            Step::Branch { of, n_kept } => {
                if let Some(reply) = self.pick(of, is_reply).await {
                    let n_tokens = reply.reply.as_ref().map_or(0, |reply| reply.tokens.len());
                    let n_kept = n_kept.min(n_tokens) as u32;
                    let branch = BranchSpec { of: reply.id, n_kept, then: Forced::Token(7) };
                    self.reply(reply.parent, Some(branch)).await;
                }
            }
            Step::Reword(n) => {
                if let Some(of) = self.pick(n, |_| true).await {
                    let mut message = user(self.id(), of.parent, "in other words");
                    message.role = if of.role == Role::Assistant { Role::Assistant } else { Role::User };
                    self.bench.store().edit(Edit::AddMessage(Box::new(message))).await.unwrap();
                }
            }
            Step::Remove(n) => {
                if let Some(message) = self.pick(n, |_| true).await {
                    let edit = Edit::RemoveMessage { chat: self.id(), message: message.id };
                    self.bench.store().edit(edit).await.unwrap();
                }
            }
            Step::Show(n) => {
                if let Some(message) = self.pick(n, |_| true).await {
                    let edit = Edit::ShowBranch { chat: self.id(), leaf: message.id };
                    self.bench.store().edit(edit).await.unwrap();
                }
            }
            Step::Undo => drop(self.bench.store().edit(Edit::Undo(self.id())).await),
            Step::Redo => drop(self.bench.store().edit(Edit::Redo(self.id())).await),
            Step::Restart => self.bench.reopen().await,
        }
    }

    /// Undoes all there is and does it again: how often, and what there is then.
    async fn there_and_back(&mut self) -> (usize, ChatDocument) {
        let mut n = 0;
        while self.bench.store().edit(Edit::Undo(self.id())).await.is_ok() {
            n += 1;
            check(&self.document().await);
        }
        for _ in 0..n {
            self.bench.store().edit(Edit::Redo(self.id())).await.unwrap();
            check(&self.document().await);
        }
        (n, self.document().await)
    }
}

/// Each message is there once, its parent is there, no one is its own ancestor, and what is shown is one of them.
fn check(document: &ChatDocument) {
    let parents: HashMap<MessageId, Option<MessageId>> =
        document.messages.iter().map(|message| (message.id, message.parent)).collect();
    assert_eq!(parents.len(), document.messages.len(), "twice the same message");
    for message in &document.messages {
        assert_eq!(message.chat, document.chat.id);
        let mut seen = HashSet::from([message.id]);
        let mut at = message.parent;
        while let Some(id) = at {
            assert!(seen.insert(id), "its own ancestor");
            at = *parents.get(&id).expect("a parent that is not there");
        }
        if let Some(reply) = message.reply.as_ref().filter(|reply| !reply.tokens.is_empty()) {
            let text: String = reply.tokens.iter().map(|piece| piece.text.as_str()).collect();
            assert_eq!(text, message.text, "tokens are the text");
        }
    }
    match document.chat.leaf {
        Some(leaf) => assert!(parents.contains_key(&leaf), "what is shown is not there"),
        None => assert!(document.messages.is_empty(), "nothing is shown of what is there"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn any_sequence_of_steps_leaves_one_valid_tree(steps in proptest::collection::vec(step(), 1..30)) {
        run(async {
            let mut tree = Tree::new().await;
            for step in steps {
                tree.carry_out(step).await;
                check(&tree.document().await);
            }
            let before = tree.document().await;
            let (n, after) = tree.there_and_back().await;
            if n > 0 {
                assert_eq!(before.messages, after.messages, "undone and done again {n} times");
            }
        });
    }
}
