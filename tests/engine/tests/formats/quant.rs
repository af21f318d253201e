//! Every storage type against the digits of the `gguf` package, and what a header says.

use crate::fixtures;
use glassworks_engine::nn::quant::{BlockType, Packed};
use glassworks_engine::shelf::gguf::{Header, TensorType, Value};
use safetensors::SafeTensors;
use std::fs;

#[test]
fn every_type_dequantises_to_the_references_digits() {
    let path = fixtures().join("gguf/types.gguf");
    let header = Header::read(&path).unwrap();
    let file = fs::read(&path).unwrap();
    let golden = fs::read(fixtures().join("gguf/types.safetensors")).unwrap();
    let golden = SafeTensors::deserialize(&golden).unwrap();
    let mut seen = Vec::new();
    for (name, info) in &header.tensors {
        let bytes = &file[info.at as usize..(info.at + info.size_bytes) as usize];
        let theirs = golden.tensor(name).unwrap();
        assert_eq!(theirs.shape(), info.shape, "{name}");
        let theirs: Vec<u32> =
            theirs.data().as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
        let ours: Vec<u32> = match info.tensor_type {
            TensorType::F32 => bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect(),
            TensorType::Block(block_type) => {
                seen.push(block_type);
                let (rows, cols) = (info.shape[0], info.shape[1]);
                let packed = Packed::new(block_type, rows, cols, bytes).unwrap();
                let mut out = vec![0.0f32; rows * cols];
                packed.dequantise_rows(0..rows, &mut out);
                let mut last = vec![0.0f32; cols];
                packed.dequantise_rows(rows - 1..rows, &mut last);
                assert_eq!(last, out[(rows - 1) * cols..], "{name}: a row alone");
                out.into_iter().map(f32::to_bits).collect()
            }
            TensorType::Other(code) => panic!("{name}: type {code}"),
        };
        assert_eq!(ours, theirs, "{name}");
    }
    let missing: Vec<_> = BlockType::ALL.iter().filter(|t| !seen.contains(t)).collect();
    assert!(missing.is_empty(), "no tensor of {missing:?}");
}

#[test]
fn metadata_of_every_kind_is_read() {
    let path = fixtures().join("gguf/types.gguf");
    let metadata = Header::read(&path).unwrap().metadata;
    let int = |key: &str| match metadata.get(key) {
        Some(Value::Int(n)) => *n,
        other => panic!("{key}: {other:?}"),
    };
    assert_eq!(int("test.u8"), 200);
    assert_eq!(int("test.i8"), -100);
    assert_eq!(int("test.u16"), 60_000);
    assert_eq!(int("test.i16"), -30_000);
    assert_eq!(int("test.u32"), 4_000_000_000);
    assert_eq!(int("test.i32"), -2_000_000_000);
    assert_eq!(int("test.u64"), 1 << 63);
    assert_eq!(int("test.i64"), -(1 << 62));
    assert_eq!(metadata.float("test.f32").unwrap(), Some(f64::from(0.1f32)));
    assert_eq!(metadata.float("test.f64").unwrap(), Some(0.1));
    assert_eq!(metadata.flag("test.bool").unwrap(), Some(true));
    assert_eq!(metadata.text("test.string").unwrap(), Some("玻璃 glass\n\0 end"));
    assert_eq!(
        metadata.texts("test.array.string").unwrap(),
        Some(&["a".to_owned(), String::new(), "ß".to_owned()][..])
    );
    assert_eq!(metadata.ints("test.array.i32").unwrap(), Some(vec![1, -2, 3]));
    assert_eq!(metadata.floats("test.array.f32").unwrap(), Some(vec![0.5, -1.5]));
    assert_eq!(metadata.get("test.array.nested"), Some(&Value::Nested));
    assert_eq!(metadata.text("test.nothing").unwrap(), None);
    for wrong in [
        metadata.text("test.u8").err(),
        metadata.size("test.i8").err(),
        metadata.size("test.string").err(),
        metadata.flag("test.u8").err(),
        metadata.texts("test.array.i32").err(),
        metadata.ints("test.array.f32").err(),
        metadata.floats("test.array.i32").err(),
    ] {
        let failure = wrong.expect("another kind than asked for");
        crate::check_names(&failure, &path);
        assert!(failure.summary.args.iter().any(|(_, v)| v.starts_with("test.")), "{failure:?}");
    }
}
