//! The end of the log file, for "copy diagnostics". Writing it is the program's affair.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The log's name in the home folder's `logs`.
pub const FILE: &str = "glassworks.log";
const TAIL_BYTES: u64 = 32 * 1024;

/// The newest lines, whole; empty when there is no log.
#[must_use]
pub fn tail(path: &Path) -> String {
    read_tail(path).unwrap_or_default()
}

fn read_tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = if start == 0 { &text } else { text.split_once('\n').map_or("", |(_, rest)| rest) };
    Ok(whole.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_whole_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        assert_eq!(tail(&path), "");
        let lines: String = (0..10_000).map(|i| format!("line {i}\n")).collect();
        std::fs::write(&path, lines).expect("written");
        let tail = tail(&path);
        assert!(tail.starts_with("line ") && tail.ends_with("line 9999\n"));
        assert!(tail.len() <= TAIL_BYTES as usize);
    }
}
