//! Finding words in titles and messages: every term, taken literally, in any order.

use super::Store;
use super::error::{Result, StoreError};
use super::rows::chat_id;
use glassworks_protocol::ids::ChatId;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use std::collections::HashMap;
use unicode_segmentation::GraphemeCursor;

/// The index holds runs of three characters; shorter terms are looked for in the text itself.
const INDEXED_CHARS: usize = 3;
const BEFORE_CHARS: usize = 32;
const AFTER_CHARS: usize = 96;

pub(super) struct Search {
    terms: Vec<String>,
}

impl Search {
    pub fn new(query: &str) -> Self {
        let plain: String = query.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { terms: plain.split_whitespace().map(str::to_owned).collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn matches(&self, text: &str) -> bool {
        let folded = Folded::new(text);
        self.terms.iter().all(|term| folded.find(term).is_some())
    }

    /// The words around the newest match, by chat.
    pub async fn messages(&self, reader: &mut SqliteConnection) -> Result<HashMap<ChatId, String>> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT chat, text, tail FROM messages WHERE seq IN (SELECT max(m.seq) FROM messages m",
        );
        let (long, short): (Vec<&String>, Vec<&String>) =
            self.terms.iter().partition(|term| term.chars().count() >= INDEXED_CHARS);
        if long.is_empty() {
            sql.push(" WHERE m.hidden_by IS NULL AND m.status <> 'streaming'");
        } else {
            let phrases: Vec<String> =
                long.iter().map(|term| format!("\"{}\"", term.replace('"', "\"\""))).collect();
            sql.push(" JOIN message_search s ON s.rowid = m.seq WHERE m.hidden_by IS NULL")
                .push(" AND message_search MATCH ")
                .push_bind(phrases.join(" AND "));
        }
        for term in short {
            let pattern = like_pattern(term);
            sql.push(" AND (m.text LIKE ")
                .push_bind(pattern.clone())
                .push(" ESCAPE '\\' OR m.tail LIKE ")
                .push_bind(pattern)
                .push(" ESCAPE '\\')");
        }
        sql.push(" GROUP BY m.chat)");
        let rows: Vec<(Vec<u8>, String, String)> = sql.build_query_as().fetch_all(reader).await?;
        rows.into_iter().map(|(chat, text, tail)| Ok((chat_id(&chat)?, self.excerpt(&text, &tail)))).collect()
    }

    fn excerpt(&self, text: &str, tail: &str) -> String {
        for text in [text, tail] {
            let folded = Folded::new(text);
            if let Some(at) = self.terms.iter().find_map(|term| folded.find(term)) {
                return around(text, at);
            }
        }
        around(text, 0)
    }
}

impl Store {
    /// Whether making the index anew may help: it is the one thing here that can be derived.
    pub(super) fn heals(&self, e: &StoreError) -> bool {
        e.is_index_damage() && self.home().is_writer()
    }

    /// Makes the index anew from the messages.
    pub(super) async fn rebuild_search(&self) -> Result<()> {
        tracing::warn!("the search index is damaged and is made anew");
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        for sql in [
            "INSERT INTO message_search (message_search) VALUES ('rebuild')",
            "INSERT INTO message_search (message_search, rowid, text, tail)
                SELECT 'delete', seq, text, tail FROM messages WHERE status = 'streaming'",
        ] {
            sqlx::query(sql).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn like_pattern(term: &str) -> String {
    let mut pattern = String::from("%");
    for c in term.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Text without regard to case, each character with the place it came from.
struct Folded {
    chars: Vec<char>,
    offsets: Vec<usize>,
}

impl Folded {
    fn new(text: &str) -> Self {
        let (mut chars, mut offsets) = (Vec::new(), Vec::new());
        for (offset, c) in text.char_indices() {
            for lower in c.to_lowercase() {
                chars.push(lower);
                offsets.push(offset);
            }
        }
        Self { chars, offsets }
    }

    fn find(&self, term: &str) -> Option<usize> {
        let term: Vec<char> = term.chars().flat_map(char::to_lowercase).collect();
        if term.is_empty() {
            return None;
        }
        self.chars.windows(term.len()).position(|window| window == term).map(|idx| self.offsets[idx])
    }
}

/// One line of the text around `at`, no character cut in two.
fn around(text: &str, at: usize) -> String {
    let start = text[..at].char_indices().rev().take(BEFORE_CHARS).last().map_or(at, |(idx, _)| idx);
    let end = text[at..].char_indices().nth(AFTER_CHARS).map_or(text.len(), |(idx, _)| at + idx);
    let (start, end) = (boundary(text, start), boundary(text, end));
    let line = text[start..end].split_whitespace().collect::<Vec<_>>().join(" ");
    let before = if start > 0 { "…" } else { "" };
    let after = if end < text.len() { "…" } else { "" };
    format!("{before}{line}{after}")
}

/// `at`, or the beginning of the character that it would cut.
fn boundary(text: &str, at: usize) -> usize {
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    if cursor.is_boundary(text, 0) == Ok(true) {
        return at;
    }
    cursor.prev_boundary(text, 0).ok().flatten().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::{Home, Mode};
    use glassworks_protocol::Edit;

    #[test]
    fn excerpts_stand_around_the_match() {
        let text = format!("{} The Needle lies here.\n\n{}", "hay ".repeat(50), "straw ".repeat(50));
        let excerpt = Search::new("needle").excerpt(&text, "");
        assert!(excerpt.contains("The Needle lies here. straw"), "{excerpt}");
        assert!(excerpt.starts_with('…') && excerpt.ends_with('…'));
        assert_eq!(Search::new("x").excerpt("a x", ""), "a x");
        assert_eq!(Search::new("tail").excerpt("text", "the tail"), "the tail");
        assert_eq!(Search::new("none").excerpt("text", ""), "text");
    }

    #[test]
    fn excerpts_cut_no_character() {
        let text = "👩‍👩‍👧‍👦".repeat(40) + "here" + &"e\u{301}".repeat(200);
        let excerpt = Search::new("here").excerpt(&text, "");
        let inner = excerpt.trim_matches('…');
        let (before, after) = inner.split_once("here").unwrap();
        assert_eq!(before.len() % "👩‍👩‍👧‍👦".len(), 0);
        assert_eq!(after.len() % "e\u{301}".len(), 0);
    }

    #[test]
    fn titles_match_every_term_in_any_order() {
        let search = Search::new("  attention MAP ");
        assert!(search.matches("A map of Attention"));
        assert!(!search.matches("A map"));
        assert!(Search::new("\u{0}").is_empty());
        assert!(Search::new("İ").matches("xİx"), "folding that grows");
    }

    #[test]
    fn a_damaged_index_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path(), Mode::writer("test")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (store, _) = Store::open(&home).await.unwrap();
            let text = br#"[{"messages":[{"role":"user","content":"a needle in glass"}]}]"#;
            let documents = crate::store::transfer::read(text, "x.json", 1).unwrap().documents;
            let chat = documents[0].chat.id;
            store.add_documents(documents).await.unwrap();
            for round in 0..2 {
                if let Some(writer) = store.inner.writer.lock().await.as_mut() {
                    let spoil = "UPDATE message_search_data SET block = x'ff' WHERE id > 1";
                    sqlx::query(spoil).execute(writer).await.unwrap();
                }
                if round == 0 {
                    assert_eq!(store.chats("needle", false).await.unwrap().len(), 1);
                } else {
                    store.edit(Edit::DeleteChatForever(chat)).await.unwrap();
                    assert!(store.chats("needle", false).await.unwrap().is_empty());
                }
            }
        });
    }
}
