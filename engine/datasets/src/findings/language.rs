//! Which language a text is in.
//!
//! whatlang compares with some forty languages, which takes a tenth of a millisecond a text: too long for a million
//! rows. What is English beyond doubt, as most rows of most datasets are, is told by its small words.

use whatlang::{Detector, Lang, Script};

/// Letters that are looked at: more would not change the answer.
const MOST_LETTERS: usize = 300;

/// What texts are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Language(Lang);

impl Language {
    /// The language, where there is enough text to tell: three characters of a script that only few languages use,
    /// twenty letters of others.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = beginning(text);
        if is_plainly_english(text) {
            return Some(Self(Lang::Eng));
        }
        let letters = text.chars().filter(|one| one.is_alphabetic()).count();
        if letters < 3 {
            return None;
        }
        let info = Detector::new().detect(text)?;
        let shared =
            matches!(info.script(), Script::Latin | Script::Cyrillic | Script::Arabic | Script::Devanagari);
        let known = if shared { letters >= 20 && info.confidence() >= 0.1 } else { true };
        known.then_some(Self(info.lang()))
    }

    /// ISO 639-3.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The name in itself; where the bundled font lacks its letters, in English.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Lang::Eng | Lang::Cmn => self.0.name(),
            lang if lang.name().chars().all(|one| matches!(one, ' '..='\u{52f}')) => lang.name(),
            lang => lang.eng_name(),
        }
    }
}

/// Small words that are English and nothing else, in order.
const ENGLISH: [&str; 74] = [
    "about", "after", "again", "also", "and", "another", "any", "are", "because", "before", "being",
    "between", "both", "but", "can", "could", "did", "does", "down", "each", "even", "every", "few", "first",
    "from", "give", "has", "here", "his", "how", "if", "into", "its", "just", "know", "like", "made", "make",
    "many", "may", "more", "most", "much", "must", "not", "now", "only", "other", "out", "people", "same",
    "should", "some", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "through", "very", "what", "when", "which", "who", "with", "would", "you", "your",
];

/// Those that are as small and frequent in other languages, or in their letters, in order.
const SHARED: [&str; 38] = [
    "a", "all", "an", "as", "at", "be", "been", "by", "do", "for", "had", "have", "he", "her", "i", "in",
    "is", "it", "me", "my", "no", "of", "on", "one", "or", "our", "over", "own", "she", "so", "such", "to",
    "two", "under", "up", "was", "we", "were",
];

/// The fewest words, and different English ones among them, by which English is told.
const ENOUGH_WORDS: usize = 8;
const ENOUGH_ENGLISH: u32 = 3;

/// Whether a text is of Latin letters without marks, and three of ten words and more are small words of English: no
/// other language comes near that.
fn is_plainly_english(text: &str) -> bool {
    if !text.chars().all(|one| one.is_ascii() || !one.is_alphabetic()) {
        return false;
    }
    let (mut n_words, mut n_small, mut seen) = (0, 0, 0_u128);
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'\'';
    for word in text.as_bytes().split(|byte| !is_letter(byte)).filter(|word| !word.is_empty()) {
        n_words += 1;
        let mut lower = [0; 12];
        let Some(lower) = lower.get_mut(..word.len()) else { continue };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        let place = |of: &[&str]| of.binary_search_by(|small| small.as_bytes().cmp(lower)).ok();
        if let Some(at) = place(&ENGLISH) {
            n_small += 1;
            seen |= 1 << at;
        } else if place(&SHARED).is_some() {
            n_small += 1;
        }
    }
    n_words >= ENOUGH_WORDS && seen.count_ones() >= ENOUGH_ENGLISH && n_small * 10 >= n_words * 3
}

/// As much of a text as has that many letters.
fn beginning(text: &str) -> &str {
    let end = text.char_indices().filter(|(_, one)| one.is_alphabetic()).nth(MOST_LETTERS);
    end.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, texts: &[&str]) {
        for text in texts {
            assert_eq!(Language::of(text).map(Language::code), Some(code), "{text}");
        }
    }

    #[test]
    fn languages_are_told_apart() {
        check(
            "eng",
            &[
                "The weather was wonderful, so we decided to walk along the river before dinner.",
                "Please summarise the following article in three sentences and name its author.",
            ],
        );
        check(
            "cmn",
            &[
                "今天天气很好",
                "请把下面这段话翻译成英文，并说明其中的主要观点。",
                "用 Python 写一个快速排序的函数",
            ],
        );
        check(
            "fra",
            &[
                "Le temps était magnifique, alors nous avons décidé de marcher le long de la rivière.",
                "Veuillez résumer cet article en trois phrases et donner le nom de son auteur.",
            ],
        );
        check(
            "deu",
            &[
                "Das Wetter war wunderbar, deshalb gingen wir vor dem Abendessen am Fluss entlang.",
                "Bitte fasse den folgenden Artikel in drei Sätzen zusammen und nenne den Verfasser.",
            ],
        );
        check(
            "spa",
            &[
                "El tiempo era maravilloso, así que decidimos caminar por el río antes de la cena.",
                "Por favor, resume el siguiente artículo en tres frases y nombra a su autor.",
            ],
        );
        check("rus", &["Погода была прекрасная, и мы решили прогуляться вдоль реки перед ужином."]);
        check("jpn", &["今日は天気がとても良いので、川沿いを散歩しました。", "ありがとう"]);
        check("ara", &["كان الطقس رائعا فقررنا أن نمشي على طول النهر قبل العشاء."]);
        check("kor", &["오늘은 날씨가 아주 좋아서 강을 따라 걸었습니다."]);
    }

    /// The texts of a column of one of the datasets that come with the program.
    fn starter(name: &str, column: &str) -> Vec<String> {
        let path = format!("{}/../../assets/datasets/{name}/data.jsonl", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        rows.filter_map(|row| Some(row.get(column)?.as_str()?.to_owned())).collect()
    }

    #[test]
    fn what_is_plainly_english_is_what_comparing_with_all_languages_says() {
        assert!(ENGLISH.is_sorted() && SHARED.is_sorted());
        assert!(SHARED.iter().all(|word| !ENGLISH.contains(word)));
        for (name, column, at_least) in [("english-text", "text", 98), ("extractive-qa", "context", 75)] {
            let (mut n_plain, mut n_long, mut n_other) = (0, 0, 0);
            for text in starter(name, column) {
                let text = beginning(&text);
                // Of shorter ones the comparison is too often wrong to be compared with.
                if text.len() < 200 {
                    continue;
                }
                n_long += 1;
                if is_plainly_english(text) {
                    n_plain += 1;
                    let info = Detector::new().detect(text).unwrap();
                    n_other += usize::from(info.lang() != Lang::Eng && info.confidence() >= 0.1);
                }
            }
            assert!(n_plain * 100 >= n_long * at_least, "{name}: {n_plain} of {n_long}");
            assert!(n_other * 200 <= n_plain, "{name}: {n_other} of {n_plain} are something else");
        }
    }

    #[test]
    fn no_other_language_is_plainly_english() {
        let mut texts = starter("interface-en-fr", "target");
        texts.extend(starter("chinese-text", "text"));
        let others = [
            "De man die in het huis was had over dat boek gesproken, of zoals we zeggen: hij is er nu ook op reis",
            "Det er for sent at have et hus i byen, og han var under alle de andre i over to timer for at se det",
            "Die man was in die huis en het oor die boek gepraat, want hy is so moeg as wat hy kan wees",
            "Write: el perro de la casa no es de los que se van, pero no me lo digas a mi por favor",
        ];
        texts.extend(others.map(str::to_owned));
        for text in texts {
            assert!(!is_plainly_english(beginning(&text)), "{text}");
        }
    }

    #[test]
    fn short_texts_are_not_guessed() {
        for text in ["", "42", "ok", "good", "Yes, please.", "1234567890 !!!", "a b c d"] {
            assert_eq!(Language::of(text), None, "{text}");
        }
        assert_eq!(Language::of("今天天气很好").unwrap().name(), "普通话");
    }
}
