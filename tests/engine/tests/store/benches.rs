//! Benchmarks in the store: kept whole, newest first, recovered.

use super::{Bench, run};
use glassworks_protocol::Stored;
use glassworks_protocol::bench::{
    BenchCase, BenchKind, BenchMachine, BenchModel, BenchRecord, BenchResult, Ceilings, LeftOut, Measured,
};
use glassworks_protocol::ids::BenchId;
use glassworks_protocol::model::Precision;

fn record(at_ms: i64, speed: f64) -> BenchRecord {
    let measured = |median: f64| Measured { median, least: median * 0.9, most: median / 0.9, n_runs: 5 };
    let case = |kind, batch, context| BenchCase { kind, batch, context };
    let result = |case: BenchCase, share| BenchResult {
        case,
        n_tokens: 32,
        tokens_per_sec: measured(speed * f64::from(case.batch)),
        share,
        peak_bytes: Some(310 << 20),
    };
    BenchRecord {
        id: BenchId::mint(),
        at_ms,
        version: "0.1.0".to_owned(),
        machine: BenchMachine {
            processor: "Example 9000".to_owned(),
            n_cores: 2,
            n_threads: 2,
            isa: "amx".to_owned(),
            device: "CPU".to_owned(),
        },
        model: BenchModel {
            name: "古诗".to_owned(), content_hash: "ab".repeat(32), ..BenchModel::default()
        },
        precision: Precision::Fast,
        ceilings: Some(Ceilings {
            read: measured(27e9),
            bf16_flops: Some(measured(1.1e12)),
            ..Ceilings::default()
        }),
        load_secs: None,
        first_token_secs: Some(0.1 + 0.2),
        peak_bytes: Some(310 << 20),
        reserved_bytes: 290 << 20,
        results: vec![
            result(case(BenchKind::Prefill, 1, 128), Some(1.0 / 3.0)),
            result(case(BenchKind::Decode, 4, 128), None),
        ],
        left_out: vec![(case(BenchKind::Prefill, 1, 4096), LeftOut::Time)],
    }
}

#[test]
fn benchmarks_are_kept_whole_and_the_newest_comes_first() {
    run(async {
        let mut bench = Bench::new().await;
        let (old, new) = (record(5, 80.0), record(9, 81.0));
        for one in [&new, &old] {
            let Stored::Bench(stored) = bench.store().add_bench(one).await.unwrap() else { panic!("kept") };
            assert_eq!(*stored, *one);
        }
        assert!(bench.store().add_bench(&old).await.is_err(), "an id is entered once");
        bench.reopen().await;
        let kept = bench.store().benches().await.unwrap();
        assert_eq!(kept.iter().map(|one| &**one).collect::<Vec<_>>(), [&new, &old]);
        assert_eq!(new.last_time(&kept).map(|one| one.id), Some(old.id));
    });
}

#[test]
fn benchmarks_come_back_from_a_damaged_database() {
    run(async {
        let mut bench = Bench::new().await;
        let one = record(5, 80.0);
        bench.store().add_bench(&one).await.unwrap();
        bench.close().await;
        let mut bytes = std::fs::read(bench.database()).unwrap();
        bytes[..16].fill(b'?');
        std::fs::write(bench.database(), bytes).unwrap();
        bench.open().await;
        assert_eq!(bench.notices.len(), 1);
        let kept = bench.store().benches().await.unwrap();
        assert_eq!(kept.iter().map(|one| &**one).collect::<Vec<_>>(), [&one]);
    });
}
