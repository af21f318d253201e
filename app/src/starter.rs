//! The model that comes with the program: its files, compiled in.

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../assets/starter/", $name)) as &[u8])),+]
    };
}

/// File name and bytes of each file of the starter.
pub static STARTER: &[(&str, &[u8])] = files![
    "LICENSE",
    "NOTICE",
    "README.md",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "starter.json",
    "tokenizer.json",
    "tokenizer_config.json",
];
