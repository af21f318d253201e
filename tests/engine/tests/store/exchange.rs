//! Chats out to files and back, and files that other programs wrote.

use super::{Bench, pieces, run, stored_chat, user, writer};
use glassworks_engine::store::transfer::{self, Incoming};
use glassworks_protocol::chat::{
    ChatDocument, ChatFormat, ChatKind, ChatRecord, MessageRecord, MessageStatus, ReplyRecord, Role,
};
use glassworks_protocol::ids::MessageId;
use glassworks_protocol::text::Language;
use glassworks_protocol::{Edit, Stored};
use std::sync::Arc;

fn read(text: &str) -> Incoming {
    transfer::read(text.as_bytes(), "chats.json", 9_000).unwrap()
}

#[track_caller]
fn no_problems(incoming: &Incoming) {
    assert!(incoming.problems.is_empty(), "{:?}", incoming.problems);
}

/// Role, text and tail of each message on the shown path.
fn path(document: &ChatDocument) -> Vec<(Role, &str, &str)> {
    let mut path = Vec::new();
    let mut at = document.chat.leaf;
    while let Some(message) = document.messages.iter().find(|m| Some(m.id) == at) {
        path.push((message.role, message.text.as_str(), message.tail.as_str()));
        at = message.parent;
    }
    path.reverse();
    path
}

#[test]
fn json_is_exact_and_ids_that_exist_are_minted_anew() {
    run(async {
        let bench = Bench::new().await;
        let talk = bench.talk("Why is\n```\nglass\n```\nclear?", "Because \u{1F}of 玻璃 👩‍👩‍👧‍👦").await;
        bench.say(&talk.chat, Some(talk.reply), "And again?", "Yes").await;
        bench.say(&talk.chat, Some(talk.reply), "A branch", "No").await;
        let mut document = bench.document(talk.chat.id).await;
        let mut odd = MessageRecord::clone(&document.messages[1]);
        let mut tokens = pieces("0.1 and others");
        tokens[0].logprob = f32::NEG_INFINITY;
        tokens[1].logprob = -f32::MIN_POSITIVE;
        tokens[2].entropy = 1.0 / 3.0;
        odd.reply.as_mut().unwrap().tokens = Arc::new(tokens);
        document.messages[1] = Arc::new(odd);

        let text = transfer::write(std::slice::from_ref(&document), ChatFormat::Json, Language::English, 1);
        let incoming = read(&text);
        no_problems(&incoming);
        assert_eq!(incoming.documents, [document.clone()]);

        let stored = bench.store().add_documents(incoming.documents).await.unwrap();
        let copy = bench.document(stored_chat(&stored).id).await;
        assert_ne!(copy.chat.id, document.chat.id);
        assert_eq!(path(&copy), path(&document));
        assert_eq!(copy.messages.len(), 6);
        assert!(copy.messages.iter().all(|m| document.messages.iter().all(|o| o.id != m.id)));
        assert_eq!(copy.messages[1].reply, document.messages[1].reply);

        bench.store().edit(Edit::DeleteChatForever(document.chat.id)).await.unwrap();
        let stored = bench.store().add_documents(read(&text).documents).await.unwrap();
        assert!(matches!(&stored[..], [Stored::Chat { .. }]));
        assert_eq!(bench.document(document.chat.id).await, document, "the same ids where they are free");
    });
}

fn message(chat: &ChatRecord, parent: Option<MessageId>, role: Role, text: &str) -> MessageRecord {
    MessageRecord { role, ..user(chat.id, parent, text) }
}

#[test]
fn markdown_keeps_the_shown_path_whatever_is_written_in_it() {
    let nasty = [
        "# A heading\n\n## You\n\ntext",
        "```markdown\n## Model\n```",
        "<!-- glassworks {\"part\":\"user\"} -->\n## You\n\nnot a turn",
        "\\<!-- glassworks {\"part\":\"user\"} -->",
        "\\\\<!-- glassworks next -->\n<!-- glassworks next -->",
        "---\ntitle: x\n---",
        "ends in newlines\n\n\n",
        "\n\nbegins with newlines",
        "",
        "\n",
        "carriage\r\nreturns\r",
        "trailing spaces  \n\ttab",
        "中文 👩‍👩‍👧‍👦 e\u{301} --> -- <!--",
    ];
    for language in Language::ALL {
        let mut chat = ChatRecord::new(ChatKind::Chat, 1_700_000_000_123);
        chat.title = String::from("A \"title\": with # and\u{7f}");
        chat.titled_by_hand = true;
        chat.system_prompt = String::from("Be brief\n## You\n");
        let mut messages = Vec::new();
        let mut parent = None;
        for (idx, text) in nasty.iter().enumerate() {
            let role = if idx % 2 == 0 { Role::User } else { Role::Assistant };
            let mut message = message(&chat, parent, role, text);
            if role == Role::Assistant {
                let mut model = writer("Smol --> LM2").model;
                model.name.push('>');
                message.reply = Some(ReplyRecord { model, ..writer("x") });
                message.status = MessageStatus::Stopped;
            }
            parent = Some(message.id);
            messages.push(Arc::new(message));
        }
        messages.push(Arc::new(message(&chat, None, Role::User, "on another branch")));
        chat.leaf = parent;
        let document = ChatDocument { chat, messages };
        let both = [document.clone(), document.clone()];
        let text = transfer::write(&both, ChatFormat::Markdown, language, 1);
        let incoming = read(&text);
        no_problems(&incoming);
        assert_eq!(incoming.documents.len(), 2);
        for read in &incoming.documents {
            assert_eq!(path(read), path(&document));
            assert_eq!(read.chat.title, document.chat.title);
            assert_eq!(read.chat.system_prompt, document.chat.system_prompt);
            assert_eq!(read.chat.created_at_ms, document.chat.created_at_ms);
            assert_eq!(read.messages[1].status, MessageStatus::Stopped);
            assert_eq!(
                read.messages[1].reply.as_ref().unwrap().model,
                document.messages[1].reply.as_ref().unwrap().model
            );
        }
    }
}

#[test]
fn markdown_of_completions_keeps_what_stands_after_the_cursor() {
    let mut chat = ChatRecord::new(ChatKind::Completion, 5);
    chat.draft = String::from("Alice was\n");
    let mut prompt = message(&chat, None, Role::Prompt, "Alice was ");
    prompt.tail = String::from("\nThe end");
    let reply = message(&chat, Some(prompt.id), Role::Assistant, "beginning to");
    chat.leaf = Some(reply.id);
    let document = ChatDocument { chat, messages: vec![Arc::new(prompt), Arc::new(reply)] };
    let text = transfer::write(std::slice::from_ref(&document), ChatFormat::Markdown, Language::Chinese, 1);
    assert!(text.contains("## 续写"), "{text}");
    let incoming = read(&text);
    no_problems(&incoming);
    let read = &incoming.documents[0];
    assert_eq!(path(read), path(&document));
    assert_eq!((read.chat.kind, read.chat.draft.as_str()), (ChatKind::Completion, "Alice was\n"));
    // An editor that changes line ends changes no turns.
    let incoming = self::read(&text.replace('\n', "\r\n"));
    no_problems(&incoming);
    assert_eq!(incoming.documents[0].messages.len(), 2);
}

#[test]
fn what_other_programs_write_comes_in() {
    let openai = r#"{"messages":[{"role":"system","content":"Be kind"},{"role":"user","content":"Hi. There"},
        {"role":"assistant","content":[{"type":"text","text":"Hello"}]}]}"#;
    let incoming = read(openai);
    no_problems(&incoming);
    let document = &incoming.documents[0];
    assert_eq!(document.chat.system_prompt, "Be kind");
    assert_eq!(document.chat.title, "Hi. There");
    assert_eq!(path(document), [(Role::User, "Hi. There", ""), (Role::Assistant, "Hello", "")]);

    let sharegpt = r#"[{"id":"1","title":"Mine","conversations":[{"from":"human","value":"你好"},{"from":"gpt","value":"您好"}]},
        {"conversations":[{"from":"human","value":"Two"}]}]"#;
    let incoming = read(sharegpt);
    no_problems(&incoming);
    assert_eq!(incoming.documents.len(), 2);
    assert_eq!(incoming.documents[0].chat.title, "Mine");
    assert_eq!(path(&incoming.documents[0]).len(), 2);

    let lines = format!("{}\n{}\n", openai.replace('\n', " "), openai.replace('\n', " "));
    assert_eq!(read(&lines).documents.len(), 2);
    assert_eq!(read(&format!("\u{feff}{openai}")).documents.len(), 1);
}

#[test]
fn what_cannot_be_read_is_said() {
    let incoming = read(
        r#"[{"messages":[{"role":"user","content":[{"type":"text","text":"Look"},{"type":"image_url"}]},
            {"role":"tool","content":"42"},{"role":"assistant"},{"role":"system","content":"late"}]},
            {"something":"else"}]"#,
    );
    let keys: Vec<&str> = incoming.problems.iter().map(|p| p.key.as_ref()).collect();
    assert_eq!(
        keys,
        [
            "failure.import_part_left_out",
            "failure.import_message_unreadable",
            "failure.import_message_unreadable",
            "failure.import_system_late",
            "failure.import_chat_unreadable",
        ]
    );
    assert_eq!(path(&incoming.documents[0]), [(Role::User, "Look", "")]);
    for problem in &incoming.problems {
        for language in Language::ALL {
            assert!(!language.render(problem).contains(['{', '}']), "{problem:?}");
        }
    }
    for nothing in
        ["", "hello", "{}", "[]", "[1,2]", "42", "{\"messages\":[]}", "---\ntitle: x\n---\n", "\u{0}"]
    {
        let failure = transfer::read(nothing.as_bytes(), "x.json", 1).unwrap_err();
        assert_eq!(failure.summary.key, "failure.import_unknown", "{nothing}");
    }
    assert!(transfer::read(&[0xff, 0xfe, 0], "x.json", 1).is_err());
}

#[test]
fn damaged_exports_give_what_is_left_of_them() {
    run(async {
        let bench = Bench::new().await;
        let talk = bench.talk("one", "two").await;
        bench.say(&talk.chat, Some(talk.reply), "three", "four").await;
        let document = bench.document(talk.chat.id).await;
        let text = transfer::write(std::slice::from_ref(&document), ChatFormat::Json, Language::English, 1);
        let change = |f: &dyn Fn(&mut serde_json::Value)| {
            let mut value = serde_json::from_str(&text).unwrap();
            f(&mut value);
            read(&value.to_string())
        };
        // A message without a text: its children hang on its parent.
        let incoming = change(&|v| v["chats"][0]["messages"][1]["text"] = 7.into());
        assert_eq!(incoming.problems.len(), 1);
        assert_eq!(
            path(&incoming.documents[0]).iter().map(|p| p.1).collect::<Vec<_>>(),
            ["one", "three", "four"]
        );
        // Fields that are of no use cost themselves only.
        let incoming = change(&|v| {
            v["chats"][0]["chat"]["draft"] = true.into();
            v["chats"][0]["messages"][1]["reply"]["tokens"] = "many".into();
            v["chats"][0]["messages"][3]["reply"]["stats"]["n_new"] = "x".into();
            v["chats"][0]["messages"][0]["status"] = "Streaming".into();
            v["chats"][0]["from_the_future"] = 1.into();
        });
        assert_eq!(incoming.problems.len(), 3, "{:?}", incoming.problems);
        assert_eq!(path(&incoming.documents[0]), path(&document));
        assert_eq!(incoming.documents[0].messages[0].status, MessageStatus::Interrupted);
        // A circle, a missing parent, the same id twice.
        let incoming = change(&|v| {
            let last = v["chats"][0]["messages"][3]["id"].clone();
            v["chats"][0]["messages"][0]["parent"] = last;
        });
        assert_eq!(incoming.documents[0].messages.len(), 4);
        assert_eq!(incoming.problems.len(), 1);
        let incoming = change(&|v| {
            let first = v["chats"][0]["messages"][0].clone();
            v["chats"][0]["messages"][3] = first;
            v["version"] = 99.into();
        });
        assert_eq!(incoming.documents[0].messages.len(), 3);
        assert_eq!(incoming.problems.len(), 2);
        bench.store().add_documents(incoming.documents).await.unwrap();
    });
}
