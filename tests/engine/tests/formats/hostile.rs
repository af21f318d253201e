//! Templates that want to hang the program or fill its memory: each ends quickly in a failure.

use crate::template::render;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Generous for a slow machine without optimisation; none takes a tenth of it on a usual one.
const PATIENCE: Duration = Duration::from_secs(20);

fn refused(template: &str) -> String {
    let started = Instant::now();
    let messages = json!([{ "role": "user", "content": "hello" }]);
    let why = match render(template, &messages, &Map::new()) {
        Ok(text) => panic!("{} gave {} bytes", head(template), text.len()),
        Err(why) => why,
    };
    assert!(started.elapsed() < PATIENCE, "{} took {:?}", head(template), started.elapsed());
    why
}

fn head(template: &str) -> String {
    template.chars().take(100).collect()
}

fn limited(template: &str) {
    let why = refused(template);
    assert!(why.starts_with("failure.template_limit"), "{}: {why}", head(template));
}

const TEN: &str = "[0,1,2,3,4,5,6,7,8,9]";

#[test]
fn huge_texts() {
    limited("{{ 'a' * 90000000 }}");
    limited("{{ 'a' * 999999999999999999 }}");
    limited("{% set x = 'a' * 10000000 %}{{ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x }}");
    limited(
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    );
    limited(
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    );
    limited("{{ ('a' * 10000)|replace('a', 'b' * 10000) }}");
    limited("{{ ('a' * 10000).replace('a', 'b' * 10000) }}");
    limited("{{ ('a' * 10000).replace('', 'b' * 10000) }}");
    limited("{{ (['x' * 10000] * 10000)|join }}");
    limited("{{ ('x' * 10000).join(('a' * 10000)|list) }}");
    limited("{{ '%99999999d' % 1 }}");
    limited("{{ '%.99999999f' % 1.5 }}");
    limited("{{ '{:>99999999}'.format(1) }}");
    limited("{{ 'x'.center(99999999) }}");
    limited("{{ 'x'.zfill(99999999) }}");
    limited("{{ 'x'|center(99999999) }}");
    limited("{{ ('a\\n' * 10000)|indent(10000) }}");
    limited("{{ [1]|tojson(indent=99999999) }}");
    limited("{{ ([1] * 10000)|tojson(indent=10000) }}");
    limited("{{ ([1] * 1000000)|string }}");
    limited("{% set x = ['a' * 1000000] * 1000 %}{{ x }}");
    limited("{% set x = ['a' * 1000000] * 1000 %}{{ x ~ '' }}");
    refused("{{ strftime_now('%99999999d') }}");
}

#[test]
fn huge_lists() {
    limited("{{ range(10**9) }}");
    limited("{% for i in range(10**9) %}{% endfor %}");
    limited("{{ [1] * 90000000 }}");
    limited(
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
    );
    limited(
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
    );
    limited(
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}",
    );
    limited(
        "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
    );
    limited("{{ [1]|batch(99999999, 0) }}");
    limited("{{ [1]|slice(99999999) }}");
    limited("{{ ('a,' * 5000000).split(',') }}");
    limited("{{ ('a ' * 5000000).split() }}");
    limited("{{ ('a' * 5000000)|list }}");
    limited("{{ (range(90000)|list * 100)|sort }}");
    limited("{{ range(90000)|unique|list }}");
    limited("{{ range(90000)|map('string')|map('list')|list * 9999 }}");
}

#[test]
fn endless_work() {
    let nested =
        (0..12).fold("x".to_owned(), |body, i| format!("{{% for a{i} in {TEN} %}}{body}{{% endfor %}}"));
    limited(&nested);
    limited("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
    limited("{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}");
    limited(
        "{% macro a() %}{% call b() %}{{ caller() }}{% endcall %}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    );
    limited("{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}");
    let captures = (0..9).fold("x".to_owned(), |body, i| {
        format!("{{% set c{i} %}}{{% for a in {TEN} %}}{body}{{% endfor %}}{{% endset %}}{{{{ c{i} }}}}")
    });
    limited(&captures);
    limited(
        "{% for i in range(90000) %}{% for j in range(90000) %}{% if messages == i %}{% endif %}{% endfor %}{% endfor %}",
    );
    limited("{% set x = 'a' * 1000000 %}{% for i in range(90000) %}{{ x.count('b') }}{% endfor %}");
    limited("{% set x = 'a' * 1000000 %}{% for i in range(90000) %}{% if 'b' in x %}{% endif %}{% endfor %}");
}

#[test]
fn endless_nesting() {
    refused(&format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000)));
    refused(&format!("{{{{ {}1{} }}}}", "[".repeat(5000), "]".repeat(5000)));
    refused(&format!("{{{{ {}1 }}}}", "not ".repeat(9000)));
    refused(&format!("{{{{ {}1 }}}}", "-".repeat(9000)));
    refused(&format!("{{{{ 1{} }}}}", " ~ 1".repeat(9000)));
    refused(&format!("{{{{ x{} }}}}", "|trim".repeat(9000)));
    refused(&format!("{{{{ messages{} }}}}", "[0]".repeat(9000)));
    refused(&"{% if x %}".repeat(9000));
    refused(&format!("{{% if x %}}{}{{% endif %}}", "{% elif x %}".repeat(7000)));
    refused(&"{% for x in y %}".repeat(9000));
    limited(&" ".repeat(300_000));
    limited(&"{{ 1 }}".repeat(20_000));
    refused(
        "{% set ns = namespace(l=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
    );
    // A namespace that holds itself would print for ever.
    refused("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}");
    refused("{% set ns = namespace() %}{% set ns.me = [ns] %}{{ ns.me }}");
}

/// What real conversations need is far from any limit.
#[test]
fn long_conversations_are_no_attack() {
    let turn = |i: usize| json!({ "role": if i.is_multiple_of(2) { "user" } else { "assistant" }, "content": "word ".repeat(200) });
    let messages: Value = (0..400).map(turn).collect();
    let template = "{% set ns = namespace(text='', seen=[]) %}{% for m in messages[::-1] %}{% set ns.seen = ns.seen + [m.role] %}{% endfor %}\
        {% for m in messages %}{% set content = m['content']|trim %}{{ '<|im_start|>' + m.role + '\n' + content + '<|im_end|>' + '\n' }}{% endfor %}";
    let text = render(template, &messages, &Map::new()).unwrap();
    assert!(text.len() > 400_000);
}

/// Garbage in place of a template is a failure, never a panic.
#[test]
fn mutilated_templates() {
    let folder = crate::fixtures().join("templates");
    let messages = json!([{ "role": "system", "content": "s" }, { "role": "user", "content": "u" }]);
    let mut state = 7u64;
    let mut next = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let parts = [
        "{%", "%}", "{{", "}}", "'", "(", ")", "[", "]", "|", "~", "-", "if", "endfor", "{#", "é", "\0", "*",
        "99999999",
    ];
    for name in ["qwen3.jinja", "hermes.jinja", "mistral-v3.jinja"] {
        let template = std::fs::read_to_string(folder.join(name)).unwrap();
        let chars: Vec<char> = template.chars().collect();
        for _ in 0..60 {
            let (from, to) = (next(chars.len()), next(chars.len()));
            let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 40));
            let part = parts[next(parts.len())];
            let broken: String =
                chars[..from].iter().chain(&part.chars().collect::<Vec<_>>()).chain(&chars[to..]).collect();
            if let Err(why) = render(&broken, &messages, &Map::new()) {
                assert!(!why.contains("panic"), "{why}: {broken}");
            }
        }
    }
}
