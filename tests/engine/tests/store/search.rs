//! Searching titles and messages, whatever the script and however odd the words.

use super::{Bench, run, user};
use glassworks_protocol::chat::{ChatDocument, ChatKind, ChatRecord};
use glassworks_protocol::ids::ChatId;
use glassworks_protocol::{Edit, Stored};
use std::sync::Arc;

async fn found(bench: &Bench, query: &str) -> Vec<ChatId> {
    bench.store().chats(query, false).await.unwrap().iter().map(|c| c.id).collect()
}

#[test]
fn words_are_found_in_any_script_taken_literally() {
    run(async {
        let bench = Bench::new().await;
        let english = bench.talk("What is an Attention map?", "It shows 100% of the weights").await.chat.id;
        let chinese = bench.talk("请解释一下注意力机制", "注意力机制让模型关注重要的词").await.chat.id;
        let odd = bench
            .talk(r#"say "hi" AND NOT (foo*) OR col:bar"#, "C:\\path\\under_score 'single' -- ; DROP")
            .await
            .chat
            .id;
        for (query, wanted) in [
            ("attention", vec![english]),
            ("ATTENTION weights", vec![]),
            ("map attention", vec![english]),
            ("100%", vec![english]),
            ("0%", vec![english]),
            ("%", vec![english]),
            ("注意力", vec![chinese]),
            ("注意力机制让模型", vec![chinese]),
            ("机制", vec![chinese]),
            ("词", vec![chinese]),
            (r#""hi""#, vec![odd]),
            (r#"""#, vec![odd]),
            ("NOT (foo*)", vec![odd]),
            ("col:bar", vec![odd]),
            ("path\\under_", vec![odd]),
            ("\\", vec![odd]),
            ("_", vec![odd]),
            ("under.score", vec![]),
            ("'single'", vec![odd]),
            ("-- ;", vec![odd]),
            ("{map", vec![]),
            ("*", vec![odd]),
            ("", vec![odd, chinese, english]),
            (" \u{0} ", vec![odd, chinese, english]),
        ] {
            assert_eq!(found(&bench, query).await, wanted, "{query:?}");
        }
    });
}

#[test]
fn titles_match_and_excerpts_show_the_words() {
    run(async {
        let bench = Bench::new().await;
        let talk =
            bench.talk("Hello", &format!("{} the needle {}", "hay ".repeat(99), "hay ".repeat(99))).await;
        let chat = talk.chat.id;
        bench.store().edit(Edit::RenameChat { chat, title: String::from("Über Gläser") }).await.unwrap();
        let chats = bench.store().chats("über", false).await.unwrap();
        assert_eq!(chats[0].excerpt, None, "the title is the match");
        let chats = bench.store().chats("needle", false).await.unwrap();
        let excerpt = chats[0].excerpt.clone().unwrap();
        assert!(excerpt.contains("the needle") && excerpt.chars().count() < 140, "{excerpt}");
    });
}

#[test]
fn what_is_removed_or_edited_away_is_not_found() {
    run(async {
        let bench = Bench::new().await;
        let talk = bench.talk("Where is the treasure?", "Under the oak").await;
        let chat = talk.chat.id;
        assert_eq!(found(&bench, "oak").await, [chat]);
        bench.store().edit(Edit::RemoveMessage { chat, message: talk.reply }).await.unwrap();
        assert!(found(&bench, "oak").await.is_empty());
        bench.store().edit(Edit::Undo(chat)).await.unwrap();
        assert_eq!(found(&bench, "oak").await, [chat]);
        bench.store().edit(Edit::TrashChat(chat)).await.unwrap();
        assert!(found(&bench, "oak").await.is_empty());
        assert_eq!(bench.store().chats("oak", true).await.unwrap().len(), 1);
    });
}

#[test]
fn ten_thousand_messages_are_searched_whole() {
    run(async {
        let bench = Bench::new().await;
        let mut chats = Vec::new();
        for c in 0..20 {
            let mut chat = ChatRecord::new(ChatKind::Chat, c);
            chat.title = format!("Conversation {c}");
            chats.push(chat.id);
            let text = |n| format!("{n}: some words about glass and 玻璃, number {}", c * 500 + n);
            let messages = (0..500).map(|n| Arc::new(user(chat.id, None, &text(n)))).collect();
            bench.store().add_documents(vec![ChatDocument { chat, messages }]).await.unwrap();
        }
        assert_eq!(found(&bench, "number 7777").await, [chats[15]]);
        assert_eq!(found(&bench, "玻璃").await.len(), 20);
        assert_eq!(found(&bench, "glass 玻璃 words").await.len(), 20);
        let stored = bench.store().edit(Edit::TrashChat(chats[0])).await.unwrap();
        assert!(matches!(&stored[0], Stored::Chat { summary, .. } if summary.n_branches == 500));
    });
}
