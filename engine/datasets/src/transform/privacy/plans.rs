//! How long telephone numbers are (ITU-T E.164 and the national numbering plans).

/// A country's code, and how many digits may follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub code: &'static str,
    pub shortest: usize,
    pub longest: usize,
}

const fn plan(code: &'static str, shortest: usize, longest: usize) -> Plan {
    Plan { code, shortest, longest }
}

/// Those whose lengths are narrower than 6 to 12.
const PLANS: &[Plan] = &[
    plan("1", 10, 10),
    plan("7", 10, 10),
    plan("20", 8, 10),
    plan("27", 9, 9),
    plan("30", 10, 10),
    plan("31", 9, 9),
    plan("32", 8, 9),
    plan("33", 9, 9),
    plan("34", 9, 9),
    plan("36", 8, 9),
    plan("39", 8, 11),
    plan("40", 9, 9),
    plan("41", 9, 9),
    plan("43", 7, 12),
    plan("44", 9, 10),
    plan("45", 8, 8),
    plan("46", 7, 9),
    plan("47", 8, 8),
    plan("48", 9, 9),
    plan("49", 7, 11),
    plan("51", 8, 9),
    plan("52", 10, 10),
    plan("53", 8, 8),
    plan("54", 10, 11),
    plan("55", 10, 11),
    plan("56", 9, 9),
    plan("57", 8, 10),
    plan("58", 10, 10),
    plan("60", 8, 10),
    plan("61", 9, 9),
    plan("62", 8, 12),
    plan("63", 8, 10),
    plan("64", 8, 10),
    plan("65", 8, 8),
    plan("66", 8, 9),
    plan("81", 9, 10),
    plan("82", 8, 10),
    plan("84", 9, 10),
    plan("86", 9, 11),
    plan("90", 10, 10),
    plan("91", 10, 10),
    plan("92", 9, 10),
    plan("93", 9, 9),
    plan("94", 9, 9),
    plan("95", 7, 10),
    plan("98", 10, 10),
    plan("351", 9, 9),
    plan("353", 7, 9),
    plan("358", 6, 11),
    plan("852", 8, 8),
    plan("886", 8, 9),
];

/// The plan that digits belong to.
#[must_use]
pub fn of(digits: &str) -> Option<Plan> {
    let known = PLANS.iter().rev().find(|plan| digits.starts_with(plan.code));
    let other = || {
        let code = CODES.iter().find(|code| digits.starts_with(**code))?;
        Some(Plan { code, shortest: 7, longest: 10 })
    };
    known.copied().or_else(other)
}

/// Codes of three digits that are given out.
const CODES: &[&str] = &[
    "211", "212", "213", "216", "218", "220", "221", "222", "223", "224", "225", "226", "227", "228", "229",
    "230", "231", "232", "233", "234", "235", "236", "237", "238", "239", "240", "241", "242", "243", "244",
    "245", "246", "247", "248", "249", "250", "251", "252", "253", "254", "255", "256", "257", "258", "260",
    "261", "262", "263", "264", "265", "266", "267", "268", "269", "290", "291", "297", "298", "299", "350",
    "352", "354", "355", "356", "357", "359", "370", "371", "372", "373", "374", "375", "376", "377", "378",
    "380", "381", "382", "383", "385", "386", "387", "389", "420", "421", "423", "500", "501", "502", "503",
    "504", "505", "506", "507", "508", "509", "590", "591", "592", "593", "594", "595", "596", "597", "598",
    "599", "670", "672", "673", "674", "675", "676", "677", "678", "679", "680", "681", "682", "683", "685",
    "686", "687", "688", "689", "690", "691", "692", "850", "853", "855", "856", "880", "960", "961", "962",
    "963", "964", "965", "966", "967", "968", "970", "971", "972", "973", "974", "975", "976", "977", "992",
    "993", "994", "995", "996", "998",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_the_left() {
        let code = |digits| of(digits).map(|plan| plan.code);
        assert_eq!(code("14155550100"), Some("1"));
        assert_eq!(code("8613800138000"), Some("86"));
        assert_eq!(code("35312345678"), Some("353"));
        assert_eq!(code("85223456789"), Some("852"));
        assert_eq!(code("420601123456"), Some("420"));
        assert_eq!(code("9999"), None);
        assert_eq!(code("0"), None);
    }
}
