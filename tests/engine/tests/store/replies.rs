//! A reply from its beginning to its end, and what a crash leaves of it.

use super::{Bench, pieces, run, stats, stored_chat, user, writer};
use glassworks_engine::home::{Home, Mode};
use glassworks_engine::store::Store;
use glassworks_protocol::chat::{ChatKind, ChatRecord, MessageStatus, Role};
use glassworks_protocol::generate::KeepReply;
use glassworks_protocol::ids::MessageId;
use glassworks_protocol::{Edit, FailureKind, Stored};

fn keep(chat: &ChatRecord, question: &str) -> KeepReply {
    let question = user(chat.id, None, question);
    KeepReply {
        chat: chat.clone(),
        parent: Some(question.id),
        question: Some(question),
        reply: MessageId::mint(),
        branch: None,
    }
}

#[test]
fn beginning_saves_everything_at_once() {
    run(async {
        let bench = Bench::new().await;
        let chat = ChatRecord::new(ChatKind::Chat, 1);
        let keep = keep(&chat, "## Why is glass *clear*? I wonder.");
        let begun = bench.store().begin_reply(&keep, &writer("SmolLM2")).await.unwrap();
        assert!(begun.existing_tokens().is_empty());
        assert_eq!(begun.reply.status, MessageStatus::Streaming);
        let messages: Vec<MessageId> = begun
            .stored
            .iter()
            .filter_map(|s| if let Stored::Message(m) = s { Some(m.id) } else { None })
            .collect();
        assert_eq!(messages, [keep.parent.unwrap(), keep.reply]);
        let chat = stored_chat(&begun.stored);
        assert_eq!((chat.title.as_str(), chat.leaf), ("Why is glass clear?", Some(keep.reply)));
        let document = bench.document(chat.id).await;
        assert_eq!(document.messages.len(), 2);
        assert_eq!(*document.messages[1], *begun.reply);
        // The same once more, as after a failure of the model: nothing doubles.
        bench.store().begin_reply(&keep, &writer("SmolLM2")).await.unwrap();
        assert_eq!(bench.document(chat.id).await.messages.len(), 2);
    });
}

#[test]
fn a_finished_reply_is_exactly_what_was_written() {
    run(async {
        let mut bench = Bench::new().await;
        let talk = bench.talk("Count", &"one two three ".repeat(900)).await;
        bench.reopen().await;
        let document = bench.document(talk.chat.id).await;
        let reply = document.messages[1].reply.clone().unwrap();
        assert_eq!(*reply.tokens, pieces(&"one two three ".repeat(900)));
        assert_eq!(reply.stats, Some(stats(2_700)));
        assert_eq!(reply.sampling, writer("x").sampling);
        assert_eq!(reply.model, writer("SmolLM2").model);
        let summary = &bench.store().chats("", false).await.unwrap()[0];
        assert_eq!(summary.model_name.as_deref(), Some("SmolLM2"));
    });
}

#[test]
fn a_crash_leaves_what_was_saved_marked_interrupted_and_it_can_go_on() {
    run(async {
        let mut bench = Bench::new().await;
        let chat = ChatRecord::new(ChatKind::Chat, 1);
        let keep = keep(&chat, "Tell me a story");
        bench.store().begin_reply(&keep, &writer("SmolLM2")).await.unwrap();
        let all = pieces("once upon a time there was a lamp");
        for n in [2, 2, 5] {
            let text: String = all[..n].iter().map(|p| p.text.as_str()).collect();
            bench.store().save_reply_progress(keep.reply, &text, &all[..n]).await.unwrap();
        }
        // No close: the process is gone.
        bench.store = None;
        bench.open().await;
        let document = bench.document(chat.id).await;
        let reply = &document.messages[1];
        assert_eq!(reply.status, MessageStatus::Interrupted);
        assert_eq!(reply.text, "once upon a time there ");
        assert_eq!(*reply.reply.as_ref().unwrap().tokens, all[..5]);
        assert_eq!(bench.store().chats("upon a", false).await.unwrap().len(), 1, "it can be found");

        let begun = bench.store().begin_reply(&keep, &writer("SmolLM2")).await.unwrap();
        assert_eq!(*begun.existing_tokens(), all[..5]);
        assert_eq!(begun.reply.text, "once upon a time there ");
        let text = "once upon a time there was a lamp";
        bench.store().save_reply_progress(keep.reply, text, &all).await.unwrap();
        let stored = bench
            .store()
            .finish_reply(keep.reply, text, &all, MessageStatus::Stopped, Some(stats(8)))
            .await
            .unwrap();
        assert!(stored.iter().any(|s| matches!(s, Stored::Message(m) if m.status == MessageStatus::Stopped)));
        let document = bench.document(chat.id).await;
        assert_eq!(*document.messages[1].reply.as_ref().unwrap().tokens, all);
        assert_eq!(bench.store().chats("lamp", false).await.unwrap().len(), 1);
    });
}

#[test]
fn going_on_from_before_the_end_of_text_stores_what_is_there_now() {
    run(async {
        let mut bench = Bench::new().await;
        let talk = bench.talk("Go on", "one two end").await;
        let again = KeepReply {
            chat: talk.chat.clone(),
            question: None,
            reply: talk.reply,
            parent: Some(talk.question),
            branch: None,
        };
        bench.store().begin_reply(&again, &writer("SmolLM2")).await.unwrap();
        let tokens = pieces("one two three four");
        bench.store().save_reply_progress(talk.reply, "one two three ", &tokens[..3]).await.unwrap();
        bench.store().save_reply_progress(talk.reply, "one two three four", &tokens).await.unwrap();
        bench.store = None;
        bench.open().await;
        let document = bench.document(talk.chat.id).await;
        assert_eq!(*document.messages[1].reply.as_ref().unwrap().tokens, tokens);
    });
}

#[test]
fn regenerating_adds_a_sibling() {
    run(async {
        let bench = Bench::new().await;
        let talk = bench.talk("Hello", "Hi").await;
        let again = KeepReply {
            chat: talk.chat.clone(),
            question: None,
            reply: MessageId::mint(),
            parent: Some(talk.question),
            branch: None,
        };
        let begun = bench.store().begin_reply(&again, &writer("TinyLlama")).await.unwrap();
        assert_eq!(stored_chat(&begun.stored).leaf, Some(again.reply));
        let summary = &bench.store().chats("", false).await.unwrap()[0];
        assert_eq!((summary.n_messages, summary.n_branches), (3, 2));
        assert_eq!(summary.model_name.as_deref(), Some("TinyLlama"));
        assert_eq!(summary.title, "Hello");
    });
}

#[test]
fn a_title_by_hand_stays_and_an_emptied_one_is_made_anew() {
    run(async {
        let bench = Bench::new().await;
        let mut chat = ChatRecord::new(ChatKind::Completion, 1);
        chat.title = String::from("Mine");
        chat.titled_by_hand = true;
        let mut prompt = keep(&chat, "In the beginning");
        prompt.question.as_mut().unwrap().role = Role::Prompt;
        prompt.question.as_mut().unwrap().tail = String::from(" the end");
        bench.store().begin_reply(&prompt, &writer("glassllm")).await.unwrap();
        let document = bench.document(chat.id).await;
        assert_eq!(document.chat.title, "Mine");
        assert_eq!(document.messages[0].tail, " the end");
        let rename = Edit::RenameChat { chat: chat.id, title: String::from("  ") };
        let stored = bench.store().edit(rename).await.unwrap();
        assert_eq!(stored_chat(&stored).title, "In the beginning");
        assert!(!stored_chat(&stored).titled_by_hand);
    });
}

#[test]
fn replies_to_what_is_gone_are_refused() {
    run(async {
        let bench = Bench::new().await;
        let talk = bench.talk("Hello", "Hi").await;
        let chat = talk.chat.id;
        bench.store().edit(Edit::RemoveMessage { chat, message: talk.question }).await.unwrap();
        let late = KeepReply {
            chat: talk.chat.clone(),
            question: None,
            reply: MessageId::mint(),
            parent: Some(talk.question),
            branch: None,
        };
        let refused = bench.store().begin_reply(&late, &writer("m")).await.unwrap_err();
        assert_eq!(refused.kind, FailureKind::Missing);
        bench.store().edit(Edit::Undo(chat)).await.unwrap();
        let mut by_hand = user(chat, Some(talk.question), "Written by hand");
        by_hand.role = Role::Assistant;
        let go_on = KeepReply { reply: by_hand.id, ..late };
        bench.store().edit(Edit::AddMessage(Box::new(by_hand))).await.unwrap();
        let refused = bench.store().begin_reply(&go_on, &writer("m")).await.unwrap_err();
        assert_eq!(refused.summary.key, "failure.store_cannot_continue");
        assert_eq!(bench.document(chat).await.messages[2].text, "Written by hand");
        bench.store().edit(Edit::DeleteChatForever(chat)).await.unwrap();
        let refused = bench.store().save_reply_progress(talk.reply, "x", &[]).await.unwrap_err();
        assert_eq!(refused.kind, FailureKind::Missing);
    });
}

#[test]
fn readers_see_what_a_writer_stores_and_write_nothing() {
    run(async {
        let bench = Bench::new().await;
        let home = Home::open(&bench.path(), Mode::Reader).unwrap();
        let (reader, _) = Store::open(&home).await.unwrap();
        assert!(reader.chats("", false).await.unwrap().is_empty());
        let talk = bench.talk("Hello", "Hi").await;
        assert_eq!(reader.chats("hello", false).await.unwrap().len(), 1);
        let refused = reader.edit(Edit::TrashChat(talk.chat.id)).await.unwrap_err();
        assert_eq!(refused.summary.key, "failure.store_read_only");
        let nowhere = Home::open(&bench.path().join("none"), Mode::Reader).unwrap();
        let (empty, notices) = Store::open(&nowhere).await.unwrap();
        assert!(notices.is_empty() && empty.models().await.unwrap().is_empty());
        assert!(!nowhere.path().exists());
    });
}
