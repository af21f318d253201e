//! Markdown into blocks of styled words. Pictures become their description, HTML stays text.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Deeper nesting than this is shown flat: a page of `>` must not overflow the stack.
const MAX_DEPTH: usize = 12;

#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    Paragraph(Vec<Inline>),
    Heading(u8, Vec<Inline>),
    Code { language: String, text: String },
    Quote(Vec<Block>),
    List { start: Option<u64>, items: Vec<Vec<Block>> },
    Table { columns: Vec<Alignment>, rows: Vec<Vec<Vec<Inline>>> },
    Rule,
}

/// A run of words in one style.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inline {
    pub text: String,
    pub strong: bool,
    pub emphasis: bool,
    pub strike: bool,
    pub code: bool,
    pub link: Option<String>,
}

/// Reads `text`; never fails, as every text is some markdown.
#[must_use]
pub fn parse(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut builder = Builder { stack: vec![Open::new(Kind::Root)], ..Builder::default() };
    for event in Parser::new_ext(text, options) {
        builder.event(event);
    }
    while builder.stack.len() > 1 {
        builder.close();
    }
    builder.flush();
    builder.stack.pop().map(|root| root.blocks).unwrap_or_default()
}

enum Kind {
    Root,
    Quote,
    List(Option<u64>),
    Item,
    Table(Vec<Alignment>),
    /// A container nested too deep: its blocks go to the one around it.
    Flat,
}

/// A container that is still being read.
struct Open {
    kind: Kind,
    blocks: Vec<Block>,
    items: Vec<Vec<Block>>,
    rows: Vec<Vec<Vec<Inline>>>,
}

impl Open {
    fn new(kind: Kind) -> Self {
        Self { kind, blocks: Vec::new(), items: Vec::new(), rows: Vec::new() }
    }
}

#[derive(Default)]
struct Builder {
    stack: Vec<Open>,
    words: Vec<Inline>,
    style: Inline,
    strong: usize,
    emphasis: usize,
    heading: Option<u8>,
    code: Option<(String, String)>,
    image: Option<String>,
}

impl Builder {
    fn event(&mut self, event: Event) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.word(&text, false),
            },
            Event::Code(text) => self.word(&text, true),
            Event::Html(text) | Event::InlineHtml(text) => self.word(&text, false),
            Event::InlineMath(text) => self.word(&format!("${text}$"), false),
            Event::DisplayMath(text) => self.word(&format!("$${text}$$"), false),
            Event::FootnoteReference(text) => self.word(&format!("[^{text}]"), false),
            // Models break lines where they mean it.
            Event::SoftBreak | Event::HardBreak => self.word("\n", false),
            Event::Rule => {
                self.flush();
                self.push(Block::Rule);
            }
            Event::TaskListMarker(done) => self.word(if done { "[x] " } else { "[ ] " }, true),
        }
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.heading = Some(level_of(level));
            }
            Tag::BlockQuote(_) => self.open(Kind::Quote),
            Tag::CodeBlock(kind) => {
                self.flush();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.split([' ', ',']).next().unwrap_or("").to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(start) => self.open(Kind::List(start)),
            Tag::Item => self.open(Kind::Item),
            Tag::Table(columns) => self.open(Kind::Table(columns)),
            Tag::TableHead | Tag::TableRow => {
                if let Some(open) = self.stack.last_mut() {
                    open.rows.push(Vec::new());
                }
            }
            Tag::Strong => self.strong += 1,
            Tag::Emphasis => self.emphasis += 1,
            Tag::Strikethrough => self.style.strike = true,
            Tag::Link { dest_url, .. } => {
                self.style.link = Some(dest_url.into_string()).filter(|url| is_web(url))
            }
            Tag::Image { dest_url, .. } => {
                self.image = Some(dest_url.into_string());
                self.word("[", false);
            }
            _ => self.flush(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock | TagEnd::Heading(_) => self.flush(),
            TagEnd::CodeBlock => {
                if let Some((language, mut text)) = self.code.take() {
                    if text.ends_with('\n') {
                        text.pop();
                    }
                    self.push(Block::Code { language, text });
                }
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item | TagEnd::Table => self.close(),
            TagEnd::TableCell => {
                let words = std::mem::take(&mut self.words);
                if let Some(row) = self.stack.last_mut().and_then(|open| open.rows.last_mut()) {
                    row.push(words);
                }
            }
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            TagEnd::Emphasis => self.emphasis = self.emphasis.saturating_sub(1),
            TagEnd::Strikethrough => self.style.strike = false,
            TagEnd::Link => self.style.link = None,
            TagEnd::Image => {
                let url = self.image.take().unwrap_or_default();
                self.word(&format!("]({url})"), false);
            }
            _ => {}
        }
    }

    fn word(&mut self, text: &str, code: bool) {
        let word = Inline {
            text: text.to_owned(),
            strong: self.strong > 0,
            emphasis: self.emphasis > 0,
            code,
            ..self.style.clone()
        };
        match self.words.last_mut() {
            Some(last) if same_style(last, &word) => last.text.push_str(&word.text),
            _ => self.words.push(word),
        }
    }

    /// Ends a paragraph or heading.
    fn flush(&mut self) {
        let heading = self.heading.take();
        let mut words = std::mem::take(&mut self.words);
        if let Some(last) = words.last_mut() {
            last.text.truncate(last.text.trim_end_matches('\n').len());
        }
        words.retain(|w| !w.text.is_empty());
        if !words.is_empty() {
            self.push(match heading {
                Some(level) => Block::Heading(level, words),
                None => Block::Paragraph(words),
            });
        }
    }

    fn push(&mut self, block: Block) {
        if let Some(open) = self.stack.last_mut() {
            open.blocks.push(block);
        }
    }

    fn open(&mut self, kind: Kind) {
        self.flush();
        let deep = self.stack.len() > MAX_DEPTH && !matches!(kind, Kind::Table(_));
        self.stack.push(Open::new(if deep { Kind::Flat } else { kind }));
    }

    fn close(&mut self) {
        self.flush();
        if self.stack.len() < 2 {
            return;
        }
        let Some(done) = self.stack.pop() else { return };
        match done.kind {
            Kind::Root => {}
            Kind::Quote => self.push(Block::Quote(done.blocks)),
            Kind::Flat => done.blocks.into_iter().for_each(|block| self.push(block)),
            Kind::List(start) => {
                let mut items = done.items;
                if !done.blocks.is_empty() {
                    items.push(done.blocks);
                }
                self.push(Block::List { start, items });
            }
            Kind::Item => {
                if let Some(list) = self.stack.last_mut() {
                    match list.kind {
                        Kind::List(_) => list.items.push(done.blocks),
                        _ => list.blocks.extend(done.blocks),
                    }
                }
            }
            Kind::Table(columns) => self.push(Block::Table { columns, rows: done.rows }),
        }
    }
}

fn same_style(a: &Inline, b: &Inline) -> bool {
    (a.strong, a.emphasis, a.strike, a.code, &a.link) == (b.strong, b.emphasis, b.strike, b.code, &b.link)
}

/// Only the web can be opened from a page: a model must not name files or programs.
fn is_web(url: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| url.to_ascii_lowercase().starts_with(scheme))
}

fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(words: &[Inline]) -> String {
        words.iter().map(|w| w.text.as_str()).collect()
    }

    #[test]
    fn blocks_and_styles_are_told_apart() {
        let blocks =
            parse("# Title\n\nSome **bold** and *soft* `code`\nnext line\n\n```rust\nfn a() {}\n```\n---\n");
        assert!(matches!(&blocks[0], Block::Heading(1, w) if plain(w) == "Title"));
        let Block::Paragraph(words) = &blocks[1] else { panic!("a paragraph") };
        assert_eq!(plain(words), "Some bold and soft code\nnext line");
        assert!(words.iter().any(|w| w.strong && w.text == "bold"));
        assert!(words.iter().any(|w| w.emphasis && w.text == "soft"));
        assert!(words.iter().any(|w| w.code && w.text == "code"));
        assert_eq!(blocks[2], Block::Code { language: "rust".into(), text: "fn a() {}".into() });
        assert_eq!(blocks[3], Block::Rule);
    }

    #[test]
    fn lists_nest_and_tables_keep_their_cells() {
        let blocks = parse("3. one\n4. two\n   - in\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n");
        let Block::List { start: Some(3), items } = &blocks[0] else { panic!("a numbered list: {blocks:?}") };
        assert_eq!(items.len(), 2);
        assert!(matches!(&items[1][1], Block::List { start: None, .. }));
        let Block::Table { columns, rows } = &blocks[1] else { panic!("a table: {blocks:?}") };
        assert_eq!(columns[1], Alignment::Right);
        assert_eq!(rows.len(), 2);
        assert_eq!(plain(&rows[1][1]), "2");
    }

    #[test]
    fn only_the_web_is_linked() {
        for (url, linked) in
            [("https://example.org", true), ("file:///etc/passwd", false), ("javascript:x", false)]
        {
            let blocks = parse(&format!("[here]({url})"));
            let Block::Paragraph(words) = &blocks[0] else { panic!("a paragraph") };
            assert_eq!(words[0].link.is_some(), linked, "{url}");
        }
    }

    #[test]
    fn pictures_and_html_are_words() {
        let blocks = parse("![a cat](https://example.org/cat.png) <b>x</b>");
        let Block::Paragraph(words) = &blocks[0] else { panic!("a paragraph") };
        assert_eq!(plain(words), "[a cat](https://example.org/cat.png) <b>x</b>");
        assert!(words.iter().all(|w| w.link.is_none()));
    }

    #[test]
    fn half_written_and_hostile_text_is_read_to_its_end() {
        let deep = ">".repeat(5_000) + " x";
        assert!(!parse(&deep).is_empty());
        let open = parse("text\n\n```python\nprint(1)");
        assert!(matches!(open.last(), Some(Block::Code { language, .. }) if language == "python"));
        assert!(parse("").is_empty());
        assert!(!parse("**never closed").is_empty());
    }
}
