//! Rows made of others, way by way.

use super::*;
use glassworks_protocol::datasets::DataTask;
use serde_json::{Value, json};

const SYNONYMS: &str = "film\tn\tmovie,picture\ngood\ta\tfine,excellent\nwatch\tv\tview\n";
const NAMES: &str = r#"{
    "en": {
        "names": {"male": ["John", "Mark", "Paul"], "female": ["Mary", "Anna", "Lucy"], "neutral": ["Sam", "Alex"]},
        "pairs": [
            {"male": "he", "female": "she"}, {"male": "his", "female": "her"}, {"male": "him", "female": "her"},
            {"male": "his", "female": "hers"}, {"male": "man", "female": "woman"}, {"male": "king", "female": "queen"},
            {"male": "author", "female": "authoress"}
        ]
    },
    "zh": {
        "names": {"male": ["伟", "建国"], "female": ["芳", "秀英"], "neutral": ["宁"]},
        "pairs": [{"male": "他", "female": "她"}, {"male": "他们", "female": "她们"}, {"male": "爸爸", "female": "妈妈"}, {"male": "爸", "female": "妈"}]
    }
}"#;

fn lists() -> WordLists<'static> {
    WordLists { synonyms: SYNONYMS, names: NAMES }
}

fn mapping(task: DataTask, roles: &[(Role, &str)]) -> Mapping {
    Mapping { task, roles: roles.iter().map(|(role, column)| (*role, (*column).to_owned())).collect() }
}

fn make(way: AugmentWay, mapping: &Mapping, row: &Value, seed: u64) -> Option<Value> {
    let augment = Augment::new(way, lists()).unwrap();
    augment.make(row.as_object().unwrap(), mapping, &mut Chance::new(&[seed])).map(Value::Object)
}

fn text(way: AugmentWay, text: &str, seed: u64) -> Option<String> {
    let row = json!({ "t": text, "l": "x" });
    let mapping = mapping(DataTask::Classification, &[(Role::Text, "t"), (Role::Label, "l")]);
    let made = make(way, &mapping, &row, seed)?;
    assert_eq!(made["l"], "x");
    Some(made["t"].as_str().unwrap().to_owned())
}

#[test]
fn words_are_left_out_with_their_spaces() {
    for seed in 0..50 {
        let made = text(AugmentWay::TokenDropout(0.4), "one two three, four five.", seed).unwrap();
        assert_eq!(words::words(&made).len(), 3, "{made}");
        assert!(!made.contains("  ") && !made.starts_with(' '), "{made:?}");
    }
    assert_eq!(text(AugmentWay::TokenDropout(1.0), "alone", 1), None, "one stays");
    assert_eq!(words::words(&text(AugmentWay::TokenDropout(1.0), "now two", 1).unwrap()).len(), 1);
    assert_eq!(text(AugmentWay::TokenDropout(0.2), "今天天气好", 1).unwrap().chars().count(), 4);
}

#[test]
fn neighbours_change_places() {
    for seed in 0..50 {
        let made = text(AugmentWay::TokenSwap(0.5), "one two three. four five six", seed).unwrap();
        let sorted = |text: &str| {
            let mut words: Vec<String> =
                words::words(text).into_iter().map(|at| text[at].to_owned()).collect();
            words.sort();
            words
        };
        assert_eq!(sorted(&made), sorted("one two three. four five six"));
        assert!(made.find("three").unwrap() < made.find('.').unwrap(), "not over a sentence's end: {made}");
    }
    assert_eq!(text(AugmentWay::TokenSwap(0.5), "same same", 1), None);
}

#[test]
fn letters_slip() {
    let before = "The weather is wonderful today";
    for seed in 0..100 {
        let made = text(AugmentWay::CharacterNoise(0.1), before, seed).unwrap();
        assert_ne!(made, before);
        assert!(made.chars().count().abs_diff(before.chars().count()) <= 3, "{made}");
        assert_eq!(made.split(' ').count(), before.split(' ').count(), "{made}");
    }
}

#[test]
fn synonyms_keep_case_and_article() {
    for seed in 0..30 {
        let made =
            text(AugmentWay::Synonyms(1.0), "Good film! A GOOD film, films of Good Street", seed).unwrap();
        let mut parts = made.split(['!', ',']);
        let (first, second, third) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        assert!(["Fine", "Excellent"].iter().any(|word| first.starts_with(word)), "{made}");
        assert!(first.ends_with("movie") || first.ends_with("picture"), "{made}");
        assert!(second.starts_with(" A FINE"), "no vowel after a: {made}");
        assert_eq!(third, " films of Good Street", "another form, a name");
    }
    assert_eq!(text(AugmentWay::Synonyms(0.5), "nothing here", 1), None);
}

#[test]
fn cases_and_marks_change() {
    let cases: std::collections::BTreeSet<String> =
        (0..30).map(|seed| text(AugmentWay::Casing, "it's a test-Case", seed).unwrap()).collect();
    assert_eq!(
        cases.into_iter().collect::<Vec<_>>(),
        ["IT'S A TEST-CASE", "It's A Test-Case", "it's a test-case"]
    );
    assert_eq!(text(AugmentWay::Casing, "今天", 1), None);
    for seed in 0..30 {
        let made = text(AugmentWay::Punctuation(0.5), "Costs 3.50, or so. 真的？", seed).unwrap();
        assert!(made.contains("3.50"), "{made}");
        assert_ne!(made, "Costs 3.50, or so. 真的？");
    }
}

#[test]
fn the_same_sentence_about_somebody_else() {
    let swapped = |before: &str, seed| text(AugmentWay::Counterfactual, before, seed).unwrap();
    for seed in 0..20 {
        let made = swapped(
            "John gave her his book. John's wife saw him; the book was his. SHE left, said Mary.",
            seed,
        );
        let name = made.split(' ').next().unwrap().to_owned();
        assert!(["Anna", "Lucy"].contains(&name.as_str()), "not Mary, who is there: {made}");
        let other = made.trim_end_matches('.').rsplit(' ').next().unwrap().to_owned();
        assert!(["Mark", "Paul"].contains(&other.as_str()), "{made}");
        assert_eq!(
            made,
            format!(
                "{name} gave him her book. {name}'s wife saw her; the book was hers. HE left, said {other}."
            )
        );
    }
    assert_eq!(swapped("The author met her king; her crown.", 1), "The author met his queen; his crown.");
    assert_eq!(swapped("I told her that she won, and her too.", 1), "I told him that he won, and him too.");
    assert_eq!(swapped("他和其他人说，他们的爸爸弹吉他。", 1), "她和其他人说，她们的妈妈弹吉他。");
    assert_eq!(swapped("张伟说王建国是老板。", 1), "张芳说王秀英是老板。");
    assert_eq!(text(AugmentWay::Counterfactual, "这是伟大的建设。Mark my words, then.", 1), None);
    let sam = swapped("Sam smiled.", 1);
    assert_eq!(sam, "Alex smiled.");
}

#[test]
fn what_a_model_is_to_say_stays() {
    let chat = mapping(DataTask::Chat, &[(Role::Messages, "m")]);
    let turn = |role: &str, content: &str| json!({ "role": role, "content": content });
    let row = json!({ "m": [turn("system", "Be good"), turn("user", "What is a good film?"), turn("assistant", "A good film is John's.")] });
    for way in [
        AugmentWay::Casing,
        AugmentWay::Synonyms(1.0),
        AugmentWay::TokenDropout(0.3),
        AugmentWay::TokenSwap(0.3),
    ] {
        let made = make(way, &chat, &row, 3).unwrap();
        assert_eq!((&made["m"][0], &made["m"][2]), (&row["m"][0], &row["m"][2]));
        assert_ne!(made["m"][1], row["m"][1]);
    }
    let made = make(AugmentWay::Counterfactual, &chat, &row, 3).unwrap();
    assert_ne!(made["m"][2], row["m"][2], "who is spoken of changes everywhere");
    let pairs = mapping(DataTask::Pairs, &[(Role::Source, "a"), (Role::Target, "b")]);
    let row = json!({ "a": "a good day", "b": "a good day" });
    assert_eq!(
        make(AugmentWay::Synonyms(1.0), &pairs, &row, 1).unwrap(),
        json!({ "a": "a fine day", "b": "a good day" })
    );
}

#[test]
fn what_is_marked_stays_literal() {
    let answers = mapping(
        DataTask::QuestionAnswering,
        &[(Role::Context, "c"), (Role::Question, "q"), (Role::Answers, "a")],
    );
    let row = json!({
        "c": "The good film was made in New York by John, they say.", "q": "Where was the film made?",
        "a": { "text": ["New York"], "answer_start": [26] },
    });
    let tags = mapping(DataTask::Tagging, &[(Role::Tokens, "w"), (Role::Tags, "g")]);
    let words = json!({ "w": ["A", "good", "film", "from", "New", "York", "today"], "g": ["O", "O", "O", "O", "B-LOC", "I-LOC", "O"] });
    let ways = [
        AugmentWay::TokenDropout(0.3),
        AugmentWay::TokenSwap(0.4),
        AugmentWay::CharacterNoise(0.2),
        AugmentWay::Synonyms(1.0),
        AugmentWay::Punctuation(0.5),
        AugmentWay::Casing,
        AugmentWay::Counterfactual,
    ];
    for seed in 0..30 {
        for way in ways {
            if let Some(made) = make(way, &answers, &row, seed) {
                let (answer, start) =
                    (made["a"]["text"][0].as_str().unwrap(), made["a"]["answer_start"][0].as_u64().unwrap());
                let context: Vec<char> = made["c"].as_str().unwrap().chars().collect();
                let there: String = context[start as usize..].iter().take(answer.chars().count()).collect();
                assert_eq!(there, answer, "{way:?}");
                assert_eq!(answer.to_lowercase(), "new york", "{way:?}");
            }
            if let Some(made) = make(way, &tags, &words, seed) {
                let (words, tags) = (made["w"].as_array().unwrap(), made["g"].as_array().unwrap());
                assert_eq!(words.len(), tags.len(), "{way:?}");
                let place: Vec<String> = words
                    .iter()
                    .zip(tags)
                    .filter(|(_, tag)| *tag != "O")
                    .map(|(word, _)| word.as_str().unwrap().to_lowercase())
                    .collect();
                assert_eq!(place, ["new", "york"], "{way:?}");
            }
        }
    }
}
