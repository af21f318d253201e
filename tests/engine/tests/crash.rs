//! The process is killed in the middle of a reply: at most one second of it is lost, and it says so.

use glassworks_protocol::chat::{ChatKind, MessageStatus};
use glassworks_tests_engine::Lab;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How much of a reply may be lost.
const LOSS: Duration = Duration::from_secs(1);

#[test]
fn a_reply_cut_off_by_a_crash_is_there_up_to_a_second_before() {
    let home = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_killable"))
        .arg(home.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut heard: Vec<(Instant, String)> = Vec::new();
    let mut text = String::new();
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        text.push_str(&serde_json::from_str::<String>(&line.expect("a line")).expect("a JSON string"));
        heard.push((Instant::now(), text.clone()));
        if heard[0].0.elapsed() > Duration::from_millis(2300) {
            break;
        }
    }
    let killed = Instant::now();
    child.kill().expect("killed");
    child.wait().expect("ended");
    let a_second_before = heard.iter().rev().find(|(at, _)| killed.duration_since(*at) >= LOSS);
    let (_, owed) = a_second_before.expect("it wrote for longer than a second");
    assert!(!owed.is_empty());

    let mut lab = Lab::open(home.path());
    let chat = lab.engine.start.chats[0].id;
    assert_eq!(lab.engine.start.chats[0].kind, ChatKind::Completion);
    let document = lab.chat(chat);
    let reply = document.messages.iter().find(|m| m.reply.is_some()).expect("the reply is there");
    assert_eq!(reply.status, MessageStatus::Interrupted);
    assert!(reply.text.starts_with(owed.as_str()), "owed {} bytes, kept {}", owed.len(), reply.text.len());
    let tokens = &reply.reply.as_ref().expect("a reply").tokens;
    assert_eq!(tokens.iter().map(|t| t.text.as_str()).collect::<String>(), reply.text);
    lab.close();
}
