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
