//! What was announced is there after the process was killed, and two processes on one home behave.

use super::{Bench, pieces, run, user, writer};
use glassworks_engine::home::{Home, Mode};
use glassworks_engine::store::Store;
use glassworks_protocol::chat::{ChatKind, ChatRecord, MessageStatus};
use glassworks_protocol::generate::KeepReply;
use glassworks_protocol::ids::MessageId;
use glassworks_protocol::{Edit, Stored};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Names the home folder to the test that plays the other process.
const CHILD: &str = "GLASSWORKS_TEST_STORE_CHILD";

/// Runs [`the_other_process`] of this very program on `home`.
fn spawn(home: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::the_other_process", "--nocapture"])
        .env(CHILD, home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Writes and announces without end, until it is killed. Alone, it has nothing to do.
#[test]
fn the_other_process() {
    let Some(home) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    run(async {
        let home = Home::open(&home, Mode::writer("models import")).unwrap();
        let (store, _) = Store::open(&home).await.unwrap();
        let announce = |line: String| {
            let mut out = std::io::stdout().lock();
            if writeln!(out, "\nannounced {line}").and_then(|()| out.flush()).is_err() {
                // Nobody listens any more: the kill is on its way.
                std::thread::sleep(std::time::Duration::from_secs(60));
            }
        };
        for n in 0.. {
            let chat = ChatRecord::new(ChatKind::Chat, n);
            let question = user(chat.id, None, &format!("question {n}"));
            let keep = KeepReply {
                chat: chat.clone(),
                parent: Some(question.id),
                question: Some(question),
                reply: MessageId::mint(),
                branch: None,
            };
            store.begin_reply(&keep, &writer("SmolLM2")).await.unwrap();
            announce(format!("begun {}", chat.id));
            let tokens = pieces(&"word ".repeat(40));
            for end in [10, 20, 30] {
                let text: String = tokens[..end].iter().map(|p| p.text.as_str()).collect();
                store.save_reply_progress(keep.reply, &text, &tokens[..end]).await.unwrap();
                announce(format!("saved {} {end}", chat.id));
            }
            let rename = Edit::RenameChat { chat: chat.id, title: format!("title {n}") };
            let stored = store.edit(rename).await.unwrap();
            assert!(matches!(&stored[..], [Stored::Chat { .. }]));
            announce(format!("renamed {} {n}", chat.id));
        }
    });
}

#[test]
fn everything_announced_survives_a_kill() {
    let mut bench = run(Bench::new());
    run(bench.close());
    for round in 0..3 {
        let mut child = spawn(&bench.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut announced = Vec::new();
        while announced.len() < 23 + 7 * round {
            let line = lines.next().unwrap().unwrap();
            announced.extend(line.strip_prefix("announced ").map(str::to_owned));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What was announced between the last line read and the kill.
        announced.extend(
            lines.map_while(Result::ok).filter_map(|l| l.strip_prefix("announced ").map(str::to_owned)),
        );
        run(async {
            bench.open().await;
            assert!(bench.notices.is_empty(), "{:?}", bench.notices);
            for line in &announced {
                let words: Vec<&str> = line.split(' ').collect();
                let [what, chat, rest @ ..] = &words[..] else { panic!("{line}") };
                let document = bench.document(chat.parse().unwrap()).await;
                let reply = &document.messages[1];
                assert_eq!(reply.status, MessageStatus::Interrupted);
                match (*what, rest) {
                    ("begun", []) => {}
                    ("saved", [n]) => {
                        let n: usize = n.parse().unwrap();
                        assert!(reply.reply.as_ref().unwrap().tokens.len() >= n, "{line}");
                        assert!(reply.text.len() >= 5 * n, "{line}");
                    }
                    ("renamed", [n]) => assert_eq!(document.chat.title, format!("title {n}")),
                    _ => panic!("{line}"),
                }
            }
            bench.close().await;
        });
    }
}

#[test]
fn a_second_process_hears_who_holds_the_home_and_may_read() {
    run(async {
        let mut bench = Bench::new().await;
        bench.close().await;
        let mut child = spawn(&bench.path());
        let pid = child.id();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let begun = lines.map_while(Result::ok).find(|line| line.starts_with("announced saved")).unwrap();
        let refused = Home::open(&bench.path(), Mode::writer("window")).unwrap_err().to_string();
        assert!(refused.contains("models import") && refused.contains(&pid.to_string()), "{refused}");
        let home = Home::open(&bench.path(), Mode::Reader).unwrap();
        let (reader, _) = Store::open(&home).await.unwrap();
        let chat = begun.split(' ').nth(2).unwrap().parse().unwrap();
        assert_eq!(reader.chat(chat).await.unwrap().messages.len(), 2);
        child.kill().unwrap();
        child.wait().unwrap();
        // The lock went with the process.
        bench.open().await;
        assert_eq!(bench.document(chat).await.messages[1].status, MessageStatus::Interrupted);
    });
}
