//! Databases that are broken in one way or another: set aside, what can be read recovered, all of it said.

use super::{Bench, names, run};
use glassworks_protocol::chat::{ChatDocument, MessageRecord};
use glassworks_protocol::ids::MessageId;
use glassworks_protocol::text::Language;
use glassworks_protocol::{FailureKind, Notice};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PAGE: usize = 4096;

/// A closed home with some chats, and what is in it.
struct Before {
    bench: Bench,
    documents: Vec<ChatDocument>,
    bytes: Vec<u8>,
}

async fn before() -> Before {
    let mut bench = Bench::new().await;
    let mut documents = Vec::new();
    for n in 0..6 {
        let talk = bench.talk(&format!("Question {n} 玻璃"), &format!("answer {n} ").repeat(30)).await;
        let long = format!("A long one {n}: {}", "glass ".repeat(1_500));
        bench.say(&talk.chat, Some(talk.reply), &long, "short").await;
        documents.push(bench.document(talk.chat.id).await);
    }
    bench.close().await;
    let bytes = std::fs::read(bench.database()).unwrap();
    assert_eq!(names(&bench.path()).iter().filter(|n| n.starts_with("glassworks.db")).count(), 1);
    Before { bench, documents, bytes }
}

impl Before {
    /// Opens the home with `bytes` as its database; returns how many messages are there.
    async fn open_with(&mut self, bytes: &[u8]) -> usize {
        for name in names(&self.bench.path()) {
            if name.starts_with("glassworks.") && name != "glassworks.lock" {
                std::fs::remove_file(self.bench.path().join(name)).unwrap();
            }
        }
        std::fs::write(self.bench.database(), bytes).unwrap();
        self.bench.open().await;
        let n = self.check().await;
        // It is a database to work with.
        let talk = self.bench.talk("After all", "it works").await;
        assert_eq!(self.bench.store().chats("after all", false).await.unwrap().len(), 1);
        self.bench.document(talk.chat.id).await;
        self.bench.reopen().await;
        assert!(self.bench.notices.is_empty(), "said once: {:?}", self.bench.notices);
        self.bench.close().await;
        n
    }

    /// Whatever came back is what was there.
    async fn check(&self) -> usize {
        let originals: HashMap<MessageId, &Arc<MessageRecord>> =
            self.documents.iter().flat_map(|d| &d.messages).map(|m| (m.id, m)).collect();
        let mut n = 0;
        for summary in self.bench.store().chats("", false).await.unwrap() {
            for message in &self.bench.document(summary.id).await.messages {
                let original = originals[&message.id];
                assert_eq!(message.text, original.text);
                assert_eq!((message.role, message.status), (original.role, original.status));
                n += 1;
            }
        }
        n
    }

    fn n_messages(&self) -> usize {
        self.documents.iter().map(|d| d.messages.len()).sum()
    }

    /// The one file set aside, as the notice names it.
    fn aside(&self) -> PathBuf {
        let aside: Vec<String> = names(&self.bench.path())
            .into_iter()
            .filter(|n| n.starts_with("glassworks.corrupt-") && n.ends_with(".db"))
            .collect();
        assert_eq!(aside.len(), 1, "{aside:?}");
        self.bench.path().join(&aside[0])
    }
}

fn alert(notices: &[Notice], aside: &Path) {
    let [Notice::Alert(failure)] = notices else { panic!("{notices:?}") };
    assert_eq!(failure.kind, FailureKind::Io);
    for language in Language::ALL {
        let hint = language.render(failure.hint.as_ref().unwrap());
        assert!(hint.contains(aside.to_str().unwrap()), "{hint}");
        assert!(!language.render(&failure.summary).contains('{'));
    }
}

/// Bytes that are no page of any kind.
fn garbage(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as u8 | 0x80).collect()
}

#[test]
fn a_sound_database_is_left_alone() {
    run(async {
        let mut before = before().await;
        let bytes = before.bytes.clone();
        let n = before.open_with(&bytes).await;
        assert_eq!(n, before.n_messages());
        assert!(!names(&before.bench.path()).iter().any(|n| n.contains("corrupt")));
    });
}

#[test]
fn files_that_are_no_database_are_set_aside_as_they_are() {
    run(async {
        let mut before = before().await;
        let text = b"Dear diary, this is not a database.".to_vec();
        for bytes in [Vec::new(), text, garbage(3 * PAGE), b"SQLite format 3\0".to_vec()] {
            std::fs::write(before.bench.database(), &bytes).unwrap();
            before.bench.open().await;
            let aside = before.aside();
            alert(&before.bench.notices, &aside);
            assert_eq!(std::fs::read(&aside).unwrap(), bytes);
            before.bench.close().await;
            assert_eq!(before.open_with(&bytes).await, 0);
            std::fs::remove_file(before.aside()).unwrap();
        }
    });
}

#[test]
fn truncated_files_give_back_what_is_left() {
    run(async {
        let mut before = before().await;
        let whole = before.bytes.clone();
        let mut most = 0;
        for part in 1..8 {
            let n = before.open_with(&whole[..whole.len() * part / 8]).await;
            assert!(before.aside().exists());
            most = most.max(n);
        }
        assert!(most > before.n_messages() / 2, "{most} of {}", before.n_messages());
    });
}

#[test]
fn one_broken_page_costs_no_more_than_what_was_on_it() {
    run(async {
        let mut before = before().await;
        let whole = before.bytes.clone();
        let mut worst = usize::MAX;
        // The first pages hold the schema and the roots of all tables; further on, some will do.
        for page in (0..whole.len() / PAGE).filter(|page| *page < 8 || page % 5 == 0) {
            let mut bytes = whole.clone();
            bytes[page * PAGE..(page + 1) * PAGE].copy_from_slice(&garbage(PAGE));
            worst = worst.min(before.open_with(&bytes).await);
        }
        assert!(worst > before.n_messages() / 2, "{worst} of {}", before.n_messages());
    });
}

#[test]
fn a_database_broken_before_its_log_was_folded_in_is_recovered_with_it() {
    run(async {
        let mut before = before().await;
        before.bench.open().await;
        let late = before.bench.talk("Only in the log", "so far").await;
        // As a crash would leave them: closing folds the log in, and dropping may do so at any moment.
        let database = before.bench.database();
        let log = database.with_extension("db-wal");
        let (mut bytes, in_log) = (std::fs::read(&database).unwrap(), std::fs::read(&log).unwrap());
        before.bench.close().await;
        let middle = bytes.len() / PAGE / 2 * PAGE;
        bytes[middle..middle + PAGE].copy_from_slice(&garbage(PAGE));
        std::fs::write(&database, &bytes).unwrap();
        std::fs::write(&log, &in_log).unwrap();
        assert!(!in_log.is_empty(), "it is in the log that the late chat stands");
        before.bench.open().await;
        let document = before.bench.document(late.chat.id).await;
        assert_eq!(document.messages[0].text, "Only in the log");
    });
}
