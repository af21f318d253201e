//! A title from a conversation's first words.

use unicode_segmentation::UnicodeSegmentation;

/// Columns, a full-width character counting two.
const MAX_COLUMNS: usize = 48;
/// A cut falls between words if that leaves at least this much.
const MIN_COLUMNS: usize = 24;

/// The first sentence or line of `text` without its markdown marks, cut between words where it is long; empty
/// when there is nothing to go by.
pub(super) fn from_text(text: &str) -> String {
    let mut fenced = false;
    let mut code = None;
    for line in text.lines() {
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            fenced = !fenced;
            continue;
        }
        let plain = if fenced { line.trim().to_owned() } else { without_marks(line) };
        if !plain.chars().any(char::is_alphanumeric) {
            continue;
        }
        if !fenced {
            return shorten(first_sentence(&plain));
        }
        // Code names a chat only when nothing else does.
        code = code.or(Some(plain));
    }
    shorten(&code.unwrap_or_else(|| text.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn without_marks(line: &str) -> String {
    let mut rest = line.trim();
    while let Some(shorter) =
        ["#", ">", "- [ ] ", "- [x] ", "- ", "* ", "+ ", "| "].iter().find_map(|mark| rest.strip_prefix(mark))
    {
        rest = shorter.trim_start();
    }
    let links = without_links(rest).replace("**", "").replace("__", "").replace("~~", "").replace('`', "");
    let chars: Vec<char> = links.chars().collect();
    let is_word = |idx: Option<usize>| idx.and_then(|i| chars.get(i)).is_some_and(|c| c.is_alphanumeric());
    let kept = chars.iter().enumerate().filter(|&(idx, c)| {
        // Emphasis touches a word on one side; `2 * 3` and `snake_case` don't.
        !(matches!(c, '*' | '_') && is_word(idx.checked_sub(1)) != is_word(Some(idx + 1)))
    });
    let plain: String = kept.map(|(_, c)| if c.is_control() { ' ' } else { *c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `[label](target)` and `![label](target)` become `label`.
fn without_links(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.find('[') {
        let link = rest[open..].find("](").and_then(|middle| {
            let target = open + middle + 2;
            rest[target..].find(')').map(|end| (&rest[open + 1..open + middle], target + end + 1))
        });
        let Some((label, end)) = link else { break };
        out.push_str(rest[..open].strip_suffix('!').unwrap_or(&rest[..open]));
        out.push_str(label);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn first_sentence(line: &str) -> &str {
    for (at, c) in line.char_indices() {
        let end = at + c.len_utf8();
        let ends = match c {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' => line[end..].starts_with(' ') && columns(&line[..end]) >= 8,
            _ => false,
        };
        if ends {
            // A question keeps its mark, a statement needs none.
            return if matches!(c, '.' | '。') { &line[..at] } else { &line[..end] };
        }
    }
    line.strip_suffix('.').filter(|l| !l.ends_with('.')).unwrap_or(line)
}

fn shorten(line: &str) -> String {
    let line = line.trim();
    if columns(line) <= MAX_COLUMNS {
        return line.to_owned();
    }
    let mut fitting = 0;
    let mut word_end = 0;
    let mut used = 0;
    for (at, grapheme) in line.grapheme_indices(true) {
        used += columns(grapheme);
        if used > MAX_COLUMNS - 1 {
            break;
        }
        fitting = at + grapheme.len();
        let next_is_space = line[fitting..].starts_with(char::is_whitespace);
        if next_is_space && used >= MIN_COLUMNS {
            word_end = fitting;
        }
    }
    // Chinese and Japanese may be cut anywhere.
    let wide = line[..fitting].chars().next_back().is_some_and(|c| column(c) == 2);
    let cut = if word_end > 0 && !wide { word_end } else { fitting };
    format!("{}…", line[..cut].trim_end_matches(|c: char| c.is_whitespace() || ",;:、，；：-".contains(c)))
}

fn columns(text: &str) -> usize {
    text.graphemes(true).map(|g| g.chars().next().map_or(0, column)).sum()
}

fn column(c: char) -> usize {
    let wide = matches!(u32::from(c),
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f
        | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd);
    if wide { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, title: &str) {
        assert_eq!(from_text(text), title);
    }

    #[test]
    fn titles_are_the_first_words() {
        check("Hello there", "Hello there");
        check("What is attention? Explain it simply.", "What is attention?");
        check("Tell me about RoPE scaling.\nIn detail, please.", "Tell me about RoPE scaling");
        check("", "");
        check("  \n\n", "");
        check("???", "???");
        check("version 2.5 of it", "version 2.5 of it");
        check("and so on...", "and so on...");
    }

    #[test]
    fn markdown_marks_are_dropped() {
        check("## **Bold** plan\ntext", "Bold plan");
        check("> - [ ] fix `parse_header` in *two* places", "fix parse_header in two places");
        check("See [the paper](https://example.org/x) and ![a plot](p.png)", "See the paper and a plot");
        check("2 * 3 = 6 and a_b", "2 * 3 = 6 and a_b");
        check("```rust\nfn main() {}\n```\nWhy does this not compile?", "Why does this not compile?");
        check("```\nlet x = 1;\n```", "let x = 1;");
    }

    #[test]
    fn long_ones_are_cut_between_words() {
        let title = from_text(&"wonderful ".repeat(20));
        assert_eq!(title, "wonderful wonderful wonderful wonderful…");
        let unbroken = from_text(&"x".repeat(100));
        assert_eq!(unbroken, format!("{}…", "x".repeat(47)));
    }

    #[test]
    fn chinese_and_joined_characters_stay_whole() {
        check("请解释一下注意力机制。要简单。", "请解释一下注意力机制");
        check("什么是困惑度？", "什么是困惑度？");
        let long = from_text(&"解释注意力机制".repeat(10));
        assert!(long.ends_with('…') && columns(&long) <= MAX_COLUMNS, "{long}");
        let families = from_text(&"👩‍👩‍👧‍👦".repeat(60));
        assert_eq!(families.trim_end_matches('…').len() % "👩‍👩‍👧‍👦".len(), 0, "no family is split");
        let accents = from_text(&"e\u{301}".repeat(80));
        assert!(accents.ends_with("e\u{301}…"));
    }
}
