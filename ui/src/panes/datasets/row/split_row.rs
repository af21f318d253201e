//! A row that is too long, as two: a conversation before a question, a text between paragraphs or sentences.

use super::turns::role_of;
use glassworks_protocol::datasets::{DataTask, Mapping, Role, Row};
use serde_json::Value;

/// Both halves, the first as long as it may be: `share` of the row is what the model sees. `None` where there is no
/// place that leaves two rows to learn from.
#[must_use]
pub fn halves(mapping: &Mapping, row: &Row, share: f32) -> Option<(Row, Row)> {
    let half = |column: &str, value: Value| {
        let mut half = row.clone();
        half.insert(column.to_owned(), value);
        half
    };
    match mapping.task {
        DataTask::Chat => {
            let column = mapping.column(Role::Messages)?;
            let (first, second) = talks(row.get(column)?.as_array()?, share)?;
            Some((half(column, first.into()), half(column, second.into())))
        }
        DataTask::Text => {
            let column = mapping.column(Role::Text)?;
            let (first, second) = texts(row.get(column)?.as_str()?, share)?;
            Some((half(column, first.into()), half(column, second.into())))
        }
        _ => None,
    }
}

/// Parted before a question; what the system says stands before both.
fn talks(turns: &[Value], share: f32) -> Option<(Vec<Value>, Vec<Value>)> {
    let n_system = turns.iter().take_while(|turn| role_of(turn) == "system").count();
    let length =
        |turn: &Value| turn.get("content").and_then(Value::as_str).map_or(0, |text| text.chars().count());
    let total: usize = turns.iter().map(length).sum();
    let mut before = 0;
    let mut best: Option<(f32, usize)> = None;
    for (at, turn) in turns.iter().enumerate() {
        let asks = role_of(turn) == "user" && at > n_system && role_of(&turns[at - 1]) == "assistant";
        if asks && turns[at..].iter().any(|turn| role_of(turn) == "assistant") {
            let part = before as f32 / total.max(1) as f32;
            // As long as it may be, else as short as it can be.
            let cost = if part <= share { share - part } else { 1.0 + part };
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, at));
            }
        }
        before += length(turn);
    }
    let (_, at) = best?;
    let system = turns[..n_system].iter().cloned();
    Some((turns[..at].to_vec(), system.chain(turns[at..].iter().cloned()).collect()))
}

/// Parted at the last paragraph that fits, else line, else sentence; in the middle where nothing fits.
fn texts(text: &str, share: f32) -> Option<(&str, &str)> {
    let most = text.len() as f32 * share;
    let parts: [&[&str]; 3] = [&["\n\n"], &["\n"], &[". ", "! ", "? ", "。", "！", "？"]];
    for marks in parts {
        let ends = marks.iter().flat_map(|mark| text.match_indices(mark).map(|(at, mark)| at + mark.len()));
        let fits = ends.filter(|at| *at as f32 <= most);
        let found = fits.max().map(|at| (text[..at].trim_end(), text[at..].trim_start()));
        if let Some(both) = found.filter(|(a, b)| !a.trim().is_empty() && !b.trim().is_empty()) {
            return Some(both);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::turns::turn_of;
    use super::*;

    #[test]
    fn a_talk_is_parted_before_a_question_that_fits() {
        let turns = [
            turn_of("system", "S"),
            turn_of("user", &"a".repeat(10)),
            turn_of("assistant", &"b".repeat(10)),
            turn_of("user", &"c".repeat(10)),
            turn_of("assistant", &"d".repeat(10)),
            turn_of("user", &"e".repeat(10)),
            turn_of("assistant", &"f".repeat(10)),
        ];
        let (first, second) = talks(&turns, 0.7).unwrap();
        assert_eq!((first.len(), second.len()), (5, 3));
        assert_eq!(role_of(&second[0]), "system");
        // Nothing fits: the shortest first half there is.
        assert_eq!(talks(&turns, 0.1).unwrap().0.len(), 3);
        assert!(talks(&turns[..3], 0.5).is_none(), "one question is no two");
        assert!(talks(&turns[..4], 0.9).is_none(), "nothing to learn would be in the second");
    }

    #[test]
    fn a_text_is_parted_between_paragraphs_lines_or_sentences() {
        assert_eq!(texts("One.\n\nTwo two.\n\nThree", 0.8), Some(("One.\n\nTwo two.", "Three")));
        assert_eq!(texts("One.\nTwo two.\nThree", 0.5), Some(("One.", "Two two.\nThree")));
        assert_eq!(texts("一句话。第二句话。", 0.6), Some(("一句话。", "第二句话。")));
        assert_eq!(texts("no place at all", 0.5), None);
    }
}
