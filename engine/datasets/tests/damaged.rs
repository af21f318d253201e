//! Damaged files as people import them: what comes before the damage comes in, the damage is a bad row that says
//! what it is, or the file is refused. Nothing is dropped in silence, and nothing is as large as a file claims.

#[path = "../examples/mangle/apart.rs"]
mod apart;

use apart::{Apart, rebuilt, together, value, with};
use glassworks_datasets::formats::{Read, open, preview};
use glassworks_protocol::datasets::import::{ImportSource, PreviewSpec, ReadOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Rows that came in, and the reasons of the bad ones with their cause.
fn read(name: &str, bytes: &[u8]) -> (Vec<String>, Vec<(String, String)>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("it is written");
    let source = ImportSource::Files(vec![path]);
    let spec = PreviewSpec { source: source.clone(), options: ReadOptions::default() };
    let shown = preview(&spec).expect("its beginning is shown");
    let mut reader = open(&source, &spec.options).expect("it opens");
    let (mut rows, mut bad, mut line) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(read) = reader.next(&mut line).expect("it ends") {
        match read {
            Read::Row { .. } => rows.push(String::from_utf8_lossy(&line).into_owned()),
            Read::Bad(one) => {
                let cause = one.reason.args.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>();
                bad.push((one.reason.key.to_string(), cause.join(" ")));
            }
        }
    }
    assert_eq!(shown.rows.len(), rows.len().min(200), "{name}: what is shown is what is read");
    (rows, bad)
}

/// So many rows, and then damage that says `cause`; without one, none.
#[track_caller]
fn check(name: &str, bytes: &[u8], n_rows: usize, cause: Option<&str>) {
    let (rows, bad) = read(name, bytes);
    assert_eq!(rows.len(), n_rows, "{name}: {bad:?}");
    match cause {
        None => assert_eq!(bad, [], "{name}"),
        Some(cause) => {
            let (key, said) = bad.last().unwrap_or_else(|| panic!("{name}: the damage is not told"));
            assert_eq!(key, "data.bad_damaged", "{name}: {bad:?}");
            assert!(said.contains(cause), "{name}: {said}");
        }
    }
}

fn lines(n: usize) -> Vec<u8> {
    (0..n)
        .flat_map(|n| format!("{{\"n\":{n},\"text\":\"row {}\"}}\n", n * 7919 % 1000).into_bytes())
        .collect()
}

fn gz(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(text).expect("in memory");
    out.finish().expect("in memory")
}

fn zst(text: &[u8]) -> Vec<u8> {
    let mut out = zstd::Encoder::new(Vec::new(), 3).expect("in memory");
    out.include_checksum(true).expect("it can");
    out.write_all(text).expect("in memory");
    out.finish().expect("in memory")
}

#[test]
fn gzip_cut_off_or_altered() {
    let whole = gz(&lines(5000));
    check("whole.jsonl.gz", &whole, 5000, None);
    let (rows, bad) = read("half.jsonl.gz", &whole[..whole.len() / 2]);
    assert!((1000..4900).contains(&rows.len()), "{} rows", rows.len());
    assert_eq!(bad.last().expect("it is told").0, "data.bad_damaged");
    // All rows are there; that the file is as it was written is not known.
    for cut in [1, 4, 8] {
        check("trailer.jsonl.gz", &whole[..whole.len() - cut], 5000, Some(""));
    }
    for at in [4, 8] {
        let mut altered = whole.clone();
        let place = altered.len() - at;
        altered[place] ^= 1;
        check("sum.jsonl.gz", &altered, 5000, Some("corrupt"));
    }
}

#[test]
fn gzip_with_more_behind_it() {
    let (first, second) = (gz(&lines(30)), gz(&lines(20)));
    check("members.jsonl.gz", &[first.clone(), second].concat(), 50, None);
    check("garbage.jsonl.gz", &[first.clone(), b"something else".to_vec()].concat(), 30, Some("gzip"));
    // As tapes and disks pad files; no row is missing, and no damage is told where there is none.
    check("padded.jsonl.gz", &[first, vec![0; 512]].concat(), 30, None);
}

#[test]
fn zstandard_cut_off_or_altered() {
    let whole = zst(&lines(40_000));
    check("whole.jsonl.zst", &whole, 40_000, None);
    let (rows, bad) = read("half.jsonl.zst", &whole[..whole.len() / 2]);
    assert!((1000..39_000).contains(&rows.len()), "{} rows", rows.len());
    assert_eq!(bad.last().expect("it is told").0, "data.bad_damaged");
    let mut altered = whole.clone();
    let place = altered.len() - 2;
    altered[place] ^= 1;
    // The last block is held back until its checksum is known.
    let (_, bad) = read("sum.jsonl.zst", &altered);
    assert!(bad.last().expect("it is told").1.contains("checksum"), "{bad:?}");
    check("two.jsonl.zst", &[zst(&lines(3)), zst(&lines(4))].concat(), 7, None);
    check("garbage.jsonl.zst", &[zst(&lines(3)), b"something else".to_vec()].concat(), 3, Some("frame"));
}

#[test]
fn zstandard_that_claims_to_be_huge() {
    let frame = |head: &[u8]| {
        let text = b"{\"a\":1}\n";
        let block = ((text.len() as u32) << 3 | 1).to_le_bytes();
        [&0xFD2F_B528_u32.to_le_bytes(), head, &block[..3], text].concat()
    };
    // A content of 2^62 bytes in one piece.
    let content = [&[0b1110_0000][..], &(1u64 << 62).to_le_bytes()].concat();
    let (rows, bad) = read("content.jsonl.zst", &frame(&content));
    assert_eq!((rows.len(), bad.len()), (0, 1), "{bad:?}");
    // A window of 2^41 bytes, and one of 2 GiB as `--long=31` makes it.
    for window in [0xF8, 0xA8] {
        let (rows, bad) = read("window.jsonl.zst", &frame(&[0, window]));
        assert_eq!((rows.len(), bad.len()), (0, 1), "{bad:?}");
    }
    // As large as is read without being asked: what it holds comes in.
    check("most.jsonl.zst", &frame(&[0, 17 << 3]), 1, None);
}

#[test]
fn columns_of_a_document_that_is_cut_off() {
    let whole = b"{\"a\": [1, 2, 3], \"b\": [\"x\", \"y\", \"z\"]}";
    check("whole.json.gz", &gz(whole), 3, None);
    let packed = gz(whole);
    check("trailer.json.gz", &packed[..packed.len() - 4], 3, Some(""));
    // Cut off within a column, and between two.
    for (end, n_rows) in [(31, 2), (15, 3), (26, 1)] {
        let (rows, bad) = read("cut.json", &whole[..end]);
        assert_eq!(rows.len(), n_rows, "{end}: {rows:?} {bad:?}");
        assert!(!bad.is_empty(), "{end}: dropped in silence");
    }
    let (rows, bad) = read("more.json", b"{\"a\": [1,\n 2]}\nand more");
    assert_eq!((rows.len(), bad.len()), (2, 1), "{bad:?}");
    let (rows, bad) = read("none.json", b"{\"a\": [1, 2] \"b\": [3, 4]}");
    assert!(!bad.is_empty(), "{rows:?}");
}

fn parquet(name: &str) -> Vec<u8> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/parquet").join(name);
    std::fs::read(path).expect("it is in the corpus")
}

/// A file in which one number of a page's header is another: of the first row group's `column`, its page `n`.
fn with_header(file: &[u8], column: i64, n: usize, path: &[i64], to: i64) -> Option<Vec<u8>> {
    let mut found = false;
    let file = rebuilt(&Apart::of(file)?, &[4, 0, 1, column, 3], &mut |at, _, page| {
        let spots = page.spots.iter().filter(|spot| at == n && spot.path == path);
        let edits: Vec<_> = spots.map(|spot| (spot.clone(), to)).collect();
        found |= !edits.is_empty();
        with(page.header, edits)
    });
    file.filter(|_| found)
}

/// A file in which one number of the footer is another.
fn with_footer(file: &[u8], path: &[i64], to: i64) -> Option<Vec<u8>> {
    let apart = Apart::of(file)?;
    let spot = apart.spots.iter().find(|spot| spot.path == path)?.clone();
    Some(together(apart.body, &with(apart.footer, vec![(spot, to)])))
}

fn footer_number(file: &[u8], path: &[i64]) -> Option<i64> {
    let apart = Apart::of(file)?;
    apart.spots.iter().find(|spot| spot.path == path).map(|spot| value(apart.footer, spot))
}

/// Refused, or read up to the damage.
#[track_caller]
fn lies(file: Option<Vec<u8>>, cause: &str) {
    check("lies.parquet", &file.expect("the number is there"), 0, Some(cause));
}

/// All rows come in, or it is told why not: what is claimed beyond the rows is never asked for.
#[track_caller]
fn all_or_told(file: Option<Vec<u8>>, n_rows: usize) {
    let (rows, bad) = read("lies.parquet", &file.expect("the number is there"));
    assert!(rows.len() == n_rows || !bad.is_empty(), "{} rows", rows.len());
}

const HUGE: i64 = i32::MAX as i64;

#[test]
fn pages_that_lie_about_their_size() {
    for (name, first) in
        [("snappy.parquet", 0), ("gzip-v2.parquet", 0), ("flat.parquet", 0), ("nested-v2.parquet", 0)]
    {
        lies(with_header(&parquet(name), 0, first, &[2], HUGE), "that says it was");
        lies(with_header(&parquet(name), 0, first, &[2], -1), "smaller than nothing");
        lies(with_header(&parquet(name), 0, first, &[3], HUGE), "a page of 2147483647 bytes");
        lies(with_header(&parquet(name), 0, first, &[1], 1), "no known kind");
    }
    // Shorter than it is, and what a page of gzip becomes is not what it says.
    lies(with_header(&parquet("snappy.parquet"), 0, 0, &[2], 3), "");
    lies(with_header(&parquet("gzip-v2.parquet"), 0, 0, &[2], 20), "longer than it says");
}

#[test]
fn pages_that_lie_about_their_values() {
    let flat = parquet("flat.parquet");
    lies(with_header(&flat, 0, 0, &[7, 1], HUGE), "a dictionary of 2147483647 values");
    for n_values in [0, 3, 1000, HUGE] {
        all_or_told(with_header(&flat, 0, 1, &[5, 1], n_values), 20);
        all_or_told(with_header(&parquet("gzip-v2.parquet"), 0, 1, &[8, 1], n_values), 20);
        all_or_told(with_header(&parquet("nested.parquet"), 0, 1, &[5, 1], n_values), 12);
        all_or_told(with_header(&parquet("lengths.parquet"), 0, 0, &[5, 1], n_values), 20);
        all_or_told(with_header(&parquet("delta.parquet"), 0, 0, &[5, 1], n_values), 20);
    }
    // A dictionary that is not where the footer says: its pages begin with values.
    let first = footer_number(&flat, &[4, 0, 1, 0, 3, 9]).expect("it is there");
    lies(with_footer(&flat, &[4, 0, 1, 0, 3, 11], first), "");
}

#[test]
fn footers_that_lie() {
    let flat = parquet("flat.parquet");
    // Packed otherwise than it is said.
    for codec in [1, 2, 4, 5, 6, 7] {
        lies(with_footer(&flat, &[4, 0, 1, 0, 3, 4], codec), "");
    }
    for to in [-1, 1 << 40, HUGE, flat.len() as i64] {
        lies(with_footer(&flat, &[4, 0, 1, 1, 3, 11], to), "");
        all_or_told(with_footer(&flat, &[4, 0, 1, 1, 3, 7], to), 20);
    }
    for fields in [5, 1000, HUGE] {
        lies(with_footer(&flat, &[2, 0, 5], fields), "a group of");
    }
    all_or_told(with_footer(&flat, &[4, 0, 3], 1 << 40), usize::MAX);
}

#[test]
fn rows_before_a_broken_row_group_stay() {
    // Groups of 7 rows: the second one's first page is said to lie outside of the file.
    let file = parquet("snappy.parquet");
    let path = [4, 1, 1, 0, 3, 11];
    let file = with_footer(&file, &path, 1 << 30).expect("it is there");
    check("second.parquet", &file, 7, Some(""));
    let whole = parquet("snappy.parquet");
    check("whole.parquet", &whole, 20, None);
    check("cut.parquet", &whole[..whole.len() / 2], 0, Some("footer"));
}

/// All of the above has claimed some terabytes by now.
#[cfg(target_os = "linux")]
#[test]
fn memory_stays_small() {
    let most = |name: &str| -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("it is there");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("it is there");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    };
    for (name, column, page, path) in [
        ("snappy.parquet", 0, 0, [2].as_slice()),
        ("flat.parquet", 0, 0, &[7, 1]),
        ("nested.parquet", 0, 0, &[7, 1]),
    ] {
        lies(with_header(&parquet(name), column, page, path, HUGE), "");
    }
    assert!(most("VmHWM:") < 600 << 10, "{} KiB", most("VmHWM:"));
}
