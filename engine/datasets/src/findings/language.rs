//! Which language a text is in.

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

    #[test]
    fn short_texts_are_not_guessed() {
        for text in ["", "42", "ok", "good", "Yes, please.", "1234567890 !!!", "a b c d"] {
            assert_eq!(Language::of(text), None, "{text}");
        }
        assert_eq!(Language::of("今天天气很好").unwrap().name(), "普通话");
    }
}
