//! Stop strings: found in the text as it grows, held back while they might be beginning, never part of the reply.

use glassworks_protocol::generate::TokenPiece;

/// Watches pieces go by.
#[derive(Clone)]
pub struct StopWatch {
    stops: Vec<String>,
    /// Pieces whose text might still turn out to begin a stop string.
    held: Vec<TokenPiece>,
}

/// What a new piece led to.
#[derive(Debug, PartialEq)]
pub enum Passed {
    /// These pieces are certain now.
    Pieces(Vec<TokenPiece>),
    /// These pieces stand before the stop string, which is named.
    Stop(Vec<TokenPiece>, String),
}

impl StopWatch {
    /// Empty strings stop nothing.
    #[must_use]
    pub fn new(stops: &[String]) -> Self {
        Self { stops: stops.iter().filter(|s| !s.is_empty()).cloned().collect(), held: Vec::new() }
    }

    /// Whether nothing stops.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.stops.is_empty()
    }

    pub fn push(&mut self, piece: TokenPiece) -> Passed {
        self.held.push(piece);
        let text: String = self.held.iter().map(|p| p.text.as_str()).collect();
        let found = self
            .stops
            .iter()
            .filter_map(|stop| text.find(stop.as_str()).map(|at| (at, stop)))
            .min_by_key(|(at, stop)| (*at, std::cmp::Reverse(stop.len())));
        if let Some((at, stop)) = found {
            let stop = stop.clone();
            return Passed::Stop(self.cut(at), stop);
        }
        // The earliest place from which the text to its end could be the beginning of a stop string.
        let open = text
            .char_indices()
            .map(|(at, _)| at)
            .find(|at| self.stops.iter().any(|stop| stop.starts_with(&text[*at..])))
            .unwrap_or(text.len());
        let mut end = 0;
        let mut certain = 0;
        for piece in &self.held {
            end += piece.text.len();
            if end > open {
                break;
            }
            certain += 1;
        }
        // An empty piece after held text waits with it, to keep the order.
        Passed::Pieces(self.held.drain(..certain).collect())
    }

    /// The pieces held back, when the reply ends for another reason.
    pub fn finish(&mut self) -> Vec<TokenPiece> {
        std::mem::take(&mut self.held)
    }

    /// The held pieces up to byte `at` of their joined text; the one that is cut keeps what stands before.
    fn cut(&mut self, at: usize) -> Vec<TokenPiece> {
        let mut out = Vec::new();
        let mut start = 0;
        for mut piece in std::mem::take(&mut self.held) {
            if start >= at {
                break;
            }
            let end = start + piece.text.len();
            piece.text.truncate(at - start);
            start = end;
            out.push(piece);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> TokenPiece {
        TokenPiece {
            id: 0,
            text: text.to_owned(),
            logprob: 0.0,
            sampled_prob: 1.0,
            rank: 0,
            entropy: 0.0,
            top: Vec::new(),
        }
    }

    /// What came out, and the stop string that ended it.
    fn check(stops: &[&str], pieces: &[&str], text: &str, stop: Option<&str>) {
        let mut watch = StopWatch::new(&stops.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        let (mut out, mut found) = (String::new(), None);
        let mut add = |pieces: Vec<TokenPiece>| pieces.iter().for_each(|p| out.push_str(&p.text));
        for p in pieces {
            match watch.push(piece(p)) {
                Passed::Pieces(pieces) => add(pieces),
                Passed::Stop(pieces, stop) => {
                    add(pieces);
                    found = Some(stop);
                    break;
                }
            }
        }
        if found.is_none() {
            add(watch.finish());
        }
        assert_eq!((out.as_str(), found.as_deref()), (text, stop), "{stops:?} in {pieces:?}");
    }

    #[test]
    fn stop_strings_end_the_text_before_them() {
        check(&["END"], &["a", "b", "E", "N", "D", "c"], "ab", Some("END"));
        check(&["END"], &["abENDc"], "ab", Some("END"));
        check(&["END"], &["a", "EN", "x"], "aENx", None);
        check(&["END"], &["a", "EN"], "aEN", None);
        check(&["\n\n"], &["a\n", "\nb"], "a", Some("\n\n"));
        check(&["\n\n"], &["a\n", "b\n", "c"], "a\nb\nc", None);
        check(&["bc", "abcd"], &["a", "b", "c", "d"], "a", Some("bc"));
        check(&["停"], &["不", "停"], "不", Some("停"));
        check(&[""], &["a"], "a", None);
        check(&["aab"], &["a", "a", "a", "b"], "a", Some("aab"));
        check(&["xy"], &["x", "", "y"], "", Some("xy"));
    }

    #[test]
    fn only_what_may_begin_a_stop_string_is_held() {
        let mut watch = StopWatch::new(&["END".to_owned()]);
        assert_eq!(watch.push(piece("a")), Passed::Pieces(vec![piece("a")]));
        assert_eq!(watch.push(piece("E")), Passed::Pieces(vec![]));
        assert_eq!(watch.push(piece("x")), Passed::Pieces(vec![piece("E"), piece("x")]));
    }
}
