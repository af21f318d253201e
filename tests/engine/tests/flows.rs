//! The real engine through the seam: send, stop, go on, regenerate, branch, search, restart.

use glassworks_protocol::chat::{ChatFormat, ChatKind, ExportChatsSpec, MessageStatus, Role};
use glassworks_protocol::generate::{
    BeamSpec, BranchSpec, FinishReason, Forced, GenerateSpec, KeepReply, ModelSource, Overflow, Prompt,
    SamplingPreset, SamplingSpec,
};
use glassworks_protocol::ids::MessageId;
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::{
    Command, Edit, Event, FailureKind, JobOutput, JobSpec, Outcome, Page, Partial, Query,
};
use glassworks_tests_engine::{Lab, Talk, config, long_winded, reply_id};
use std::time::{Duration, Instant};

fn sampling(n: u32) -> SamplingSpec {
    SamplingSpec { max_new_tokens: n, seed: Some(11), ..SamplingPreset::Balanced.spec() }
}

fn unkept(model: &ModelSource, text: &str, sampling: SamplingSpec) -> GenerateSpec {
    GenerateSpec {
        model: model.clone(),
        adapter: None,
        tuned: None,
        prompt: Prompt::Text(text.to_owned()),
        sampling,
        precision: Precision::Exact,
        cache: CacheWidth::Full,
        overflow: Overflow::Refuse,
        keep: None,
    }
}

#[test]
fn a_first_conversation_is_kept_with_every_token() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    assert!(lab.engine.start.models[0].starter, "a model is ready");
    assert!(!lab.engine.start.models[0].card.examples.is_empty());
    let model = lab.starter();
    let mut talk = Talk::new(ChatKind::Completion);
    let spec = talk.ask(&model, "Alice looked at the", sampling(24));
    let id = reply_id(&spec);
    let job = lab.start(JobSpec::Generate(Box::new(spec)));

    let (mut streamed, mut question_stored, mut outcome, mut written) = (Vec::new(), false, None, 0);
    while outcome.is_none() {
        lab.until("any event", |event| {
            match event {
                Event::Stored(glassworks_protocol::Stored::Message(m)) if m.role == Role::Prompt => {
                    assert!(streamed.is_empty(), "the question is on disk before the model writes");
                    question_stored = true;
                }
                Event::Partial(j, Partial::Tokens { first, pieces }) if *j == job => {
                    assert_eq!(*first as usize, streamed.len());
                    streamed.extend(pieces.iter().cloned());
                }
                Event::Progress(j, progress) if *j == job && progress.stage.key == "job.writing_reply" => {
                    assert_eq!(progress.total, None, "nobody knows how long it gets");
                    written = progress.done as usize;
                }
                Event::Settled(j, o) if *j == job => outcome = Some(o.clone()),
                _ => {}
            }
            Some(())
        });
    }
    let Some(Outcome::Done(JobOutput::Replied(reply))) = outcome else { panic!("{outcome:?}") };
    assert!(question_stored);
    assert!((1..=reply.tokens.len()).contains(&written), "{written} tokens told");
    assert_eq!(reply.tokens, streamed, "nothing was missed while somebody listened");
    assert_eq!(reply.tokens.iter().map(|t| t.text.as_str()).collect::<String>(), reply.text);
    assert_eq!(reply.stats.n_new as usize, reply.tokens.len());
    for token in &reply.tokens {
        assert_eq!(token.top.len(), 20);
        let in_top = token.top.iter().find(|a| a.id == token.id);
        assert_eq!(in_top.is_some(), token.rank < 20);
        assert!(in_top.is_none_or(|a| (a.prob.ln() - token.logprob).abs() < 1e-4));
    }
    lab.close();

    let mut lab = Lab::open(home.path());
    assert_eq!(lab.engine.start.chats.len(), 1);
    assert_eq!(lab.engine.start.chats[0].title, "Alice looked at the");
    let document = lab.chat(talk.chat.id);
    let kept = document.messages.iter().find(|m| m.id == id).expect("the reply is there");
    assert_eq!((kept.text.as_str(), kept.status), (reply.text.as_str(), MessageStatus::Complete));
    let record = kept.reply.as_ref().expect("it is a reply");
    assert_eq!(*record.tokens, reply.tokens);
    assert_eq!(record.stats.as_ref(), Some(&reply.stats));
    assert_eq!(record.model.base.len(), 64, "SHA-256 in hexadecimal");
    lab.close();
}

#[test]
fn stopping_keeps_what_there_is_and_going_on_is_as_if_it_never_stopped() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let path = long_winded(home.path());
    let JobOutput::ModelImported(model) = lab.done(JobSpec::ImportModel { path }) else { panic!("imported") };
    let model = ModelSource::Library(model.id);
    let endless = |n| SamplingSpec { ignore_eos: true, ..sampling(n) };
    let mut talk = Talk::new(ChatKind::Completion);
    let spec = talk.ask(&model, "The Queen said", endless(16_000));
    let id = reply_id(&spec);
    let job = lab.start(JobSpec::Generate(Box::new(spec)));
    lab.until("a first token", |e| {
        matches!(e, Event::Partial(j, Partial::Tokens { .. }) if *j == job).then_some(())
    });
    let asked = Instant::now();
    lab.send(Command::Cancel(job));
    assert_eq!(lab.until_settled(job), Outcome::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());

    let document = lab.chat(talk.chat.id);
    let stopped = document.messages.iter().find(|m| m.id == id).expect("kept").clone();
    assert_eq!(stopped.status, MessageStatus::Stopped);
    let n = stopped.reply.as_ref().expect("a reply").tokens.len();
    assert!(n > 0);

    let more = lab.reply(talk.again(&model, id, endless(20)));
    assert_eq!(more.tokens.len(), n + 20);
    assert!(more.text.starts_with(&stopped.text));
    let fresh = lab.reply(unkept(&model, "The Queen said", endless((n + 20) as u32)));
    assert_eq!(fresh.text, more.text, "the same seed gives the same text, stopped or not");
    lab.close();
}

#[test]
fn regenerating_branches_and_branches_are_remembered() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let mut talk = Talk::new(ChatKind::Chat);
    let first = talk.ask(&model, "Who are you?", sampling(8));
    let (first_id, first) = (reply_id(&first), lab.reply(first));
    assert!(first.stats.template.is_some(), "chats say which template they used");
    let second_id = MessageId::mint();
    lab.reply(talk.again(&model, second_id, SamplingSpec { seed: Some(12), ..sampling(8) }));
    let document = lab.chat(talk.chat.id);
    let parent = |id| document.messages.iter().find(|m| m.id == id).expect("kept").parent;
    assert_eq!(parent(first_id), parent(second_id), "siblings");
    assert_eq!(document.chat.leaf, Some(second_id), "the newest is shown");
    lab.edit(Edit::ShowBranch { chat: talk.chat.id, leaf: first_id });

    talk.heard(first_id, &first.text);
    let next = talk.ask(&model, "And what then?", sampling(8));
    let reply = lab.reply(next);
    assert!(reply.stats.n_reused > 0, "the shared beginning is not read again");
    lab.close();

    let mut lab = Lab::open(home.path());
    let summary = lab.engine.start.chats[0].clone();
    assert_eq!((summary.n_messages, summary.n_branches), (5, 2));
    assert_eq!(lab.chat(talk.chat.id).messages.len(), 5);
    for (search, n) in [("what then", 1), ("WHO ARE", 1), ("nowhere to be found", 0)] {
        let query = Query::Chats { search: search.to_owned(), trashed: false };
        let Ok(Page::Chats(found)) = lab.fetch(query) else { panic!("an answer") };
        assert_eq!(found.len(), n, "{search}");
    }
    lab.close();
}

#[test]
fn another_token_is_a_branch_of_its_own() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let path = long_winded(home.path());
    let JobOutput::ModelImported(model) = lab.done(JobSpec::ImportModel { path }) else { panic!("imported") };
    let model = ModelSource::Library(model.id);
    let steady = SamplingSpec { ignore_eos: true, max_new_tokens: 9, ..SamplingPreset::Steady.spec() };
    let mut talk = Talk::new(ChatKind::Completion);
    let first = talk.ask(&model, "The Queen said", steady.clone());
    let (of, first) = (reply_id(&first), lab.reply(first));
    let branch = |lab: &mut Lab, n_kept: u32, then| {
        let mut spec = talk.again(&model, MessageId::mint(), steady.clone());
        spec.keep.as_mut().expect("kept").branch = Some(BranchSpec { of, n_kept, then });
        (reply_id(&spec), lab.reply(spec))
    };

    let other =
        first.tokens[3].top.iter().find(|a| a.id != first.tokens[3].id).expect("an alternative").clone();
    let (id, second) = branch(&mut lab, 3, Forced::Token(other.id));
    assert_eq!(second.tokens[..3], first.tokens[..3], "what was kept is as it was");
    let forced = &second.tokens[3];
    assert_eq!(forced.id, other.id);
    assert!((forced.logprob.exp() - other.prob).abs() < 1e-4, "measured by the model: {forced:?}");
    assert_eq!(forced.sampled_prob, 0.0, "greedy sampling would not have taken it");
    assert_eq!(second.tokens.len(), 3 + 1 + 9, "as many are written as without");
    assert!(second.stats.n_reused > 0, "what was read before is not read again");
    let text =
        format!("The Queen said{}", second.tokens[..4].iter().map(|t| t.text.as_str()).collect::<String>());
    let went_on = lab.reply(unkept(&model, &text, steady.clone()));
    assert_eq!(
        second.text,
        format!("{}{}", &text["The Queen said".len()..], went_on.text),
        "and on from there"
    );

    // The same token in its own place changes nothing.
    let (_, same) = branch(&mut lab, 3, Forced::Token(first.tokens[3].id));
    assert_eq!(same.text[..first.text.len()], first.text);
    let (_, words) = branch(&mut lab, 0, Forced::Text(" nothing at all,".into()));
    assert!(words.text.starts_with(" nothing at all,"), "{}", words.text);

    let document = lab.chat(talk.chat.id);
    let parent = |id| document.messages.iter().find(|m| m.id == id).expect("kept").parent;
    assert_eq!(parent(id), parent(of), "siblings");
    let gone = KeepReply {
        branch: Some(BranchSpec { of, n_kept: 99, then: Forced::Token(0) }),
        ..talk.again(&model, MessageId::mint(), steady).keep.expect("kept")
    };
    let spec = GenerateSpec { keep: Some(gone), ..talk.again(&model, of, sampling(1)) };
    let job = lab.start(JobSpec::Generate(Box::new(spec)));
    assert!(matches!(lab.until_settled(job), Outcome::Failed(f) if f.kind == FailureKind::Missing));
    lab.close();
}

/// What the window hears of a search is never taken back; stopped, it leaves the best text there was.
#[test]
fn beams_are_kept_stopped_and_branched_like_any_reply() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let path = long_winded(home.path());
    let JobOutput::ModelImported(model) = lab.done(JobSpec::ImportModel { path }) else { panic!("imported") };
    let model = ModelSource::Library(model.id);
    let beams = |n: u32| SamplingSpec {
        beams: Some(BeamSpec { n: 4, ..BeamSpec::default() }),
        ignore_eos: true,
        max_new_tokens: n,
        ..SamplingPreset::Steady.spec()
    };
    let mut talk = Talk::new(ChatKind::Completion);
    let spec = talk.ask(&model, "The Queen said", beams(12));
    let (of, first) = (reply_id(&spec), lab.reply(spec));
    assert_eq!((first.tokens.len(), &first.stats.finish), (12, &FinishReason::Length));
    let kept = |lab: &mut Lab, id| {
        let document = lab.chat(talk.chat.id);
        document.messages.iter().find(|m| m.id == id).expect("kept").clone()
    };
    assert_eq!(*kept(&mut lab, of).reply.as_ref().expect("a reply").tokens, first.tokens);

    let mut spec = talk.again(&model, MessageId::mint(), beams(9));
    let other = first.tokens[3].top.iter().find(|a| a.id != first.tokens[3].id).expect("an alternative");
    let then = Forced::Token(other.id);
    spec.keep.as_mut().expect("kept").branch = Some(BranchSpec { of, n_kept: 3, then });
    let second = lab.reply(spec);
    assert_eq!(second.tokens[..3], first.tokens[..3], "what was kept is as it was");
    assert_eq!((second.tokens[3].id, second.tokens.len()), (other.id, 3 + 1 + 9));
    assert!(second.stats.n_reused > 0, "what was read before is not read again");

    let spec = talk.again(&model, MessageId::mint(), beams(4000));
    let id = reply_id(&spec);
    let job = lab.start(JobSpec::Generate(Box::new(spec)));
    lab.until("a search", |e| match e {
        Event::Progress(j, p) => (*j == job && p.stage.key == "job.searching" && p.done > 20).then_some(()),
        _ => None,
    });
    let asked = Instant::now();
    lab.send(Command::Cancel(job));
    assert_eq!(lab.until_settled(job), Outcome::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    let stopped = kept(&mut lab, id);
    assert_eq!(stopped.status, MessageStatus::Stopped);
    let tokens = &stopped.reply.as_ref().expect("a reply").tokens;
    assert!(tokens.len() > 20, "{} tokens", tokens.len());
    assert_eq!(tokens.iter().map(|t| t.text.as_str()).collect::<String>(), stopped.text);

    let went_on = lab.reply(talk.again(&model, id, beams(8)));
    assert_eq!(went_on.tokens.len(), tokens.len() + 8);
    assert!(went_on.text.starts_with(&stopped.text));
    lab.close();
}

#[test]
fn a_prefix_read_before_changes_nothing_but_the_time() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let text = "“Oh dear!” said the Mouse, and then it went on as before,";
    let greedy = SamplingSpec { max_new_tokens: 16, ..SamplingPreset::Steady.spec() };
    let fresh = lab.reply(unkept(&model, text, greedy.clone()));
    let again = lab.reply(unkept(&model, text, greedy));
    assert_eq!(fresh.stats.n_reused, 0);
    assert_eq!(again.stats.n_reused, again.stats.n_prompt - 1);
    assert_eq!(fresh.text, again.text);
    for (a, b) in fresh.tokens.iter().zip(&again.tokens) {
        assert_eq!(a.id, b.id);
        assert!((a.logprob - b.logprob).abs() < 1e-4);
    }
    lab.close();
}

#[test]
fn a_full_context_is_told_and_the_oldest_is_left_out_on_request() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let context = lab.engine.start.models[0].card.context_length;
    let endless = SamplingSpec { ignore_eos: true, ..sampling(10_000) };
    let full = lab.reply(unkept(&model, "Alice", endless));
    assert_eq!(full.stats.finish, FinishReason::ContextFull);
    assert_eq!(full.stats.context_used, context);

    let long = "Alice was beginning to get very tired. ".repeat(40);
    let refused = lab.fails(JobSpec::Generate(Box::new(unkept(&model, &long, sampling(8)))));
    assert_eq!((refused.kind, &*refused.summary.key), (FailureKind::Input, "failure.too_long"));
    let dropped =
        lab.reply(GenerateSpec { overflow: Overflow::DropOldest, ..unkept(&model, &long, sampling(8)) });
    assert!(dropped.stats.n_dropped > 0);
    assert_eq!(dropped.stats.n_new, 8);
    lab.close();
}

#[test]
fn memory_is_refused_before_it_is_used() {
    let home = tempfile::tempdir().expect("a folder");
    let small = glassworks_engine::EngineConfig { memory_limit_bytes: Some(1 << 20), ..config(home.path()) };
    let mut lab = Lab::with(small).expect("it starts");
    let model = lab.starter();
    let refused = lab.fails(JobSpec::Generate(Box::new(unkept(&model, "Alice", sampling(4)))));
    assert_eq!(refused.kind, FailureKind::Memory);
    assert!(refused.hint.is_some());
    let Ok(Page::Memory(status)) = lab.fetch(Query::Memory) else { panic!("an answer") };
    assert_eq!(status.reserved_bytes, 0);
    lab.close();
}

#[test]
fn an_unknown_instruction_set_is_refused_by_name() {
    let home = tempfile::tempdir().expect("a folder");
    let wished =
        |isa: &str| glassworks_engine::EngineConfig { isa_cap: Some(isa.into()), ..config(home.path()) };
    let refused = Lab::with(wished("mmx")).err().expect("refused");
    assert_eq!((refused.kind, refused.summary.key.as_ref()), (FailureKind::Input, "failure.isa_unknown"));
    // The widest that may be wished for: a cap is the process's, and other tests compute in this one.
    Lab::with(wished("amx")).expect("it starts").close();
}

#[test]
fn a_home_has_one_writer_and_says_who_it_is() {
    let home = tempfile::tempdir().expect("a folder");
    let lab = Lab::open(home.path());
    let refused = Lab::with(config(home.path())).err().expect("refused");
    let said = glassworks_protocol::text::Language::English.render(&refused.summary);
    assert!(said.contains("test") || refused.detail.contains("test"), "{refused}");
    let reader =
        glassworks_engine::EngineConfig { mode: glassworks_engine::Mode::Reader, ..config(home.path()) };
    let mut beside = Lab::with(reader).expect("readers work beside it");
    let model = beside.starter();
    assert_eq!(beside.reply(unkept(&model, "Alice", sampling(3))).tokens.len(), 3);
    beside.close();
    lab.close();
}

#[test]
fn a_home_may_be_moved() {
    let outside = tempfile::tempdir().expect("a folder");
    let (old, new) = (outside.path().join("old"), outside.path().join("new"));
    let mut lab = Lab::open(&old);
    let id = lab.engine.start.starter;
    let mut talk = Talk::new(ChatKind::Completion);
    let spec = talk.ask(&lab.starter(), "Alice", sampling(4));
    lab.reply(spec);
    lab.close();
    std::fs::rename(&old, &new).expect("moved");
    let mut lab = Lab::open(&new);
    assert_eq!(lab.engine.start.starter, id, "the starter is the one that wrote the replies");
    assert!(lab.engine.start.models[0].path.starts_with(&new));
    assert_eq!(lab.chat(talk.chat.id).messages.len(), 2);
    let spec = talk.again(&lab.starter(), MessageId::mint(), sampling(4));
    assert_eq!(lab.reply(spec).tokens.len(), 4);
    lab.close();
}

#[test]
fn files_that_are_no_models_fail_by_name() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let garbage = home.path().join("garbage.gguf");
    std::fs::write(&garbage, b"GGUF but not really").expect("written");
    for path in [garbage, home.path().join("nothing-here"), home.path().to_owned()] {
        let failure = lab.fails(JobSpec::ImportModel { path: path.clone() });
        assert!(matches!(failure.kind, FailureKind::Input | FailureKind::Missing), "{failure:?}");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(failure.to_string().contains(&name), "{failure}");
    }
    lab.close();
}

#[test]
fn a_file_that_is_there_is_replaced_only_when_a_person_said_so() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let outside = tempfile::tempdir().expect("a folder");
    let to = outside.path().join("precious.md");
    let export = |replace| {
        let spec =
            ExportChatsSpec { chats: Vec::new(), format: ChatFormat::Markdown, to: to.clone(), replace };
        JobSpec::ExportChats(spec)
    };
    for (spec, replaced) in [
        (export(false), export(true)),
        (
            JobSpec::Backup { to: to.clone(), replace: false },
            JobSpec::Backup { to: to.clone(), replace: true },
        ),
    ] {
        std::fs::write(&to, "a diary").expect("written");
        let refused = lab.fails(spec);
        assert_eq!((refused.kind, &*refused.summary.key), (FailureKind::Input, "failure.file_exists"));
        assert_eq!(std::fs::read_to_string(&to).expect("still there"), "a diary");
        lab.done(replaced);
        assert_ne!(std::fs::read(&to).expect("there"), b"a diary");
        assert_eq!(std::fs::read_dir(outside.path()).expect("a folder").count(), 1, "nothing is left aside");
    }
    lab.close();
}
