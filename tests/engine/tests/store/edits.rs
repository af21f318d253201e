//! Every edit, its undo and its redo, also across a restart.

use super::{Bench, run, stored_chat, user};
use glassworks_protocol::chat::{ChatDocument, ChatKind, ChatRecord, Role, TemplateOptions};
use glassworks_protocol::ids::{ChatId, MessageId};
use glassworks_protocol::{Edit, FailureKind, Stored};
use std::sync::Arc;

/// Does `edit`, undoes and redoes it with a restart before each, and compares what is stored.
async fn there_and_back(bench: &mut Bench, chat: ChatId, edit: Edit) {
    let before = bench.document(chat).await;
    bench.store().edit(edit.clone()).await.unwrap();
    let after = bench.document(chat).await;
    assert_ne!(before.chat, after.chat, "{edit:?} changed nothing");
    for _ in 0..2 {
        bench.reopen().await;
        let stored = bench.store().edit(Edit::Undo(chat)).await.unwrap();
        assert!(matches!(stored.last(), Some(Stored::Undone { can_redo: true, .. })), "{stored:?}");
        let undone = bench.document(chat).await;
        assert_eq!(undone.messages, before.messages, "{edit:?} undone");
        let changed_at_ms = undone.chat.changed_at_ms;
        assert_eq!(undone.chat, ChatRecord { changed_at_ms, ..before.chat.clone() }, "{edit:?} undone");
        bench.reopen().await;
        let stored = bench.store().edit(Edit::Redo(chat)).await.unwrap();
        assert!(
            matches!(stored.last(), Some(Stored::Undone { can_undo: true, can_redo: false, .. })),
            "{stored:?}"
        );
        let redone = bench.document(chat).await;
        assert_eq!(redone.messages, after.messages, "{edit:?} redone");
        assert_eq!(redone.chat, after.chat, "{edit:?} redone");
    }
}

#[test]
fn every_undoable_edit_goes_there_and_back() {
    run(async {
        let mut bench = Bench::new().await;
        let talk = bench.talk("What is glass?", "Sand that was hot").await;
        let chat = talk.chat.id;
        let second = bench.say(&talk.chat, Some(talk.reply), "And lead?", "A heavy metal").await;
        let mut edited = user(chat, Some(second.question), "My own answer");
        edited.role = Role::Assistant;
        let tools = TemplateOptions { tools: String::from("[]"), ..TemplateOptions::default() };
        for edit in [
            Edit::RenameChat { chat, title: String::from("On  glass ") },
            Edit::SetSystemPrompt { chat, text: String::from("Be brief") },
            Edit::SetTemplate { chat, template: tools },
            Edit::AddMessage(Box::new(edited)),
            Edit::RemoveMessage { chat, message: second.question },
            Edit::TrashChat(chat),
            Edit::RestoreChat(chat),
        ] {
            there_and_back(&mut bench, chat, edit).await;
        }
        let mut n_undone = 0;
        while let Ok(stored) = bench.store().edit(Edit::Undo(chat)).await {
            n_undone += 1;
            let more = n_undone < 7;
            assert!(matches!(stored.last(), Some(Stored::Undone { can_undo, .. }) if *can_undo == more));
        }
        assert_eq!(n_undone, 7);
        let document = bench.document(chat).await;
        assert_eq!(document.chat.title, "What is glass?");
        assert_eq!(document.messages.len(), 4);
    });
}

#[test]
fn a_new_edit_cuts_what_could_be_redone() {
    run(async {
        let bench = Bench::new().await;
        let chat = bench.talk("Hello", "Hi").await.chat.id;
        let rename = |title: &str| Edit::RenameChat { chat, title: title.to_owned() };
        bench.store().edit(rename("one")).await.unwrap();
        bench.store().edit(rename("two")).await.unwrap();
        bench.store().edit(Edit::Undo(chat)).await.unwrap();
        bench.store().edit(rename("three")).await.unwrap();
        let refused = bench.store().edit(Edit::Redo(chat)).await.unwrap_err();
        assert_eq!(refused.summary.key, "failure.store_nothing_to_redo");
        bench.store().edit(Edit::Undo(chat)).await.unwrap();
        assert_eq!(bench.document(chat).await.chat.title, "one");
        // An edit that changes nothing is no edit.
        bench.store().edit(rename("one")).await.unwrap();
        bench.store().edit(Edit::Undo(chat)).await.unwrap();
        assert_eq!(bench.document(chat).await.chat.title, "Hello");
        let refused = bench.store().edit(Edit::Undo(chat)).await.unwrap_err();
        assert_eq!(refused.kind, FailureKind::Input);
    });
}

#[test]
fn undo_is_per_document() {
    run(async {
        let bench = Bench::new().await;
        let (one, two) = (bench.talk("One", "1").await.chat.id, bench.talk("Two", "2").await.chat.id);
        bench.store().edit(Edit::RenameChat { chat: one, title: String::from("first") }).await.unwrap();
        bench.store().edit(Edit::RenameChat { chat: two, title: String::from("second") }).await.unwrap();
        bench.store().edit(Edit::Undo(one)).await.unwrap();
        assert_eq!(bench.document(one).await.chat.title, "One");
        assert_eq!(bench.document(two).await.chat.title, "second");
    });
}

#[test]
fn removals_inside_removals_come_back_one_by_one() {
    run(async {
        let bench = Bench::new().await;
        let talk = bench.talk("one", "a").await;
        let chat = talk.chat.id;
        let second = bench.say(&talk.chat, Some(talk.reply), "two", "b").await;
        let other = bench.say(&talk.chat, Some(talk.reply), "two again", "c").await;
        let shown = async || bench.document(chat).await.messages.len();
        let remove = |message| Edit::RemoveMessage { chat, message };
        let stored = bench.store().edit(remove(other.question)).await.unwrap();
        assert!(stored.contains(&Stored::TreeChanged(chat)));
        assert_eq!(stored_chat(&stored).leaf, Some(second.reply), "the other branch is shown");
        assert_eq!(shown().await, 4);
        let stored = bench.store().edit(remove(talk.reply)).await.unwrap();
        assert_eq!(stored_chat(&stored).leaf, Some(talk.question));
        assert_eq!(shown().await, 1);
        let gone = bench.store().edit(remove(second.reply)).await.unwrap_err();
        assert_eq!(gone.kind, FailureKind::Missing);
        let stored = bench.store().edit(remove(talk.question)).await.unwrap();
        assert_eq!(stored_chat(&stored).leaf, None);
        assert_eq!(shown().await, 0);
        for wanted in [1, 4, 6] {
            bench.store().edit(Edit::Undo(chat)).await.unwrap();
            assert_eq!(shown().await, wanted);
        }
        assert_eq!(bench.document(chat).await.chat.leaf, Some(other.reply));
        let summary = &bench.store().chats("", false).await.unwrap()[0];
        assert_eq!((summary.n_messages, summary.n_branches), (6, 2));
    });
}

#[test]
fn drafts_branches_and_new_chats_are_kept_and_not_undoable() {
    run(async {
        let mut bench = Bench::new().await;
        let chat = ChatRecord::new(ChatKind::Completion, 7);
        for _ in 0..2 {
            let stored = bench.store().edit(Edit::CreateChat(chat.clone())).await.unwrap();
            assert_eq!(stored_chat(&stored), &chat);
        }
        let draft = Edit::SaveDraft { chat: chat.id, text: String::from("half a thought") };
        bench.store().edit(draft).await.unwrap();
        let talk = bench.talk("Q", "A").await;
        let leaf = Edit::ShowBranch { chat: talk.chat.id, leaf: talk.question };
        bench.store().edit(leaf).await.unwrap();
        bench.reopen().await;
        assert_eq!(
            bench.document(chat.id).await.chat,
            ChatRecord { draft: "half a thought".into(), ..chat.clone() }
        );
        assert_eq!(bench.document(talk.chat.id).await.chat.leaf, Some(talk.question));
        for id in [chat.id, talk.chat.id] {
            assert!(bench.store().edit(Edit::Undo(id)).await.is_err());
        }
        let elsewhere = Edit::ShowBranch { chat: chat.id, leaf: talk.question };
        assert_eq!(bench.store().edit(elsewhere).await.unwrap_err().kind, FailureKind::Missing);
    });
}

#[test]
fn the_trash_is_apart_and_emptied_on_request() {
    run(async {
        let bench = Bench::new().await;
        let mut ids = Vec::new();
        for n in 0..4 {
            ids.push(bench.talk(&format!("Chat {n}"), "ok").await.chat.id);
        }
        for id in &ids[..3] {
            bench.store().edit(Edit::TrashChat(*id)).await.unwrap();
        }
        // Twice is once: the time stays and the log too.
        bench.store().edit(Edit::TrashChat(ids[0])).await.unwrap();
        bench.store().edit(Edit::RestoreChat(ids[1])).await.unwrap();
        let listed = async |trashed| -> Vec<ChatId> {
            bench.store().chats("", trashed).await.unwrap().iter().map(|c| c.id).collect()
        };
        assert_eq!(listed(true).await, [ids[2], ids[0]], "newest in the trash first");
        assert_eq!(listed(false).await, [ids[3], ids[1]], "newest first");
        let stored = bench.store().edit(Edit::DeleteChatForever(ids[2])).await.unwrap();
        assert_eq!(stored, [Stored::ChatDeleted(ids[2])]);
        let stored = bench.store().edit(Edit::EmptyTrash).await.unwrap();
        assert_eq!(stored, [Stored::ChatDeleted(ids[0])]);
        assert!(listed(true).await.is_empty());
        assert_eq!(bench.store().chat(ids[0]).await.unwrap_err().kind, FailureKind::Missing);
        assert!(bench.store().chats("Chat 0", true).await.unwrap().is_empty());
        for edit in [
            Edit::TrashChat(ids[0]),
            Edit::Undo(ids[0]),
            Edit::DeleteChatForever(ids[0]),
            Edit::SaveDraft { chat: ids[0], text: String::new() },
            Edit::RemoveMessage { chat: ids[1], message: MessageId::mint() },
        ] {
            assert_eq!(bench.store().edit(edit).await.unwrap_err().kind, FailureKind::Missing);
        }
    });
}

#[test]
fn a_tree_thousands_deep_can_be_hidden_and_deleted() {
    run(async {
        let bench = Bench::new().await;
        let mut chat = ChatRecord::new(ChatKind::Chat, 1);
        let mut messages = vec![user(chat.id, None, "root")];
        for n in 0..3_000 {
            messages.push(user(chat.id, messages.last().map(|m| m.id), &format!("level {n}")));
        }
        chat.leaf = messages.last().map(|m| m.id);
        let root = messages[0].id;
        let (id, leaf) = (chat.id, chat.leaf);
        let messages = messages.into_iter().map(Arc::new).collect();
        bench.store().add_documents(vec![ChatDocument { chat, messages }]).await.unwrap();
        bench.store().edit(Edit::RemoveMessage { chat: id, message: root }).await.unwrap();
        assert!(bench.document(id).await.messages.is_empty());
        bench.store().edit(Edit::Undo(id)).await.unwrap();
        let document = bench.document(id).await;
        assert_eq!((document.messages.len(), document.chat.leaf), (3_001, leaf));
        bench.store().edit(Edit::DeleteChatForever(id)).await.unwrap();
        assert!(bench.store().chats("level", false).await.unwrap().is_empty());
    });
}
