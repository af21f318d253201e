//! What the jobs of a shared pass tell each other. The tests lead where it matters who does.

use super::*;
use crate::memory::Ledger;
use crate::models::CausalLm;
use crate::shelf::ModelFiles;
use glassworks_protocol::FailureKind;
use glassworks_protocol::model::CacheWidth;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

const EXACT: Precision = Precision::Exact;

fn model() -> &'static dyn CausalLm {
    static MODEL: OnceLock<Box<dyn CausalLm>> = OnceLock::new();
    let load = || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/engine/fixtures/glassllm");
        ModelFiles::open(&folder).expect("the starter is there").load(&|_, _| Ok(())).expect("it loads")
    };
    &**MODEL.get_or_init(load)
}

fn turn(ledger: &Ledger, tokens: &[u32]) -> Turn {
    let read = ReadSequence {
        tokens: Vec::new(),
        sequence: Runner::new(model()).expect("it runs").sequence(CacheWidth::Full),
        how: (EXACT, CacheWidth::Full),
        reservation: Some(ledger.reserve(1, "a sequence").expect("fits")),
    };
    Turn { read, tokens: tokens.to_vec(), wanted: Wanted::Last, adapters: None }
}

fn step(batcher: &Batcher, turn: Turn, checkpoint: &dyn Fn() -> Result<()>) -> Stepped {
    batcher.seat().step(&mut Runner::new(model()).expect("it runs"), turn, EXACT, checkpoint)
}

fn alone(tokens: &[u32]) -> Vec<f32> {
    let turn = turn(&Ledger::new(9), tokens);
    step(&Batcher::default(), turn, &|| Ok(())).logits.expect("a pass")
}

fn handed(seat: u64, turn: Turn) -> Handed {
    Handed { seat, precision: EXACT, turn, answer: Arc::default() }
}

/// Takes what is in the queue once `n` are.
fn when_waiting<T>(batcher: &Batcher, n: usize, then: impl FnOnce(&mut State) -> T) -> T {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let mut state = batcher.lock();
        if state.waiting.len() == n {
            return then(&mut state);
        }
        assert!(Instant::now() < until, "{} are waiting, not {n}", state.waiting.len());
        drop(state);
        thread::yield_now();
    }
}

#[test]
fn who_waits_rides_along_and_gets_what_it_would_alone() {
    let (batcher, ledger) = (Batcher::default(), Ledger::new(9));
    let prompts: [&[u32]; 3] = [&[5, 6, 7], &[8], &[9, 10]];
    batcher.lock().busy = true;
    thread::scope(|scope| {
        let jobs = prompts.map(|tokens| {
            let (batcher, turn) = (&batcher, turn(&ledger, tokens));
            scope.spawn(move || step(batcher, turn, &|| Ok(())))
        });
        when_waiting(&batcher, 3, |state| state.busy = false);
        batcher.over.notify_all();
        for (job, tokens) in jobs.into_iter().zip(prompts) {
            let stepped = job.join().expect("no panic");
            assert_eq!(stepped.logits.expect("a pass"), alone(tokens));
            assert_eq!(stepped.read.expect("given back").sequence.len(), tokens.len());
        }
    });
    let state = batcher.lock();
    assert!(state.expected.is_empty(), "all have left");
    assert!(state.waiting.is_empty() && !state.busy);
}

/// Several jobs write at the same time, each with a thread of its own, and most passes serve more than one of them:
/// if none did there would be one for each token of each.
#[test]
fn those_who_write_at_once_share_passes() {
    const JOBS: usize = 4;
    const TOKENS: usize = 40;
    let (batcher, ledger) = (Batcher::default(), Ledger::new(9));
    batcher.lock().busy = true;
    thread::scope(|scope| {
        for first in 0..JOBS as u32 {
            let (batcher, mut turn) = (&batcher, turn(&ledger, &[5 + first]));
            scope.spawn(move || {
                let (seat, mut runner) = (batcher.seat(), Runner::new(model()).expect("it runs"));
                for token in 0..TOKENS as u32 {
                    let stepped = seat.step(&mut runner, turn, EXACT, &|| Ok(()));
                    stepped.logits.expect("a pass");
                    let read = stepped.read.expect("given back");
                    turn = Turn { read, tokens: vec![5 + token], wanted: Wanted::Last, adapters: None };
                }
            });
        }
        when_waiting(&batcher, JOBS, |state| state.busy = false);
        batcher.over.notify_all();
    });
    let n_passes = batcher.lock().n_passes;
    // All waited for the first one; who comes in time for the others, the scheduler decides.
    assert!((TOKENS..=JOBS * TOKENS - (JOBS - 1)).contains(&n_passes), "{n_passes} passes");
}

/// What is reserved for a pass is what the fullest ones take, and not much more.
#[test]
fn a_pass_takes_the_memory_that_is_reserved_for_it() {
    let ledger = Ledger::new(99);
    let reserved = pass_bytes(model().shape()) as usize;
    for precision in [EXACT, Precision::Fast] {
        // As few prompts as fill it, and as many.
        for n_riders in [MAX_ROWS / model().shape().context_length, MAX_RIDERS] {
            let mut runner = Runner::new(model()).expect("it runs");
            let tokens: Vec<u32> = (0..(MAX_ROWS / n_riders) as u32).map(|i| i % 50).collect();
            let mut riders: Vec<Handed> =
                (0..n_riders as u64).map(|seat| handed(seat, turn(&ledger, &tokens))).collect();
            let outcome = run(&mut runner, &mut riders, precision, &|| Ok(()), GRACE);
            assert!(matches!(outcome, Outcome::Through(_)));
            let taken = runner.peak_bytes();
            assert!(taken <= reserved, "{n_riders} in {precision:?}: {taken} bytes of {reserved}");
            assert!(2 * taken >= reserved, "{n_riders} in {precision:?}: only {taken} bytes of {reserved}");
        }
    }
}

#[test]
fn a_pass_takes_the_first_and_what_fits_beside_it() {
    let ledger = Ledger::new(99);
    let mut state = State::default();
    let lens = [200, 1, 200, 200, 1];
    for (seat, len) in lens.into_iter().enumerate() {
        state.waiting.push_back(handed(seat as u64, turn(&ledger, &vec![1; len])));
    }
    let mut other = handed(9, turn(&ledger, &[1]));
    other.precision = Precision::Fast;
    state.waiting.push_front(other);
    let seats = |taken: &[Handed]| taken.iter().map(|handed| handed.seat).collect::<Vec<_>>();
    assert_eq!(seats(&state.take(Precision::Fast)), [9], "nobody rides in another precision");
    assert_eq!(seats(&state.take(EXACT)), [0, 1, 2, 4], "one prompt waits, single tokens do not");
    assert_eq!(seats(&state.take(EXACT)), [3]);
    for seat in 0..=MAX_RIDERS as u64 {
        state.waiting.push_back(handed(seat, turn(&ledger, &[1])));
    }
    assert_eq!(state.take(EXACT).len(), MAX_RIDERS);
}

#[test]
fn a_cancelled_job_does_not_wait_for_a_long_pass() {
    let (batcher, ledger) = (Batcher::default(), Ledger::new(9));
    let cancel = AtomicBool::new(false);
    let checkpoint = || if cancel.load(Ordering::SeqCst) { Err(Cancelled.into()) } else { Ok(()) };
    batcher.lock().busy = true;
    thread::scope(|scope| {
        let turn = turn(&ledger, &[5]);
        let job = scope.spawn(|| step(&batcher, turn, &checkpoint));
        // The pass of this test, which takes its time.
        let riders = when_waiting(&batcher, 1, |state| state.take(EXACT));
        let asked = Instant::now();
        cancel.store(true, Ordering::SeqCst);
        let stepped = job.join().expect("no panic");
        assert!(asked.elapsed() >= GRACE, "a short pass would have been waited for");
        assert!(asked.elapsed() < GRACE + Duration::from_secs(1), "{:?}", asked.elapsed());
        assert!(stepped.read.is_none() && stepped.logits.is_err_and(|error| error.is::<Cancelled>()));
        assert!(riders[0].answer.is_cancelled());
        assert_eq!(ledger.reserved(), 1, "what is left behind is still there");
        batcher.lock().hand_out(riders, EXACT, Outcome::Through(vec![Vec::new()]));
        assert_eq!(ledger.reserved(), 0);
        assert!(batcher.lock().expected.is_empty(), "nobody waits for it");
    });
}

#[test]
fn a_job_cancelled_in_the_queue_takes_its_sequence_along() {
    let (batcher, ledger) = (Batcher::default(), Ledger::new(9));
    batcher.lock().busy = true;
    let stepped = step(&batcher, turn(&ledger, &[5]), &|| Err(Cancelled.into()));
    assert!(stepped.read.is_some() && stepped.logits.is_err());
    assert!(batcher.lock().waiting.is_empty());
}

#[test]
fn a_pass_that_nobody_wants_ends_between_layers() {
    let (ledger, mut runner) = (Ledger::new(9), Runner::new(model()).expect("it runs"));
    let mut riders = vec![handed(1, turn(&ledger, &[5])), handed(2, turn(&ledger, &[6]))];
    let looks = Cell::new(0);
    let cancelled = || {
        looks.set(looks.get() + 1);
        Err(Cancelled.into())
    };
    let outcome = run(&mut runner, &mut riders, EXACT, &cancelled, Duration::from_secs(60));
    assert!(matches!(outcome, Outcome::Through(_)), "the other one still wants it");
    riders = vec![handed(1, turn(&ledger, &[5])), handed(2, turn(&ledger, &[6]))];
    riders[1].answer.cancelled.store(true, Ordering::SeqCst);
    looks.set(0);
    let outcome = run(&mut runner, &mut riders, EXACT, &cancelled, Duration::from_secs(60));
    assert!(matches!(outcome, Outcome::Left));
    assert_eq!(looks.get(), 1);
    assert!(riders.iter().all(|rider| rider.turn.read.sequence.is_empty()), "as they were");
}

#[test]
fn who_leads_and_is_cancelled_leaves_and_another_leads() {
    let (batcher, ledger) = (Batcher::default(), Ledger::new(9));
    batcher.lock().busy = true;
    thread::scope(|scope| {
        let second = turn(&ledger, &[6, 7]);
        let job = scope.spawn(|| step(&batcher, second, &|| Ok(())));
        let mut riders = vec![handed(77, turn(&ledger, &[5]))];
        riders.extend(when_waiting(&batcher, 1, |state| state.take(EXACT)));
        let first = Arc::clone(&riders[0].answer);
        let mut runner = Runner::new(model()).expect("it runs");
        let outcome = run(&mut runner, &mut riders, EXACT, &|| Err(Cancelled.into()), Duration::ZERO);
        assert!(matches!(outcome, Outcome::Left));
        let mut state = batcher.lock();
        state.hand_out(riders, EXACT, outcome);
        state.busy = false;
        drop(state);
        batcher.over.notify_all();
        let stepped = first.take().expect("told");
        assert!(stepped.read.is_some_and(|read| read.sequence.is_empty()), "as it was");
        assert!(stepped.logits.is_err_and(|error| error.is::<Cancelled>()));
        let stepped = job.join().expect("no panic");
        assert_eq!(stepped.logits.expect("a pass"), alone(&[6, 7]));
    });
}

#[test]
fn what_fails_fails_for_those_who_were_there_and_for_nobody_after() {
    let (batcher, ledger) = (Batcher::default(), Ledger::new(99));
    let vocab = model().shape().vocab_size as u32;
    type Checkpoint = fn() -> Result<()>;
    let cases: [(&[u32], Checkpoint, bool); 2] =
        [(&[vocab], || Ok(()), true), (&[5], || panic!("the lens broke"), false)];
    for (tokens, checkpoint, given_back) in cases {
        let mut riders = vec![handed(1, turn(&ledger, tokens)), handed(2, turn(&ledger, &[6]))];
        let answers: Vec<_> = riders.iter().map(|rider| Arc::clone(&rider.answer)).collect();
        let mut runner = Runner::new(model()).expect("it runs");
        let outcome = run(&mut runner, &mut riders, EXACT, &checkpoint, GRACE);
        batcher.lock().hand_out(riders, EXACT, outcome);
        for answer in answers {
            let stepped = answer.take().expect("told");
            let error = stepped.logits.expect_err("it failed");
            assert_eq!(failure::from_error(&error).kind, FailureKind::Bug);
            assert_eq!(stepped.read.is_some(), given_back);
        }
        assert_eq!(ledger.reserved(), 0);
        let next = step(&batcher, turn(&ledger, &[6, 7]), &|| Ok(()));
        assert_eq!(next.logits.expect("a pass"), alone(&[6, 7]));
    }
}
