//! What two texts have in common, word by word: the shortest way from one to the other.
//!
//! Myers, "An O(ND) Difference Algorithm and Its Variations", 1986, the greedy form.

use crate::theme::{Tokens, Type, Weight};
use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, Stroke};

/// Beyond so many differences the rest is told as one.
const MOST: usize = 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Same,
    Removed,
    Added,
}

/// The parts of both texts in order; neighbours of a kind are one.
#[must_use]
pub fn words(before: &str, after: &str) -> Vec<(Change, String)> {
    let (a, b) = (split(before), split(after));
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..], &b[..]);
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y).count();
    let (inner_a, inner_b) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    let mut parts = Parts::default();
    a[..head].iter().for_each(|word| parts.push(Change::Same, word));
    between(inner_a, inner_b, &mut parts);
    a[a.len() - tail..].iter().for_each(|word| parts.push(Change::Same, word));
    parts.all
}

/// Both texts as one: what goes is struck through, what comes is underlined, so that it is not told by colour alone.
#[must_use]
pub fn marked(parts: &[(Change, String)], t: &Tokens, width: f32) -> LayoutJob {
    let mut job = LayoutJob::default();
    job.wrap.max_width = width;
    for (change, text) in parts {
        let (ink, ground) = match change {
            Change::Same => (t.text_1, Color32::TRANSPARENT),
            Change::Removed => (t.danger, t.danger_wash),
            Change::Added => (t.ok, t.ok_wash),
        };
        let line = |on: bool| if on { Stroke::new(1.0, ink) } else { Stroke::NONE };
        let format = TextFormat {
            font_id: Type::Body.font(Weight::Regular),
            color: ink,
            background: ground,
            strikethrough: line(*change == Change::Removed),
            underline: line(*change == Change::Added),
            ..TextFormat::default()
        };
        job.append(text, 0.0, format);
    }
    job
}

#[derive(Default)]
struct Parts {
    all: Vec<(Change, String)>,
}

impl Parts {
    fn push(&mut self, change: Change, word: &str) {
        match self.all.last_mut() {
            Some((last, text)) if *last == change => text.push_str(word),
            _ => self.all.push((change, word.to_owned())),
        }
    }
}

fn between(a: &[&str], b: &[&str], parts: &mut Parts) {
    let Some(trace) = trace(a, b) else {
        a.iter().for_each(|word| parts.push(Change::Removed, word));
        b.iter().for_each(|word| parts.push(Change::Added, word));
        return;
    };
    // Backwards from the end, then turned round.
    let (mut x, mut y) = (a.len() as isize, b.len() as isize);
    let mut found: Vec<(Change, &str)> = Vec::new();
    for (d, furthest) in trace.iter().enumerate().rev() {
        let (d, middle) = (d as isize, (furthest.len() / 2) as isize);
        let at = |k: isize| furthest.get((middle + k) as usize).copied().unwrap_or(-1);
        let k = x - y;
        let down = k == -d || k != d && at(k - 1) < at(k + 1);
        let from_k = if down { k + 1 } else { k - 1 };
        let (from_x, from_y) = if d == 0 { (0, 0) } else { (at(from_k), at(from_k) - from_k) };
        while x > from_x
            && y > from_y
            && (d == 0 || x > from_x + isize::from(!down) || y > from_y + isize::from(down))
        {
            x -= 1;
            y -= 1;
            found.push((Change::Same, a[x as usize]));
        }
        if d > 0 {
            if down {
                y -= 1;
                found.push((Change::Added, b[y as usize]));
            } else {
                x -= 1;
                found.push((Change::Removed, a[x as usize]));
            }
        }
    }
    // Of changes side by side, what goes is told before what comes.
    found.reverse();
    let mut at = 0;
    while at < found.len() {
        let end = at + found[at..].iter().take_while(|(change, _)| *change != Change::Same).count();
        for kind in [Change::Removed, Change::Added] {
            found[at..end]
                .iter()
                .filter(|(change, _)| *change == kind)
                .for_each(|(_, word)| parts.push(kind, word));
        }
        if let Some((change, word)) = found.get(end) {
            parts.push(*change, word);
        }
        at = end + 1;
    }
}

/// How far each diagonal reaches after so many differences, before the step of each; `None` beyond [`MOST`].
fn trace(a: &[&str], b: &[&str]) -> Option<Vec<Vec<isize>>> {
    let (n, m) = (a.len() as isize, b.len() as isize);
    let most = (n + m).min(MOST as isize);
    let size = 2 * most as usize + 3;
    let middle = (size / 2) as isize;
    let mut furthest = vec![-1_isize; size];
    furthest[(middle + 1) as usize] = 0;
    let mut trace = Vec::new();
    for d in 0..=most {
        trace.push(furthest.clone());
        let mut k = -d;
        while k <= d {
            let at = |k: isize| furthest[(middle + k) as usize];
            let down = k == -d || k != d && at(k - 1) < at(k + 1);
            let mut x = if down { at(k + 1) } else { at(k - 1) + 1 };
            let mut y = x - k;
            while x < n && y < m && a[x as usize] == b[y as usize] {
                x += 1;
                y += 1;
            }
            furthest[(middle + k) as usize] = x;
            if x >= n && y >= m {
                return Some(trace);
            }
            k += 2;
        }
    }
    None
}

/// Words with what stands after them; signs and letters of scripts without spaces alone.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut from, mut last): (usize, Option<char>) = (0, None);
    for (at, c) in text.char_indices() {
        let joins = last.is_some_and(|last| {
            let word = |c: char| {
                c.is_alphanumeric() && c.is_ascii() || c == '_' || c.is_alphabetic() && c < '\u{2e80}'
            };
            word(last) && word(c) || c == ' ' && last != '\n'
        });
        if !joins && at > from {
            words.push(&text[from..at]);
            from = at;
        }
        last = Some(c);
    }
    if from < text.len() {
        words.push(&text[from..]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> String {
        let part = |(change, text): (Change, String)| match change {
            Change::Same => text,
            Change::Removed => format!("[-{text}]"),
            Change::Added => format!("[+{text}]"),
        };
        words(before, after).into_iter().map(part).collect()
    }

    #[test]
    fn words_are_compared() {
        assert_eq!(told("", ""), "");
        assert_eq!(told("a b", "a b"), "a b");
        assert_eq!(told("", "new"), "[+new]");
        assert_eq!(told("be kind and brief", "be brief"), "be [-kind and ]brief");
        assert_eq!(told("Say {x} now", "Say {y} now"), "Say {[-x][+y]} now");
        assert_eq!(told("你好世界", "你好，世界"), "你好[+，]世界");
    }

    #[test]
    fn both_texts_come_out_whatever_they_are() {
        let mut state = 3_u64;
        let mut next = move |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        for _ in 0..800 {
            let mut text = || -> String {
                let words = ["a ", "b", " ", "\n", "界", "{x}", "long "];
                (0..next(24)).map(|_| words[next(7) as usize]).collect()
            };
            let (before, after) = (text(), text());
            let parts = words(&before, &after);
            let without = |kind: Change| -> String {
                parts.iter().filter(|(change, _)| *change != kind).map(|(_, text)| text.as_str()).collect()
            };
            assert_eq!(without(Change::Added), before);
            assert_eq!(without(Change::Removed), after);
        }
    }

    #[test]
    fn texts_that_share_nothing_are_told_whole() {
        let before: String = (0..900).map(|i| format!("a{i} ")).collect();
        let after: String = (0..900).map(|i| format!("b{i} ")).collect();
        let parts = words(&before, &after);
        assert_eq!(parts, [(Change::Removed, before), (Change::Added, after)]);
    }
}
