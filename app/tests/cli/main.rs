//! The built program, as a person or a script calls it: arguments, pipes, exit codes.

mod data;
mod sampling;
mod training;

use glassworks_engine::{Engine, EngineConfig, Mode, PowerConfig, Running};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROMPT: &str = "Alice looked at the";

/// A home folder that is not there yet, in a folder that goes away.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program on this home, in English, without a display.
    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glassworks"));
        command
            .args(arguments)
            .env("GLASSWORKS_HOME", self.home())
            .env("LC_ALL", "C.UTF-8")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().expect("the program starts")
    }

    /// What it writes, when all is well.
    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    }

    /// The starter with a context so long that it never comes to its end.
    fn endless(&self) -> String {
        let model = self.path("endless");
        let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/starter");
        std::fs::create_dir(&model).expect("a folder");
        for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
            std::fs::copy(starter.join(name), model.join(name)).expect("copied");
        }
        let config = model.join("config.json");
        let text = std::fs::read_to_string(&config).expect("its configuration");
        let mut json: Value = serde_json::from_str(&text).expect("JSON");
        json["max_position_embeddings"] = Value::from(100_000);
        std::fs::write(&config, json.to_string()).expect("written");
        model.to_string_lossy().into_owned()
    }

    /// An engine in this process that holds the home, as an open window does.
    fn hold(&self) -> Running {
        let config = EngineConfig {
            home: self.home(),
            mode: Mode::writer("window"),
            starter: &[],
            samples: &[],
            datasets: &[],
            version: "test",
            language: glassworks_protocol::text::Language::English,
            memory_limit_bytes: None,
            disk_free_bytes: None,
            power: PowerConfig::default(),
            isa_cap: None,
            n_threads: None,
            clock: || 0,
        };
        Engine::spawn(config, Box::new(|| {})).unwrap_or_else(|failure| panic!("{failure}"))
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

fn joined(lines: &[Value]) -> String {
    lines.iter().filter_map(|line| line["text"].as_str()).collect()
}

/// Expects this exit code, and this in what is told.
#[track_caller]
fn check_refused(output: &Output, code: i32, told: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    assert!(stderr(output).contains(told), "{} does not contain {told}", stderr(output));
    assert!(!stderr(output).contains("panicked"), "{}", stderr(output));
}

#[test]
fn help_shows_examples_in_both_languages_and_the_version_is_told() {
    let place = Place::new();
    let help = place.text(&["--help"]);
    for expected in ["Examples:", "glassworks generate --model starter", "Exit codes:", "--home", "tour"] {
        assert!(help.contains(expected), "{expected} is not in:\n{help}");
    }
    for command in ["generate", "inspect", "bench", "models", "tour", "completions"] {
        let help = place.text(&[command, "--help"]);
        assert!(help.contains("Examples:") && help.contains("Usage:"), "{command}:\n{help}");
    }
    let chinese =
        place.program(&["generate", "--help"]).env("LC_ALL", "zh_CN.UTF-8").output().expect("it starts");
    assert!(stdout(&chinese).contains("示例：") && stdout(&chinese).contains("种子"));
    assert_eq!(place.text(&["--version"]), format!("glassworks {}\n", env!("CARGO_PKG_VERSION")));
    assert!(place.text(&["completions", "bash"]).contains("glassworks"));
    assert!(!place.home().exists());
}

#[test]
fn bad_arguments_are_exit_code_2_with_a_hint() {
    let place = Place::new();
    check_refused(&place.run(&["sing"]), 2, "sing");
    check_refused(&place.run(&["generate", "--modle", "x"]), 2, "--model");
    check_refused(&place.run(&["generate", "--prompt", "x"]), 2, "--model");
    check_refused(&place.run(&["generate", "--model", "nobody", "--prompt", "x"]), 2, "nobody");
    let missing = place.path("none.gguf");
    let missing = missing.to_string_lossy();
    check_refused(&place.run(&["generate", "--model", &missing, "--prompt", "x"]), 2, "none.gguf");
    let garbage = place.path("garbage.gguf");
    std::fs::write(&garbage, b"this is no model").expect("written");
    let garbage = garbage.to_string_lossy();
    check_refused(&place.run(&["generate", "--model", &garbage, "--prompt", "x"]), 2, "garbage.gguf");
    check_refused(&place.run(&["models", "info", &garbage]), 2, "garbage.gguf");
    let hot = ["generate", "--model", "starter", "--prompt", "x", "--temperature", "-1"];
    assert_eq!(place.run(&hot).status.code(), Some(2));
    let chinese = place.program(&["generate", "--prompt", "x"]).env("LC_ALL", "zh_CN.UTF-8").output();
    check_refused(&chinese.expect("it starts"), 2, "错误：缺少");
}

#[test]
fn without_a_display_one_line_says_what_to_do() {
    let place = Place::new();
    let output = place.run(&[]);
    check_refused(&output, 1, "libxkbcommon-x11-0");
    assert!(stderr(&output).contains("glassworks generate"));
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    assert!(!place.home().exists());
    // A display that is named but is not there.
    let output = place.program(&[]).env("DISPLAY", ":987").output().expect("it starts");
    check_refused(&output, 1, "libxkbcommon-x11-0");
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
}

#[test]
fn json_lines_join_to_exactly_the_plain_text() {
    let place = Place::new();
    let arguments = ["generate", "--model", "starter", "--prompt", PROMPT, "-n", "40", "--ignore-eos"];
    let plain = place.text(&arguments);
    let lines = json_lines(&place.text(&[&arguments[..], &["--json"]].concat()));
    let (end, tokens) = lines.split_last().expect("lines");
    assert_eq!(tokens.len(), 40);
    assert_eq!(joined(tokens) + "\n", plain);
    for line in tokens {
        let keys: Vec<&str> = line.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["token", "text", "logprob"]);
        assert!(line["token"].is_u64() && line["logprob"].as_f64().is_some_and(|p| p <= 0.0), "{line}");
    }
    assert_eq!(end["finish"], "length");
    assert_eq!(end["n_new"], 40);
    assert!(end["n_prompt"].as_u64().is_some_and(|n| n > 0));
    assert!(end["tokens_per_sec"].as_f64().is_some_and(|n| n > 0.0));
    assert!(end["first_token_secs"].is_number() && end["seed"].is_u64() && end["n_reused"].is_u64());
    assert!(!place.home().exists(), "a reader makes no home");
}

#[test]
fn seeds_stop_strings_and_standard_input_count() {
    let place = Place::new();
    let with = |more: &[&str]| {
        let arguments = ["generate", "--model", "starter", "--prompt", PROMPT, "-n", "30", "--ignore-eos"];
        place.text(&[&arguments[..], more].concat())
    };
    let warm = ["--temperature", "1.2", "--seed", "5"];
    assert_eq!(with(&warm), with(&warm));
    assert_ne!(with(&warm), with(&["--temperature", "1.2", "--seed", "6"]));

    let whole = with(&[]);
    let word = whole.split_whitespace().nth(3).expect("some words").to_owned();
    let lines = json_lines(&with(&["--json", "--stop", &word]));
    let end = lines.last().expect("an end");
    assert_eq!((&end["finish"], &end["stop_string"]), (&"stop_string".into(), &word.as_str().into()));
    assert_eq!(joined(&lines), whole[..whole.find(&word).expect("it is there")]);

    let mut piped = place
        .program(&["generate", "--model", "starter", "--prompt", "-", "-n", "30", "--ignore-eos"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    piped.stdin.take().expect("a pipe").write_all(PROMPT.as_bytes()).expect("written");
    let output = piped.wait_with_output().expect("it ends");
    assert_eq!(stdout(&output), whole);
}

#[test]
fn replies_follow_a_json_schema() {
    let place = Place::new();
    let schema =
        r#"{"type": "object", "properties": {"mood": {"enum": ["good", "bad"]}}, "required": ["mood"]}"#;
    std::fs::write(place.path("schema.json"), schema).expect("written");
    let file = place.path("schema.json").to_string_lossy().into_owned();
    let start = ["generate", "--model", "starter", "--prompt", PROMPT, "--json-schema"];
    let from = |schema: &str| place.text(&[&start[..], &[schema]].concat());
    let text = from(&file);
    let reply: Value = serde_json::from_str(&text).expect("JSON");
    assert!(reply["mood"] == "good" || reply["mood"] == "bad", "{text}");
    assert_eq!(from(schema), text, "a schema may stand in place of its file");
    check_refused(&place.run(&[&start[..], &["nowhere.json"]].concat()), 2, "nowhere.json");
    check_refused(&place.run(&[&start[..], &["{\"type\": \"objekt\"}"]].concat()), 2, "objekt");
}

#[test]
fn a_chat_goes_through_a_template() {
    let place = Place::new();
    let arguments = ["generate", "--model", "starter", "--prompt", "Hello", "--chat", "-n", "5", "--json"];
    let plain = json_lines(&place.text(&arguments));
    let told = json_lines(&place.text(&[&arguments[..], &["--system", "You are Alice"]].concat()));
    let n_prompt = |lines: &[Value]| lines.last().and_then(|end| end["n_prompt"].as_u64()).expect("a count");
    assert!(n_prompt(&told) > n_prompt(&plain));
    assert!(plain.last().is_some_and(|end| end["template"].is_string()));
}

#[test]
fn inspect_writes_every_layer() {
    let place = Place::new();
    let out = place.path("inside.safetensors");
    place.text(&["inspect", "--model", "starter", "--prompt", PROMPT, "--out", &out.to_string_lossy()]);
    let bytes = std::fs::read(&out).expect("the file");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let card = &json_lines(&place.text(&["models", "info", "starter", "--json"]))[0];
    let size = |key: &str| card[key].as_u64().expect("a number") as usize;
    let shape = |name: &str| file.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}")).shape().to_vec();
    let n_tokens = shape("tokens")[0];
    assert!(n_tokens > 1);
    assert_eq!(file.tensor("tokens").expect("tokens").dtype(), safetensors::Dtype::I32);
    assert_eq!(shape("logits"), [n_tokens, size("vocab_size")]);
    for layer in 0..=size("n_layers") {
        assert_eq!(shape(&format!("hidden.{layer}")), [n_tokens, size("width")]);
    }
    for layer in 0..size("n_layers") {
        assert_eq!(shape(&format!("attention.{layer}")), [size("n_heads"), n_tokens, n_tokens]);
    }
    assert_eq!(file.names().len(), 2 + 2 * size("n_layers") + 1);
    let nowhere = place.path("no/such/folder.safetensors");
    let nowhere = nowhere.to_string_lossy();
    let refused = place.run(&["inspect", "--model", "starter", "--prompt", PROMPT, "--out", &nowhere]);
    assert!(!refused.status.success() && !stderr(&refused).contains("panicked"), "{}", stderr(&refused));
}

#[test]
fn models_are_imported_listed_and_used_by_name() {
    let place = Place::new();
    let model = place.endless();
    let line = place.text(&["models", "import", &model, "--name", "White Rabbit"]);
    assert!(line.contains("White Rabbit"), "{line}");
    let list = place.text(&["models", "list"]);
    assert!(list.contains("White Rabbit") && list.contains("Architecture"), "{list}");
    let models = json_lines(&place.text(&["models", "list", "--json"])).remove(0);
    let rabbit = models.as_array().expect("a list").iter().find(|m| m["name"] == "White Rabbit");
    let id = rabbit.expect("it is there")["id"].as_str().expect("an id").to_owned();
    for name in ["White Rabbit", "white rabbit", &id] {
        assert!(place.text(&["models", "info", name]).contains(&id));
    }
    assert!(!place.text(&["generate", "--model", "White Rabbit", "--prompt", PROMPT, "-n", "3"]).is_empty());
    check_refused(&place.run(&["generate", "--model", "Dormouse", "--prompt", "x"]), 2, "White Rabbit");
}

#[test]
fn an_open_window_keeps_importers_out_and_lets_readers_in() {
    let place = Place::new();
    let model = place.endless();
    let window = place.hold();
    let refused = place.run(&["models", "import", &model]);
    check_refused(&refused, 1, "window");
    assert!(stderr(&refused).contains(&std::process::id().to_string()), "{}", stderr(&refused));
    assert!(!place.text(&["generate", "--model", &model, "--prompt", PROMPT, "-n", "3"]).is_empty());
    assert!(place.run(&["models", "list"]).status.success());
    window.stop();
    assert!(place.run(&["models", "import", &model]).status.success());
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let place = Place::new();
    let model = place.endless();
    let arguments =
        ["generate", "--model", &model, "--prompt", PROMPT, "-n", "90000", "--ignore-eos", "--json"];
    let mut running =
        place.program(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(running.stdout.take().expect("a pipe")).lines();
    lines.next().expect("a line").expect("readable");
    drop(lines);
    let output = running.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_cleanly_and_keeps_what_was_written() {
    let place = Place::new();
    let model = place.endless();
    let arguments =
        ["generate", "--model", &model, "--prompt", PROMPT, "-n", "90000", "--ignore-eos", "--json"];
    let mut running = place.program(&arguments).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut reader = BufReader::new(running.stdout.take().expect("a pipe"));
    let mut text = String::new();
    for _ in 0..5 {
        reader.read_line(&mut text).expect("a line");
    }
    let sent = Command::new("kill").args(["-INT", &running.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    let asked = Instant::now();
    reader.read_to_string(&mut text).expect("the rest");
    assert_eq!(running.wait().expect("it ends").code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(5));
    let lines = json_lines(&text);
    let end = lines.last().expect("an end");
    assert_eq!(end["finish"], "cancelled");
    assert_eq!(end["n_new"], lines.len() - 1);
}

#[test]
fn the_tour_leaves_a_report() {
    let place = Place::new();
    let out = place.path("tour");
    let told = place.text(&["tour", "--out", &out.to_string_lossy()]);
    assert!(told.contains("report.md"), "{told}");
    let mut names: Vec<String> = std::fs::read_dir(&out)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let left = [
        "attention.png",
        "inside.safetensors",
        "losses.svg",
        "reply.json",
        "report.md",
        "rows.jsonl",
        "surprisal.svg",
    ];
    assert_eq!(names, left);
    let report = std::fs::read_to_string(out.join("report.md")).expect("the report");
    assert!(!report.contains('{') && !report.contains("cli."), "{report}");
    let reply = std::fs::read_to_string(out.join("reply.json")).expect("the reply");
    let reply: Value = serde_json::from_str(&reply).expect("JSON");
    assert!(reply["reply"]["tokens"].as_array().is_some_and(|tokens| tokens.len() > 20));
    let png = std::fs::read(out.join("attention.png")).expect("the picture");
    assert!(png.starts_with(b"\x89PNG") && png.len() > 5_000);
    let svg = std::fs::read_to_string(out.join("surprisal.svg")).expect("the plot");
    assert!(svg.contains("<svg") && svg.contains("JetBrains Mono"));
    assert!(std::fs::read_to_string(out.join("losses.svg")).expect("the plot").contains("<svg"));
    assert!(!place.home().exists(), "the tour leaves the person's home alone");
    // A second tour into the same folder is fine, and in Chinese.
    let again = place
        .program(&["tour", "--out", &out.to_string_lossy()])
        .env("LC_ALL", "zh_CN.UTF-8")
        .output()
        .expect("it starts");
    assert!(again.status.success(), "{}", stderr(&again));
    assert!(std::fs::read_to_string(out.join("report.md")).expect("the report").contains("惊异度"));
}

#[test]
fn a_benchmark_says_its_cases_and_is_kept() {
    let place = Place::new();
    let arguments = ["bench", "--model", "starter", "--prompt", "32", "--new", "8", "--batch", "2"];
    let lines = json_lines(&place.text(&[&arguments[..], &["--threads", "1", "--json"]].concat()));
    let cases: Vec<(&str, u64, u64)> = lines
        .iter()
        .map(|line| {
            let number = |key: &str| line[key].as_u64().expect("a number");
            (line["case"].as_str().expect("a word"), number("batch"), number("context"))
        })
        .collect();
    assert_eq!(cases, [("prefill", 1, 32), ("decode", 2, 32)]);
    for line in &lines {
        let speed = line["tokens_per_sec"].as_f64().expect("a number");
        let batch = line["batch"].as_f64().expect("a number");
        assert!(speed > 0.0 && line["share_of_ceiling"].as_f64().is_some_and(|share| share > 0.0), "{line}");
        assert_eq!(line["tokens_per_sec_per_sequence"].as_f64(), Some(speed / batch));
        assert_eq!((&line["precision"], &line["threads"]), (&"exact".into(), &1.into()));
        assert!(line["isa"].is_string() && line["ceilings"]["read_bytes_per_sec"].is_number(), "{line}");
        assert_eq!(line["peak_rss_bytes"].is_u64(), cfg!(target_os = "linux"));
    }
    let table = place.text(&["bench", "--quick"]);
    for expected in
        ["Reading 128 tokens", "Writing after 128 tokens", "Writing 4 texts at once", "GFLOP/s", "Tokens/s"]
    {
        assert!(table.contains(expected), "{expected} is not in:\n{table}");
    }
    let kept = json_lines(&place.text(&["bench", "list", "--json"])).remove(0);
    let kept = kept.as_array().expect("a list");
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[1]["results"][1]["tokens_per_sec"], lines[1]["tokens_per_sec"], "the newest comes first");
    let ids: Vec<&str> = kept.iter().map(|one| one["id"].as_str().expect("an id")).collect();
    let list = place.text(&["bench", "list"]);
    let end = &ids[0][ids[0].len() - 12..];
    assert!(list.contains(end) && list.contains("Processor"), "{list}");
    let compared = place.text(&["bench", "compare", end, end]);
    assert!(compared.contains("+0 %") && compared.contains("Change"), "{compared}");
    check_refused(&place.run(&["bench", "compare", end, "nobody"]), 2, "nobody");
    check_refused(&place.run(&["bench", "--prompt", "4096"]), 2, "holds 256");
    check_refused(&place.run(&["bench", "--quick", "--batch", "2"]), 2, "--quick");
}

#[test]
fn a_benchmark_beside_an_open_window_is_not_kept() {
    let place = Place::new();
    let window = place.hold();
    let output = place.run(&["bench", "-m", "starter", "--prompt", "16", "--new", "4", "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(json_lines(&stdout(&output)).len(), 2);
    assert!(
        stderr(&output).contains("Not kept") && stderr(&output).contains("window"),
        "{}",
        stderr(&output)
    );
    window.stop();
    assert!(place.text(&["bench", "list"]).contains("glassworks bench"), "there is none");
}
