//! Files that lie, and what they are made of is in the fixtures.

use super::super::reader::tests::{Told, rows_of};
use super::*;

fn open(bytes: &[u8]) -> Result<Parquet> {
    Parquet::new(&Origin::Bytes(Arc::from(bytes)), Arc::default())
}

#[test]
fn what_is_no_parquet_is_refused() {
    for bytes in [&b""[..], b"PAR1", b"PAR1PAR1", b"PAR1\xFF\xFF\xFF\x7FPAR1", b"PAR1\0\0\0\0\0\0\0\0PAR1"] {
        assert!(open(bytes).is_err(), "{bytes:?}");
    }
    let _: Vec<Told> = open(b"PAR1").map(|mut file| rows_of(&mut file)).unwrap_or_default();
}
