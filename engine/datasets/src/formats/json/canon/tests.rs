//! What is canonical, and what is broken where.

use super::*;

fn read(source: &str) -> Result<(String, usize), Fault> {
    let (mut line, mut fields) = (Vec::new(), Vec::new());
    let n = canonical(source.as_bytes(), &mut line, &mut fields)?;
    for field in &fields {
        assert!(line[field.key.clone()].len() < line.len());
        assert_eq!(line[field.key.start - 1], b'"', "{source}");
        assert_eq!(line[field.key.end], b'"', "{source}");
        serde_json::from_slice::<serde_json::Value>(&line[field.value.clone()]).unwrap();
    }
    Ok((String::from_utf8(line).unwrap(), n))
}

#[test]
fn what_it_writes_is_what_serde_json_writes() {
    for source in [
        r#"{"a":1,"b":"x"}"#,
        r#" { "a" : [ 1 , 2.5 , -3e2, true,false , null ] , "b" : { "c" : "d" , "e":[] , "f":{} } } "#,
        r#"{"text":"\u4f60\u597d \ud83d\ude00 \u00e9 \/ \n \u000a \u0001 \u001F \" \u0022 \\ \u005c"}"#,
        r#"{"a":{"a":{"a":[[["x"]]]}},"long key":"  kept   spaces "}"#,
        "[1,\n\t{\"a\":\"b\"},\r\n\"c\"]",
        r#""just text""#,
        "12",
        "  null",
    ] {
        let value: serde_json::Value = serde_json::from_str(source).unwrap();
        let (line, n) = read(source).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), value, "{source}");
        if !source.contains("3e2") {
            assert_eq!(line, serde_json::to_string(&value).unwrap());
        }
        assert_eq!(n, source.trim_end().len());
    }
}

#[test]
fn numbers_stay_as_they_were_written() {
    let source = r#"{"a":1.10,"b":123456789012345678901234567890,"c":-0,"d":1E5,"e":0.30000000000000004}"#;
    assert_eq!(read(source).unwrap().0, source);
}

#[test]
fn the_end_of_the_value_is_told() {
    assert_eq!(read(r#"{"a":1} {"b":2}"#).unwrap(), (r#"{"a":1}"#.to_owned(), 7));
}

#[track_caller]
fn refused(source: &str, kind: FaultKind, at: usize) {
    assert_eq!(read(source), Err(Fault { kind, at }), "{source}");
}

#[test]
fn faults_are_told_with_their_place() {
    use FaultKind::{Control, Ended, Escape, KeyTwice, Number, TooDeep, Unexpected};
    refused("", Ended, 0);
    refused(r#"{"a":"#, Ended, 5);
    refused(r#"{"a":"x"#, Ended, 7);
    refused(r#"{"a":"x\"#, Ended, 8);
    refused(r#"{"a":"\u12"#, Ended, 10);
    refused(r#"{"a":"\ud83d"#, Ended, 12);
    refused(r#"{"a":tru"#, Ended, 8);
    refused(r#"{"a":1,}"#, Unexpected, 7);
    refused(r#"{"a" 1}"#, Unexpected, 5);
    refused(r#"{'a':1}"#, Unexpected, 1);
    refused(r#"{"a":NaN}"#, Unexpected, 5);
    refused(r#"{"a":[1 2]}"#, Unexpected, 8);
    refused(r#"{"a":"x" "b":1}"#, Unexpected, 9);
    refused("{\"a\":\"x\ty\"}", Control, 7);
    refused(r#"{"a":"\x41"}"#, Escape, 6);
    refused(r#"{"a":"\ud83d x"}"#, Escape, 6);
    refused(r#"{"a":"\udc00\ud800"}"#, Escape, 6);
    refused(r#"{"a":01}"#, Number, 6);
    refused(r#"{"a":1.}"#, Number, 7);
    refused(r#"{"a":-}"#, Number, 6);
    refused(r#"{"a":1e400}"#, Number, 5);
    refused(r#"{"a":1,"b":2,"a":3}"#, KeyTwice, 13);
    refused(r#"{"b":{"x":1,"\u0078":2}}"#, KeyTwice, 12);
    refused(&"[".repeat(5000), TooDeep, DEEPEST);
    let many: String = (0..40).map(|n| format!("\"k{n}\":{n},")).collect();
    refused(&format!("{{{many}\"k7\":0}}"), KeyTwice, many.len() + 7);
    assert!(read(&format!("{{{}}}", many.trim_end_matches(','))).is_ok());
}

#[test]
fn what_is_nested_as_deep_as_it_may_be_is_read_by_serde_json_too() {
    let source = format!("{}1{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST));
    let (line, _) = read(&source).unwrap();
    serde_json::from_str::<serde_json::Value>(&line).unwrap();
}

#[test]
fn texts_are_escaped_as_serde_json_does() {
    let text: String = (0..0x300).filter_map(char::from_u32).chain("😀\"\\".chars()).collect();
    let mut line = Vec::new();
    push_string(text.as_bytes(), &mut line);
    assert_eq!(String::from_utf8(line).unwrap(), serde_json::to_string(&text).unwrap());
}
