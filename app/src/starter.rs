//! What comes with the program: the files of a model and of data to begin with, compiled in.

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../assets/", $folder, $name)) as &[u8])),+]
    };
}

/// File name and bytes of each file of the starter.
pub static STARTER: &[(&str, &[u8])] = files![
    "starter/":
    "NOTICE",
    "README.md",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "starter.json",
    "tokenizer.json",
    "tokenizer_config.json",
];

/// Data to begin with, by path: sentences of film reviews that are good or bad.
pub static SAMPLES: &[(&str, &[u8])] = files!["": "reviews/LICENSE", "reviews/NOTICE", "reviews/reviews.csv"];

/// Datasets to begin with: their index, and of each its rows, its card and its licence.
pub static DATASETS: &[(&str, &[u8])] = files![
    "":
    "datasets/index.json",
    "synonyms/synonyms.tsv",
    "synonyms/names.json",
    "datasets/chat/LICENSE",
    "datasets/chat/LICENSE-WordNet",
    "datasets/chat/NOTICE",
    "datasets/chat/README.md",
    "datasets/chat/data.jsonl",
    "reviews/LICENSE",
    "reviews/NOTICE",
    "reviews/README.md",
    "reviews/reviews.csv",
    "datasets/topics/LICENSE",
    "datasets/topics/README.md",
    "datasets/topics/data.jsonl",
    "datasets/addresses/LICENSE",
    "datasets/addresses/README.md",
    "datasets/addresses/data.jsonl",
    "datasets/names/LICENSE",
    "datasets/names/README.md",
    "datasets/names/data.jsonl",
    "datasets/extractive-qa/LICENSE",
    "datasets/extractive-qa/NOTICE",
    "datasets/extractive-qa/README.md",
    "datasets/extractive-qa/data.jsonl",
    "datasets/verses-en-zh/LICENSE",
    "datasets/verses-en-zh/README.md",
    "datasets/verses-en-zh/data.jsonl",
    "datasets/interface-en-zh/LICENSE",
    "datasets/interface-en-zh/README.md",
    "datasets/interface-en-zh/data.jsonl",
    "datasets/interface-en-fr/LICENSE",
    "datasets/interface-en-fr/README.md",
    "datasets/interface-en-fr/data.jsonl",
    "datasets/english-text/LICENSE",
    "datasets/english-text/README.md",
    "datasets/english-text/data.jsonl",
    "datasets/chinese-text/LICENSE",
    "datasets/chinese-text/README.md",
    "datasets/chinese-text/data.jsonl",
    "datasets/winobias/LICENSE",
    "datasets/winobias/README.md",
    "datasets/winobias/data.jsonl",
    "datasets/winogender/LICENSE",
    "datasets/winogender/README.md",
    "datasets/winogender/data.jsonl",
];
