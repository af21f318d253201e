//! What the bridge does about passes that take long, panic or fail; models of candle's are compared with the reference
//! in `tests/engine`.

use super::super::RUN_ONLY;
use super::*;
use crate::models::ConfigJson;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Logits are the number of tokens read so far; some tokens are trouble.
#[derive(Clone)]
struct Fake {
    n_read: usize,
    passes: Arc<AtomicUsize>,
}

const SLOW: u32 = 1;
const PANICS: u32 = 2;
const FAILS: u32 = 3;

impl Bridged for Fake {
    fn forward(&mut self, ids: &Tensor, at: usize) -> candle_core::Result<Tensor> {
        let ids: Vec<u32> = ids.flatten_all()?.to_vec1()?;
        assert_eq!(at, self.n_read, "it goes on where it was");
        self.passes.fetch_add(1, Ordering::Relaxed);
        if ids.contains(&SLOW) {
            std::thread::sleep(Duration::from_millis(900));
        }
        assert!(!ids.contains(&PANICS), "the lens broke");
        if ids.contains(&FAILS) {
            candle_core::bail!("no such shape");
        }
        self.n_read += ids.len();
        Tensor::full(self.n_read as f32, (1, 1, 8), &Device::Cpu)
    }

    fn fresh(&self) -> candle_core::Result<Box<dyn Bridged>> {
        Ok(Box::new(self.clone()))
    }
}

/// A bridge to the fake, that reads as the family of this name does; and how many passes there were.
fn bridge(family: &str) -> (Bridge, Arc<AtomicUsize>) {
    let text = r#"{"vocab_size": 8, "hidden_size": 4, "intermediate_size": 4, "num_hidden_layers": 1,
        "num_attention_heads": 1, "num_key_value_heads": 1, "max_position_embeddings": 200}"#;
    let json = ConfigJson::parse(Path::new("config.json"), text).expect("JSON");
    let family = RUN_ONLY.iter().find(|one| one.name == family).expect("a family");
    let (config, _) = family.config(&json).expect("a configuration");
    let passes = Arc::new(AtomicUsize::new(0));
    let fake = Fake { n_read: 0, passes: Arc::clone(&passes) };
    let worker = Worker::start().expect("a thread");
    (Bridge { config, pristine: Mutex::new(Box::new(fake)), worker }, passes)
}

fn read(bridge: &Bridge, sequence: &mut BridgeSequence, tokens: &[u32], asked: Asked) -> Vec<f32> {
    bridge.step(sequence, tokens, asked, &|| Ok(())).expect("it reads")
}

#[test]
fn a_long_prompt_is_read_in_pieces_and_another_at_once() {
    let (bridge_of, passes) = bridge("phi3");
    let mut sequence = bridge_of.sequence();
    assert_eq!(read(&bridge_of, &mut sequence, &[0; 70], Asked::Last), [70.0; 8]);
    assert_eq!((passes.load(Ordering::Relaxed), sequence.len()), (3, 70));
    assert!(sequence.can_go_on_at(70) && !sequence.can_go_on_at(69));

    let (bridge_of, passes) = bridge("phi");
    let mut sequence = bridge_of.sequence();
    assert!(read(&bridge_of, &mut sequence, &[0; 50], Asked::Nothing).is_empty());
    assert_eq!((passes.load(Ordering::Relaxed), sequence.len()), (0, 50), "it waits for the rest");
    assert_eq!(read(&bridge_of, &mut sequence, &[0; 20], Asked::Last), [70.0; 8]);
    assert_eq!(passes.load(Ordering::Relaxed), 1);
    assert_eq!(read(&bridge_of, &mut sequence, &[0; 3], Asked::Last), [73.0; 8]);
    assert_eq!(passes.load(Ordering::Relaxed), 4, "one by one from then on");
    assert!(!sequence.can_go_on_at(73));
    let each = read(&bridge_of, &mut sequence, &[0; 2], Asked::All);
    assert_eq!(each, [[74.0; 8], [75.0; 8]].concat());
}

#[test]
fn whoever_stops_waiting_leaves_at_once_and_the_next_text_is_right() {
    let (bridge, _) = bridge("phi3");
    let mut sequence = bridge.sequence();
    read(&bridge, &mut sequence, &[0; 5], Asked::Last);
    let begun = Instant::now();
    let stop = || if begun.elapsed() > Duration::from_millis(50) { bail!("enough") } else { Ok(()) };
    assert!(bridge.step(&mut sequence, &[SLOW], Asked::Last, &stop).is_err());
    assert!(begun.elapsed() < Duration::from_millis(250), "{:?}", begun.elapsed());
    assert!(sequence.is_empty(), "what was half done is not used again");
    assert_eq!(read(&bridge, &mut sequence, &[0; 6], Asked::Last), [6.0; 8]);
    // Its thread ends with it, after the pass that was left.
    drop(bridge);
    assert!(begun.elapsed() >= Duration::from_millis(900));
}

#[test]
fn an_error_and_a_panic_are_the_callers_and_nobody_elses() {
    let (bridge, _) = bridge("phi3");
    let (mut ours, mut other) = (bridge.sequence(), bridge.sequence());
    read(&bridge, &mut other, &[0; 4], Asked::Last);
    let error = bridge.step(&mut ours, &[FAILS], Asked::Last, &|| Ok(())).expect_err("it fails");
    assert!(format!("{error:#}").contains("no such shape"));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        drop(bridge.step(&mut ours, &[PANICS], Asked::Last, &|| Ok(())));
    }));
    assert!(panic.is_err());
    assert_eq!(read(&bridge, &mut other, &[0; 1], Asked::Last), [5.0; 8]);
    assert_eq!(read(&bridge, &mut ours, &[0; 2], Asked::Last), [2.0; 8]);
}
