//! What names a person or opens a door: found by shape and check, then masked, put under another name, or dropped
//! with its row.
//!
//! A shape that also means something harmless (a version that looks like an address, an order number that looks like
//! a telephone's) is decided by the words right before it, see [`context`].

mod address;
mod card;
mod context;
mod id;
mod keys;
mod mail;
mod phone;
mod plans;
mod pseudonym;

use super::edits::Edits;
use super::texts::{self, Reach};
use glassworks_protocol::datasets::transform::{PrivacyAction, PrivacyKind, PrivacySpec};
use glassworks_protocol::datasets::{Mapping, Row};
use std::ops::Range;

/// Something private.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub kind: PrivacyKind,
    /// In bytes.
    pub at: Range<usize>,
}

/// Of two that overlap the first of these counts: the one whose check is the strictest, or that holds the other.
const FIRST: [PrivacyKind; 8] = [
    PrivacyKind::ApiKey,
    PrivacyKind::Email,
    PrivacyKind::Iban,
    PrivacyKind::ChineseId,
    PrivacyKind::Card,
    PrivacyKind::UsSsn,
    PrivacyKind::IpAddress,
    PrivacyKind::Phone,
];

/// All that is private in a text, in its order, none over another. Kinds shield each other: what is a card number is
/// no telephone number, whoever asks for those.
#[must_use]
pub fn find(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    if !text.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b'@' | b':' | b'-' | b'=')) {
        return found;
    }
    keys::find(text, &mut found);
    if text.contains('@') {
        mail::find(text, &mut found);
    }
    if text.bytes().any(|byte| byte.is_ascii_digit()) {
        id::find(text, &mut found);
        card::find(text, &mut found);
        phone::find(text, &mut found);
    }
    address::find(text, &mut found);
    let rank = |kind: PrivacyKind| FIRST.iter().position(|one| *one == kind);
    found.sort_by_key(|one| (rank(one.kind), one.at.start, std::cmp::Reverse(one.at.end)));
    let mut kept: Vec<Found> = Vec::new();
    for one in found {
        if kept.iter().all(|other| one.at.end <= other.at.start || other.at.end <= one.at.start) {
            kept.push(one);
        }
    }
    kept.sort_by_key(|one| one.at.start);
    kept
}

/// What stands in place of a kind.
#[must_use]
pub fn mask(kind: PrivacyKind) -> &'static str {
    match kind {
        PrivacyKind::Email => "[EMAIL]",
        PrivacyKind::Phone => "[PHONE]",
        PrivacyKind::Card => "[CARD]",
        PrivacyKind::Iban => "[IBAN]",
        PrivacyKind::ChineseId => "[ID_NUMBER]",
        PrivacyKind::UsSsn => "[SSN]",
        PrivacyKind::IpAddress => "[IP]",
        PrivacyKind::ApiKey => "[KEY]",
    }
}

/// Looks through rows. All their columns, also those without a role: they leave with the dataset as well.
#[derive(Debug)]
pub struct Privacy<'a> {
    spec: &'a PrivacySpec,
    /// What pseudonyms are made with: who does not have it cannot try which value leads to one.
    salt: &'a [u8],
    /// How many of each were found, in [`PrivacyKind::ALL`]'s order.
    pub n_found: [u64; PrivacyKind::ALL.len()],
}

impl<'a> Privacy<'a> {
    #[must_use]
    pub fn new(spec: &'a PrivacySpec, salt: &'a [u8]) -> Self {
        Self { spec, salt, n_found: [0; PrivacyKind::ALL.len()] }
    }

    /// Puts something else in place of what is private, unless rows are dropped; whether there was any.
    pub fn row(&mut self, row: &mut Row, mapping: &Mapping) -> bool {
        let mut any = false;
        texts::edit(row, mapping, &Reach::All, &mut |_, text| {
            let mut edits = Edits::new();
            for found in find(text).into_iter().filter(|found| self.spec.kinds.contains(&found.kind)) {
                any = true;
                let place = PrivacyKind::ALL.iter().position(|kind| *kind == found.kind);
                place.into_iter().for_each(|place| self.n_found[place] += 1);
                match self.spec.action {
                    PrivacyAction::Drop => {}
                    PrivacyAction::Mask => edits.push(text, found.at, mask(found.kind)),
                    PrivacyAction::Pseudonymise => {
                        let new = pseudonym::of(found.kind, &text[found.at.clone()], self.salt);
                        edits.push(text, found.at, new);
                    }
                }
            }
            edits
        });
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::datasets::{DataTask, Role};
    use serde_json::json;

    fn kinds(text: &str) -> Vec<(PrivacyKind, &str)> {
        find(text).into_iter().map(|found| (found.kind, &text[found.at])).collect()
    }

    #[test]
    fn the_strictest_check_counts() {
        use PrivacyKind::{ApiKey, ChineseId, Email, IpAddress};
        assert_eq!(
            kinds("ID 11010519491231002X, a@b.cn"),
            [(ChineseId, "11010519491231002X"), (Email, "a@b.cn")]
        );
        assert_eq!(kinds("host 198.51.100.7 says hi"), [(IpAddress, "198.51.100.7")]);
        let key = "password=Xk29vQ8mZr4TbW7y@b.cn";
        assert_eq!(kinds(key).len(), 1);
        assert_eq!(kinds(key)[0].0, ApiKey);
        assert_eq!(kinds("nothing to see"), []);
    }

    #[test]
    fn rows_are_masked_in_every_column_and_spans_stay_true() {
        let mapping = Mapping {
            task: DataTask::Tagging,
            roles: [(Role::Text, "t".to_owned()), (Role::Spans, "s".to_owned())].into(),
        };
        let row = json!({
            "t": "Write to ann@example.com, Ann Lee.",
            "s": [{ "start": 26, "end": 33, "label": "PER" }, { "start": 9, "end": 24, "label": "MAIL" }],
            "by": { "mail": ["bob@example.org"] },
        });
        let changed = |action, salt: &[u8]| {
            let spec = PrivacySpec { kinds: vec![PrivacyKind::Email], action };
            let mut privacy = Privacy::new(&spec, salt);
            let mut row = row.as_object().unwrap().clone();
            assert!(privacy.row(&mut row, &mapping));
            assert_eq!(privacy.n_found[0], 2);
            serde_json::Value::Object(row)
        };
        let masked = changed(PrivacyAction::Mask, b"");
        assert_eq!(masked["t"], "Write to [EMAIL], Ann Lee.");
        assert_eq!(
            masked["s"],
            json!([{ "start": 18, "end": 25, "label": "PER" }, { "start": 9, "end": 16, "label": "MAIL" }])
        );
        assert_eq!(masked["by"]["mail"][0], "[EMAIL]");
        assert_eq!(changed(PrivacyAction::Drop, b""), row);
        let salted = changed(PrivacyAction::Pseudonymise, b"1");
        assert_eq!(salted, changed(PrivacyAction::Pseudonymise, b"1"));
        assert_ne!(salted["t"], changed(PrivacyAction::Pseudonymise, b"2")["t"]);
    }
}
