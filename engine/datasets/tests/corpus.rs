//! Every file of the corpus, good or broken, through its reader and as it is found to be: it ends, and rows and bad
//! rows account for it. The fuzzer `mangle` starts from these files; what it breaks becomes one of them.

#[path = "../examples/mangle/target.rs"]
mod target;

use std::path::Path;
use target::{Counts, TARGETS};

#[test]
fn every_reader_accounts_for_every_file_of_its_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for target in &TARGETS {
        let (mut counts, mut n) = (Counts::default(), 0);
        for entry in corpus.join(target.name).read_dir().expect("each reader has a folder") {
            let path = entry.expect("it is read").path();
            // Told only if it fails.
            eprintln!("{}", path.display());
            counts += target::read(&path, target);
            n += 1;
        }
        assert!(n >= 2 && counts.rows > 0, "{}: {n} cases, {counts:?}", target.name);
    }
}
