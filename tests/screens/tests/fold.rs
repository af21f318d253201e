//! The window's model: what it makes of commands and events, whatever their order.

use glassworks_protocol::chat::{
    ChatDocument, ChatKind, ChatRecord, ChatSummary, MessageRecord, MessageStatus, Role,
};
use glassworks_protocol::generate::{
    FinishReason, GenerateSpec, KeepReply, ModelSource, Overflow, Prompt, Reply, ReplyStats, SamplingSpec,
    TokenPiece,
};
use glassworks_protocol::ids::{ChatId, EditId, JobId, MessageId, QueryId};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{
    Command, Edit, Event, Failure, FailureKind, JobOutput, JobSpec, Notice, Outcome, Page, Partial, Query,
    RequestId, Stored,
};
use glassworks_tests_screens::{NOW_MS, fixtures};
use glassworks_ui::Model;
use glassworks_ui::model::{JobState, ModelState, Note, newest_leaf_below, path_to, siblings};
use std::sync::Arc;

fn model() -> Model {
    Model::new(fixtures::start(), Language::English, NOW_MS)
}

fn piece(text: &str) -> TokenPiece {
    TokenPiece {
        id: 1,
        text: text.to_owned(),
        logprob: -0.5,
        sampled_prob: 0.6,
        rank: 0,
        entropy: 1.0,
        top: Vec::new(),
    }
}

fn message(chat: ChatId, parent: Option<MessageId>, role: Role, text: &str) -> MessageRecord {
    MessageRecord {
        id: MessageId::mint(),
        chat,
        parent,
        role,
        text: text.to_owned(),
        tail: String::new(),
        status: MessageStatus::Complete,
        created_at_ms: NOW_MS,
        reply: None,
    }
}

/// A question and the reply to come.
struct Asked {
    job: JobId,
    chat: ChatRecord,
    question: MessageId,
    reply: MessageId,
}

fn ask(model: &mut Model) -> Asked {
    let chat = ChatRecord::new(ChatKind::Chat, NOW_MS);
    let question = message(chat.id, None, Role::User, "Why?");
    let asked =
        Asked { job: JobId::mint(), chat: chat.clone(), question: question.id, reply: MessageId::mint() };
    let source = ModelSource::Library(model.library.models()[1].id);
    let spec = GenerateSpec {
        model: source,
        adapter: None,
        tuned: None,
        prompt: Prompt::Text("Why?".to_owned()),
        sampling: SamplingSpec::default(),
        overflow: Overflow::default(),
        precision: Precision::Exact,
        cache: CacheWidth::Full,
        keep: Some(KeepReply {
            chat,
            question: Some(question),
            reply: asked.reply,
            parent: None,
            branch: None,
        }),
    };
    model.sent(&Command::Start(asked.job, JobSpec::Generate(Box::new(spec))));
    asked
}

fn shown(model: &Model, asked: &Asked) -> (String, MessageStatus) {
    let document = model.chats.document(asked.chat.id).expect("it is open");
    let reply = document.messages.iter().find(|m| m.id == asked.reply).expect("a reply");
    (reply.text.clone(), reply.status)
}

fn tokens(model: &mut Model, asked: &Asked, first: u32, words: &[&str]) {
    let pieces = words.iter().map(|w| piece(w)).collect();
    model.apply(Event::Partial(asked.job, Partial::Tokens { first, pieces }));
}

#[test]
fn a_question_shows_at_once_and_the_reply_grows() {
    let mut model = model();
    let asked = ask(&mut model);
    let document = model.chats.document(asked.chat.id).expect("it is open");
    let path = path_to(document, document.chat.leaf);
    assert_eq!(path.iter().map(|m| m.id).collect::<Vec<_>>(), [asked.question, asked.reply]);
    assert_eq!(model.jobs.get(asked.job).map(|j| j.state()), Some(JobState::Waiting));

    model.apply(Event::Partial(
        asked.job,
        Partial::PromptRead { n_prompt: 12, n_reused: 4, context_length: 8192 },
    ));
    tokens(&mut model, &asked, 0, &["Be", "cause"]);
    model.now_ms += 1000;
    tokens(&mut model, &asked, 2, &[" it", " is"]);
    assert_eq!(shown(&model, &asked), ("Because it is".to_owned(), MessageStatus::Streaming));
    let live = model.chats.live(asked.reply).expect("it is being written");
    assert_eq!((live.prompt, live.n_new), (Some((12, 4, 8192)), 4));
    assert_eq!(live.per_sec(model.now_ms), Some(3.0));
}

#[test]
fn after_a_gap_the_settled_reply_is_the_truth() {
    let mut model = model();
    let asked = ask(&mut model);
    tokens(&mut model, &asked, 0, &["Be"]);
    tokens(&mut model, &asked, 7, &[" lost"]);
    assert_eq!(shown(&model, &asked).0, "Be");
    let stats = ReplyStats {
        n_prompt: 12,
        n_reused: 0,
        n_dropped: 0,
        n_new: 2,
        first_token_secs: 0.2,
        tokens_per_sec: 30.0,
        context_used: 14,
        context_length: 8192,
        seed: 7,
        finish: FinishReason::EndOfText,
        precision: Precision::Exact,
        template: None,
        tuned_step: None,
    };
    let reply = Reply { text: "Because".to_owned(), tokens: vec![piece("Be"), piece("cause")], stats };
    model.apply(Event::Settled(asked.job, Outcome::Done(JobOutput::Replied(Arc::new(reply)))));
    assert_eq!(shown(&model, &asked), ("Because".to_owned(), MessageStatus::Complete));
    assert!(model.chats.live(asked.reply).is_none());
    let id = model.library.models()[1].id;
    assert_eq!(*model.library.state(id), ModelState::Ready);
}

#[test]
fn a_stored_message_never_takes_back_what_is_being_written() {
    let mut model = model();
    let asked = ask(&mut model);
    tokens(&mut model, &asked, 0, &["Be", "cause"]);
    let document = model.chats.document(asked.chat.id).expect("it is open");
    let reply = document.messages.iter().find(|m| m.id == asked.reply).expect("a reply");
    let mut early = (**reply).clone();
    early.text = "Be".to_owned();
    if let Some(record) = &mut early.reply {
        record.tokens = Arc::new(vec![piece("Be")]);
    }
    model.apply(Event::Stored(Stored::Message(Arc::new(early.clone()))));
    assert_eq!(shown(&model, &asked).0, "Because");
    // Neither does a document fetched meanwhile.
    let fetched = ChatDocument { chat: asked.chat.clone(), messages: vec![Arc::new(early.clone())] };
    model.apply(Event::Fetched(QueryId::mint(), Page::Chat(Arc::new(fetched))));
    assert_eq!(shown(&model, &asked).0, "Because");
    // But the end of it does.
    early.status = MessageStatus::Stopped;
    model.apply(Event::Stored(Stored::Message(Arc::new(early))));
    model.apply(Event::Settled(asked.job, Outcome::Cancelled));
    assert_eq!(shown(&model, &asked), ("Be".to_owned(), MessageStatus::Stopped));
}

#[test]
fn a_failed_or_refused_reply_says_so() {
    let failure = Failure::new(FailureKind::Memory, Text::new("failure.disk_full"));
    for refused in [false, true] {
        let mut model = model();
        let asked = ask(&mut model);
        model.apply(if refused {
            Event::Refused(RequestId::Job(asked.job), failure.clone())
        } else {
            Event::Settled(asked.job, Outcome::Failed(failure.clone()))
        });
        assert_eq!(shown(&model, &asked).1, MessageStatus::Failed);
        assert!(model.chats.is_unstored(asked.question), "writing again has to store it");
        assert_eq!(model.jobs.get(asked.job).and_then(|j| j.failure().cloned()), Some(failure.clone()));
    }
}

fn row(chat: &ChatRecord, title: &str, at: i64) -> ChatSummary {
    ChatSummary {
        id: chat.id,
        kind: chat.kind,
        title: title.to_owned(),
        changed_at_ms: at,
        trashed_at_ms: None,
        n_messages: 2,
        n_branches: 1,
        model_name: None,
        excerpt: None,
    }
}

#[test]
fn the_list_follows_what_is_stored_and_what_was_asked() {
    let mut model = model();
    let (old, new) = (ChatRecord::new(ChatKind::Chat, 1), ChatRecord::new(ChatKind::Completion, 2));
    for (chat, title, at) in [(&old, "Old", 1), (&new, "New", 2)] {
        let summary = Arc::new(row(chat, title, at));
        model.apply(Event::Stored(Stored::Chat { chat: Arc::new(chat.clone()), summary }));
    }
    let titles = |m: &Model| m.chats.list.iter().map(|s| s.title.clone()).collect::<Vec<_>>();
    assert_eq!(titles(&model), ["New", "Old"]);
    let edit = |e| Command::Edit(EditId::mint(), e);
    model.sent(&edit(Edit::RenameChat { chat: old.id, title: "Older".to_owned() }));
    model.sent(&edit(Edit::TrashChat(new.id)));
    assert_eq!(titles(&model), ["Older"]);
    model.apply(Event::Stored(Stored::ChatDeleted(old.id)));
    assert!(titles(&model).is_empty());
}

#[test]
fn only_the_newest_search_counts() {
    let mut model = model();
    let chat = ChatRecord::new(ChatKind::Chat, 1);
    let ask = |model: &mut Model, words: &str| {
        let id = QueryId::mint();
        model.sent(&Command::Fetch(id, Query::Chats { search: words.to_owned(), trashed: false }));
        id
    };
    let first = ask(&mut model, "gl");
    let second = ask(&mut model, "glass");
    model.apply(Event::Fetched(second, Page::Chats(vec![row(&chat, "Glass", 1)])));
    model.apply(Event::Fetched(first, Page::Chats(Vec::new())));
    assert_eq!(model.chats.search.rows.as_ref().map(Vec::len), Some(1));
    assert!(model.chats.list.is_empty(), "a search does not change the list");
}

#[test]
fn a_refused_edit_is_said_and_the_truth_is_fetched() {
    let mut model = model();
    model.take_wishes();
    let failure = Failure::new(FailureKind::Io, Text::new("failure.disk_full"));
    model.apply(Event::Refused(RequestId::Edit(EditId::mint()), failure.clone()));
    assert_eq!(model.take_notes(), [Note::Failed(failure)]);
    assert_eq!(model.take_wishes(), [Query::Chats { search: String::new(), trashed: false }]);
}

#[test]
fn refused_settings_show_as_they_were() {
    let mut model = model();
    let kept = Arc::clone(&model.settings);
    let mut wanted = (*kept).clone();
    wanted.language = Some(Language::Chinese);
    let edit = EditId::mint();
    model.sent(&Command::Edit(edit, Edit::SaveSettings(Box::new(wanted.clone()))));
    assert_eq!(*model.settings, wanted, "shown at once");
    let failure = Failure::new(FailureKind::Io, Text::new("failure.disk_full"));
    model.apply(Event::Refused(RequestId::Edit(edit), failure));
    assert_eq!(model.settings, kept);
}

#[test]
fn an_engine_that_ends_ends_its_jobs() {
    let mut model = model();
    let asked = ask(&mut model);
    model.apply(Event::Notice(Notice::Ended));
    assert_eq!(model.jobs.active().count(), 0);
    assert!(model.jobs.get(asked.job).is_some_and(|j| j.failure().is_some()));
    assert_eq!(shown(&model, &asked).1, MessageStatus::Failed);
}

#[test]
fn branches_are_siblings() {
    let chat = ChatRecord::new(ChatKind::Chat, 1);
    let question = message(chat.id, None, Role::User, "Why?");
    let first = message(chat.id, Some(question.id), Role::Assistant, "Because");
    let second = message(chat.id, Some(question.id), Role::Assistant, "Why not");
    let again = message(chat.id, Some(first.id), Role::User, "Really?");
    let all = [&question, &first, &second, &again];
    let document = ChatDocument { chat, messages: all.iter().map(|m| Arc::new((*m).clone())).collect() };
    assert_eq!(siblings(&document, second.id), [first.id, second.id]);
    assert_eq!(newest_leaf_below(&document, first.id), again.id);
    assert_eq!(newest_leaf_below(&document, question.id), second.id, "the newest of two");
    let path: Vec<_> = path_to(&document, Some(again.id)).iter().map(|m| m.id).collect();
    assert_eq!(path, [question.id, first.id, again.id]);
}
