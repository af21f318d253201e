//! Broken, lying, incomplete and foreign files: each a `Failure` that names the file and says what to do; never a
//! panic, and never an allocation of the size that a header claims.

mod families;

use super::*;
use glassworks_protocol::text::Language;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::{Value, json};
use std::fs;

use FailureKind::{Input, Io, Missing};

/// What is done to a copy of a fixture, and what is said of it.
struct Case {
    what: &'static str,
    folder: &'static str,
    spoil: fn(&Path),
    kind: FailureKind,
    key: &'static str,
    /// The file that the failure names.
    names: &'static str,
}

#[test]
fn spoilt_folders_are_refused_by_name() {
    let cases = weights().into_iter().chain(shards()).chain(pickles()).chain(configs());
    for case in cases {
        let copy = copy(&fixtures().join(case.folder));
        (case.spoil)(copy.path());
        let failure = match ModelFiles::open(copy.path()) {
            Err(failure) => failure,
            Ok(_) => panic!("{}: opened", case.what),
        };
        check(&case, &failure);
    }
}

fn check(case: &Case, failure: &Failure) {
    let what = case.what;
    assert_eq!((failure.kind, failure.summary.key.as_ref()), (case.kind, case.key), "{what}: {failure}");
    for language in Language::ALL {
        let summary = language.render(&failure.summary);
        assert!(summary.contains(case.names), "{what}: {summary:?} does not name {}", case.names);
        for name in ["file", "path", "tensor", "field", "value", "name", "what", "got", "want", "stored"] {
            assert!(!summary.contains(&format!("{{{name}}}")), "{what}: {summary:?}");
        }
        let hint = language.render(failure.hint.as_ref().unwrap_or_else(|| panic!("{what}: what now?")));
        assert!(!hint.is_empty() && !hint.contains('{') && !hint.starts_with("failure."), "{what}: {hint:?}");
    }
}

const MODEL: &str = "model.safetensors";

fn weights() -> Vec<Case> {
    let broken = |what, spoil| Case {
        what,
        folder: "llama-gqa",
        spoil,
        kind: Input,
        key: "failure.model_file_broken",
        names: MODEL,
    };
    vec![
        broken("cut short", |f| cut(&f.join(MODEL), |len| len - 100)),
        broken("cut inside the header", |f| cut(&f.join(MODEL), |_| 200)),
        broken("five bytes", |f| cut(&f.join(MODEL), |_| 5)),
        broken("empty", |f| cut(&f.join(MODEL), |_| 0)),
        broken("a header of all there is", |f| overwrite(&f.join(MODEL), 0, &u64::MAX.to_le_bytes())),
        broken("a header just too long", |f| {
            let len = f.join(MODEL).metadata().unwrap().len();
            overwrite(&f.join(MODEL), 0, &(len - 7).to_le_bytes());
        }),
        broken("a header of nothing", |f| overwrite(&f.join(MODEL), 0, &0u64.to_le_bytes())),
        broken("a header that is no JSON", |f| overwrite(&f.join(MODEL), 8, b"garbage")),
        broken("a header that is a list", |f| fs::write(f.join(MODEL), b"\x02\0\0\0\0\0\0\0[]").unwrap()),
        broken("a tensor past the end", |f| {
            header(&f.join(MODEL), |h| h[NORM]["data_offsets"] = json!([1u64 << 40, (1u64 << 40) + 256]));
        }),
        broken("a tensor that ends before it begins", |f| {
            header(&f.join(MODEL), |h| h[NORM]["data_offsets"] = json!([256, 0]));
        }),
        broken("offsets that overflow", |f| {
            header(&f.join(MODEL), |h| h[NORM]["data_offsets"] = json!([u64::MAX - 4, u64::MAX]));
        }),
        broken("a shape that overflows", |f| {
            header(&f.join(MODEL), |h| h[NORM]["shape"] = json!([1u64 << 40, 1u64 << 40]));
        }),
        broken("more elements than bytes", |f| {
            header(&f.join(MODEL), |h| h[NORM]["shape"] = json!([1u64 << 40]))
        }),
        broken("a negative size", |f| header(&f.join(MODEL), |h| h[NORM]["shape"] = json!([-64]))),
        broken("too many dimensions", |f| {
            header(&f.join(MODEL), |h| h[NORM]["shape"] = json!([64, 1, 1, 1, 1, 1, 1, 1, 1]));
        }),
        broken("an entry that is none", |f| header(&f.join(MODEL), |h| h[NORM] = json!("64 floats"))),
        broken("a folder in its place", |f| {
            fs::remove_file(f.join(MODEL)).unwrap();
            fs::create_dir(f.join(MODEL)).unwrap();
        }),
        Case {
            what: "another shape",
            folder: "llama-gqa",
            spoil: |f| header(&f.join(MODEL), |h| h[NORM]["shape"] = json!([8, 8])),
            kind: Input,
            key: "failure.tensor_shape",
            names: MODEL,
        },
        Case {
            what: "another configuration",
            folder: "llama-gqa",
            spoil: |f| config(f, |c| c["intermediate_size"] = json!(97)),
            kind: Input,
            key: "failure.tensor_shape",
            names: MODEL,
        },
        Case {
            what: "a tensor of whole numbers",
            folder: "llama-gqa",
            spoil: |f| header(&f.join(MODEL), |h| h[NORM]["dtype"] = json!("I32")),
            kind: Input,
            key: "failure.tensor_type",
            names: NORM,
        },
        Case {
            what: "a tensor less",
            folder: "llama-gqa",
            spoil: |f| {
                header(&f.join(MODEL), |h| {
                    let norm = h.as_object_mut().unwrap().remove(NORM).unwrap();
                    h["another"] = norm;
                });
            },
            kind: Missing,
            key: "failure.tensor_missing",
            names: NORM,
        },
        Case {
            what: "no weights",
            folder: "llama-gqa",
            spoil: |f| fs::remove_file(f.join(MODEL)).unwrap(),
            kind: Missing,
            key: "failure.model_file_missing",
            names: MODEL,
        },
    ]
}

const NORM: &str = "model.norm.weight";
const INDEX: &str = "model.safetensors.index.json";
const SHARD: &str = "model-00002-of-00003.safetensors";

fn shards() -> Vec<Case> {
    let broken = |what, spoil, names| Case {
        what,
        folder: "llama-mha-sharded",
        spoil,
        kind: Input,
        key: "failure.model_file_broken",
        names,
    };
    vec![
        Case {
            what: "a missing shard",
            folder: "llama-mha-sharded",
            spoil: |f| fs::remove_file(f.join(SHARD)).unwrap(),
            kind: Missing,
            key: "failure.model_file_missing",
            names: SHARD,
        },
        broken("a shard cut short", |f| cut(&f.join(SHARD), |len| len - 1), SHARD),
        broken("an index that is no JSON", |f| fs::write(f.join(INDEX), "[{").unwrap(), INDEX),
        broken("an index without a map", |f| fs::write(f.join(INDEX), "{}").unwrap(), INDEX),
        broken("an index of nothing", |f| fs::write(f.join(INDEX), r#"{"weight_map": {}}"#).unwrap(), INDEX),
        broken(
            "an index that leads elsewhere",
            |f| edit(&f.join(INDEX), |i| i["weight_map"][NORM] = json!("../../etc/passwd")),
            INDEX,
        ),
        broken(
            "an index that lies",
            |f| edit(&f.join(INDEX), |i| i["weight_map"][NORM] = json!("model-00003-of-00003.safetensors")),
            "model-00003-of-00003.safetensors",
        ),
    ]
}

const BIN: &str = "pytorch_model.bin";

fn pickles() -> Vec<Case> {
    let broken = |what, spoil| Case {
        what,
        folder: "gpt2-bin",
        spoil,
        kind: Input,
        key: "failure.model_file_broken",
        names: BIN,
    };
    vec![
        broken("a zip file cut short", |f| cut(&f.join(BIN), |len| len / 2)),
        broken("a pickle without a zip file", |f| fs::write(f.join(BIN), b"\x80\x02}q\0.").unwrap()),
        Case {
            key: "failure.pickle_before_zip",
            ..broken("a file of an old PyTorch", |f| {
                fs::write(f.join(BIN), b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.")
                    .unwrap()
            })
        },
        Case {
            key: "failure.pickle_strided",
            ..broken("a turned tensor", |f| {
                replace(&f.join(BIN), b"K K\x01\x86q\x09", b"K\x01K \x86q\x09");
            })
        },
        broken("empty", |f| cut(&f.join(BIN), |_| 0)),
        broken("a pickle that is garbage", |f| replace(&f.join(BIN), b"\x80\x02}q\0(", b"\x80\x02}q\0t")),
        // A tensor of 2 × 16 elements more than its bytes hold.
        broken("a tensor past its bytes", |f| {
            replace(&f.join(BIN), b"K\0M\0\x02K \x86", b"K\0M\xff\x02K \x86")
        }),
        Case {
            what: "a pickle that runs code",
            folder: "gpt2-bin",
            spoil: |f| {
                replace(
                    &f.join(BIN),
                    b"ctorch._utils\n_rebuild_tensor_v2\n",
                    b"csubprocess.o\nsystem_of_a_down_x\n",
                );
            },
            kind: Input,
            key: "failure.pickle_refused",
            names: "subprocess.o.system_of_a_down_x",
        },
    ]
}

fn configs() -> Vec<Case> {
    let case = |what, spoil, key, names| Case { what, folder: "llama-gqa", spoil, kind: Input, key, names };
    let broken = |what, spoil| case(what, spoil, "failure.model_file_broken", CONFIG);
    let missing = |what, spoil, field| case(what, spoil, "failure.config_missing", field);
    let refused = |what, spoil, field| case(what, spoil, "failure.config_refused", field);
    let unknown = |what, spoil, name| case(what, spoil, "failure.architecture_unknown", name);
    let mut cases = vec![
        broken("a config of garbage", |f| fs::write(f.join(CONFIG), "\u{1}garbage").unwrap()),
        broken("a config that is no text", |f| fs::write(f.join(CONFIG), [0xff, 0xfe]).unwrap()),
        broken("a config that is a list", |f| fs::write(f.join(CONFIG), "[1, 2]").unwrap()),
        broken("a config nested beyond reason", |f| fs::write(f.join(CONFIG), "[".repeat(100_000)).unwrap()),
        missing("an empty config", |f| fs::write(f.join(CONFIG), "{}").unwrap(), "model_type"),
        missing("no width", |f| config(f, |c| c["hidden_size"] = Value::Null), "hidden_size"),
        missing("a width in words", |f| config(f, |c| c["hidden_size"] = json!("wide")), "hidden_size"),
        missing(
            "fewer than no layers",
            |f| config(f, |c| c["num_hidden_layers"] = json!(-1)),
            "num_hidden_layers",
        ),
        missing(
            "half a head",
            |f| config(f, |c| c["num_attention_heads"] = json!(3.5)),
            "num_attention_heads",
        ),
        missing(
            "a scaling without its factor",
            |f| config(f, |c| c["rope_parameters"]["factor"] = Value::Null),
            "rope_parameters.factor",
        ),
        refused("no layers", |f| config(f, |c| c["num_hidden_layers"] = json!(0)), "num_hidden_layers"),
        refused(
            "layers without end",
            |f| config(f, |c| c["num_hidden_layers"] = json!(1u64 << 50)),
            "num_hidden",
        ),
        refused("no heads", |f| config(f, |c| c["num_attention_heads"] = json!(0)), "num_attention_heads"),
        refused("a width without end", |f| config(f, |c| c["hidden_size"] = json!(u64::MAX)), "hidden_size"),
        refused(
            "heads that share unevenly",
            |f| config(f, |c| c["num_key_value_heads"] = json!(3)),
            "num_key",
        ),
        refused("an odd head", |f| config(f, |c| c["head_dim"] = json!(15)), "head_dim"),
        refused("no norm", |f| config(f, |c| c["rms_norm_eps"] = json!(0.0)), "norm_eps"),
        refused(
            "another activation",
            |f| config(f, |c| c["hidden_act"] = json!("relu6")),
            "hidden_act = \"relu6\"",
        ),
        refused(
            "yarn",
            |f| config(f, |c| c["rope_parameters"]["rope_type"] = json!("yarn")),
            "rope_parameters",
        ),
        refused(
            "a factor of nothing",
            |f| config(f, |c| c["rope_parameters"]["factor"] = json!(0)),
            "rope_parameters",
        ),
        refused(
            "a turn of part of the head",
            |f| config(f, |c| c["rope_parameters"]["partial_rotary_factor"] = json!(0.5)),
            "partial_rotary_factor",
        ),
        refused(
            "weights packed in a way of their own",
            |f| config(f, |c| c["quantization_config"] = json!({"quant_method": "gptq"})),
            "quantization_config",
        ),
        unknown("another model", |f| config(f, |c| c["model_type"] = json!("mamba")), "mamba"),
        unknown(
            "a classifier",
            |f| config(f, |c| c["architectures"] = json!(["LlamaForTokenClassification"])),
            "Token",
        ),
        Case {
            what: "no config",
            folder: "llama-gqa",
            spoil: |f| fs::remove_file(f.join(CONFIG)).unwrap(),
            kind: Missing,
            key: "failure.model_file_missing",
            names: CONFIG,
        },
    ];
    let gpt2 = |case: Case| Case { folder: "gpt2-tiny", ..case };
    cases.extend([
        gpt2(refused(
            "a decoder that also looks elsewhere",
            |f| config(f, |c| c["add_cross_attention"] = json!(true)),
            "add_cross",
        )),
        gpt2(refused("heads that don't divide", |f| config(f, |c| c["n_head"] = json!(5)), "n_head")),
    ]);
    cases.extend(families::cases());
    cases
}

#[test]
fn what_is_no_model_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let case = |what, kind, key, names| Case { what, folder: "", spoil: |_| {}, kind, key, names };
    let nowhere = ModelFiles::open(&folder.path().join("nowhere")).err().unwrap();
    check(&case("nothing there", Missing, "failure.model_path_missing", "nowhere"), &nowhere);
    let empty = ModelFiles::open(folder.path()).err().unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(empty.summary.key, "failure.not_a_model");
    assert!(Language::English.render(&empty.summary).contains(&name));
    let text = folder.path().join("notes.txt");
    fs::write(&text, "not a model").unwrap();
    check(
        &case("a text", Input, "failure.not_a_model", "notes.txt"),
        &ModelFiles::open(&text).err().unwrap(),
    );
}

#[test]
fn files_that_change_before_they_are_read_are_noticed() {
    let copy = copy(&fixtures().join("llama-gqa"));
    let files = ModelFiles::open(copy.path()).unwrap();
    cut(&copy.path().join(MODEL), |len| len - 100);
    let error = files.load(&|_, _| Ok(())).err().unwrap();
    let failure = error.downcast_ref::<Failure>().expect("a failure");
    assert_eq!((failure.kind, failure.summary.key.as_ref()), (Io, "failure.model_file_changed"));
    fs::remove_file(copy.path().join(MODEL)).unwrap();
    let error = files.hash(&|_, _| Ok(())).err().unwrap();
    assert_eq!(error.downcast_ref::<Failure>().expect("a failure").kind, Missing);
}

/// Every way of cutting or flipping a header ends in a value, not in a panic.
#[test]
fn no_header_takes_the_program_down() {
    for (folder, file) in [("llama-gqa", MODEL), ("gpt2-bin", BIN)] {
        let copy = copy(&fixtures().join(folder));
        let path = copy.path().join(file);
        let whole = fs::read(&path).unwrap();
        let mut state = 1u64;
        for round in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..1 + round % 4 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let [at, value] = [(state >> 33) as usize, (state >> 20) as usize];
                let at = if round % 2 == 0 { at % 3000 } else { bytes.len() - 1 - at % 5000 };
                bytes[at] = value as u8;
            }
            fs::write(&path, &bytes).unwrap();
            if let Ok(files) = ModelFiles::open(copy.path()) {
                assert!(files.load(&|_, _| Ok(())).is_ok(), "headers that pass are headers that load");
            }
        }
    }
}

const CONFIG: &str = "config.json";

fn config(folder: &Path, change: impl FnOnce(&mut Value)) {
    edit(&folder.join(CONFIG), change);
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, serde_json::to_vec(&value).unwrap()).unwrap();
}

/// Changes a safetensors header; the data stay.
fn header(path: &Path, change: impl FnOnce(&mut Value)) {
    let bytes = fs::read(path).unwrap();
    let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
    let (old, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: Value = serde_json::from_slice(old).unwrap();
    change(&mut header);
    let header = serde_json::to_vec(&header).unwrap();
    fs::write(path, [&(header.len() as u64).to_le_bytes()[..], &header, data].concat()).unwrap();
}

fn cut(path: &Path, len: impl FnOnce(u64) -> u64) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(len(file.metadata().unwrap().len())).unwrap();
}

fn overwrite(path: &Path, at: usize, with: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at..at + with.len()].copy_from_slice(with);
    fs::write(path, bytes).unwrap();
}

/// Replaces the first occurrence by something of the same length.
fn replace(path: &Path, what: &[u8], with: &[u8]) {
    assert_eq!(what.len(), with.len());
    let at = fs::read(path).unwrap().windows(what.len()).position(|w| w == what).expect("it is in the file");
    overwrite(path, at, with);
}
