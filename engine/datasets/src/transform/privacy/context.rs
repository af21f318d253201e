//! What stands around a number says what it is.

use regex::Regex;
use std::sync::LazyLock;

/// A pattern of this program.
pub fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("patterns of the program are tested")
}

/// As much as is looked at before a number.
const WINDOW_BYTES: usize = 64;

/// What may stand between a word and its number.
const FILLER: &str = r"(?:[\s:：#№=.,()（）\[\]*'\x22-]|\b(?:no|nr|num|number|numéro|número|nummer|id|code|is|was|are|me|us|him|her|them|at|on|my|the|your|ist|est|es)\b|号码|号|为|是|我|请)*$";

static NUMBERED: LazyLock<Regex> = LazyLock::new(|| {
    constant(&format!(
        r"(?i)(?:\b(?:orders?|invoice|receipt|isbn(?:-1[03])?|issn|doi|tracking|shipment|parcel|serial|part|sku|ticket|case|ref|reference|model|imei|meid|id|account|acct|batch|lot|article|artikel|bestellung|bestellnummer|rechnung|commande|pedido|barcode|ean|upc|gtin|asin|patent|permit|flight|room|job|bug|issue|pr|timestamp|epoch|hash|seed|qq|pin|zip|population|revenue|total|sum|amount)|订单|单号|编号|运单|快递|物流|序列号|批号|批次|型号|账号|帐号|商品|货号|流水|条码|邮编|工号|学号|发票|版本|案号|金额|总计|人口){FILLER}"
    ))
});

static CALLED: LazyLock<Regex> = LazyLock::new(|| {
    constant(&format!(
        r"(?i)(?:\b(?:tel|telephone|phone|mobile|cell|cellphone|fax|call|called|calling|dial|ring|whatsapp|sms|text|reach|contact|hotline|helpline|telefon|handy|mobil|anruf|rufnummer|tél|téléphone|portable|appelez|móvil|movil|teléfono|telefono|llámame|cellulare|chiama|телефон|тел|звоните)|电话|手机|座机|传真|致电|拨打|热线|联系方式|联系人|来电|呼叫){FILLER}"
    ))
});

static SOCIAL: LazyLock<Regex> = LazyLock::new(|| {
    constant(&format!(r"(?i)(?:\b(?:ssn|ss|social security|social)|社会安全|社安){FILLER}"))
});

static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    constant(&format!(
        r"(?i)(?:\b(?:version|versions|ver|vers|v|release|build|rev|revision|firmware|driver|section|sec|chapter|clause|figure|table|step|item|rule|kernel|upgrade to|upgraded to)|§|版本|章节|固件|升级到|第|[=~<>]=){FILLER}"
    ))
});

static HOST: LazyLock<Regex> = LazyLock::new(|| {
    constant(&format!(
        r"(?i)(?:\b(?:ip|ipv4|address|addr|server|host|ping|dns|from|gateway|resolver|nameserver|router|proxy|connect(?:ed)? to)|地址|服务器|网关|主机){FILLER}"
    ))
});

fn window(text: &str, at: usize) -> &str {
    let mut from = at.saturating_sub(WINDOW_BYTES);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let window = &text[from..at];
    window.rfind('\n').map_or(window, |line| &window[line + 1..])
}

/// Whether what begins here was just called a number of something else: an order, a part, an account.
pub fn is_numbered(text: &str, at: usize) -> bool {
    NUMBERED.is_match(window(text, at)) || before(text, at).is_some_and(is_money)
}

/// Whether what begins here was just called a telephone number.
pub fn is_called(text: &str, at: usize) -> bool {
    CALLED.is_match(window(text, at))
}

pub fn is_social(text: &str, at: usize) -> bool {
    SOCIAL.is_match(window(text, at))
}

pub fn is_version(text: &str, at: usize) -> bool {
    VERSION.is_match(window(text, at))
}

pub fn is_host(text: &str, at: usize) -> bool {
    HOST.is_match(window(text, at))
}

pub fn before(text: &str, at: usize) -> Option<char> {
    text[..at].chars().next_back()
}

pub fn after(text: &str, at: usize) -> Option<char> {
    text[at..].chars().next()
}

fn is_money(one: char) -> bool {
    matches!(one, '$' | '€' | '£' | '¥' | '￥')
}

/// A letter, a digit or an underscore of those that words of programs are made of: Chinese characters stand beside
/// numbers without a space.
pub fn is_word(one: char) -> bool {
    one == '_' || one.is_alphanumeric() && (one as u32) < 0x2e80
}

/// Whether a number that stands here stands by itself: it is not a part of a longer one, of a word, a decimal or a path.
pub fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let joins = |one: char| matches!(one, '.' | ',' | '-' | '/' | '+' | ':');
    let mut ahead = text[..start].chars().rev();
    let left = match ahead.next() {
        Some(one) if is_word(one) || matches!(one, '#' | '=' | '&' | '%') => false,
        Some('/' | '\\') => false,
        Some(one) if joins(one) => !ahead.next().is_some_and(|two| two.is_ascii_digit()),
        _ => true,
    };
    let mut behind = text[end..].chars();
    let right = match behind.next() {
        Some(one) if is_word(one) || matches!(one, '%' | '°' | '€' | '元' | '万' | '亿') => false,
        Some(one) if joins(one) => !behind.next().is_some_and(|two| two.is_ascii_digit()),
        _ => true,
    };
    left && right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_before_decide() {
        let ends = |test: fn(&str, usize) -> bool, text: &str| test(text, text.len());
        assert!(ends(is_numbered, "Your order no. #"));
        assert!(ends(is_numbered, "订单号："));
        assert!(ends(is_numbered, "costs $"));
        assert!(!ends(is_numbered, "To order, just call me: "));
        assert!(ends(is_called, "Phone number is "));
        assert!(ends(is_called, "电话："));
        assert!(!ends(is_called, "phones cost "));
        assert!(ends(is_version, "since version "));
        assert!(ends(is_version, "numpy=="));
        assert!(!ends(is_version, "conversion from "));
        assert!(ends(is_host, "ping "));
        assert!(!ends(is_host, "ip\n"), "on the line above");
    }

    #[test]
    fn parts_of_numbers_do_not_stand_alone() {
        let alone = |text: &str| {
            let start = text.find("123").unwrap();
            stands_alone(text, start, start + 3)
        };
        for text in ["123", "(123)", "电话123，", "a 123.", "x: 123-", "- 123"] {
            assert!(alone(text), "{text}");
        }
        for text in ["0.123", "a123", "1231", "123%", "/123", "5-123", "123.4", "id=123", "_123", "123元"] {
            assert!(!alone(text), "{text}");
        }
    }
}
