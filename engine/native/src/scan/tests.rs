//! The scanner from outside: what is found where, pieces against the whole, and that nothing takes long.

#![allow(clippy::expect_used, clippy::arithmetic_side_effects)]

use super::*;

fn found(text: &str) -> Vec<(String, String)> {
    let Ok(engine) = engine() else {
        return vec![("no engine".to_owned(), String::new())];
    };
    scan(engine, text.as_bytes())
        .iter()
        .map(|span| {
            let kind = engine.types.get(usize::from(span.kind)).copied().unwrap_or_default();
            (kind.to_owned(), text.get(span.start..span.end).unwrap_or_default().to_owned())
        })
        .collect()
}

#[test]
fn the_engine_is_built() {
    assert_eq!(engine().err(), None);
}

#[test]
fn an_address_and_a_card_are_found() {
    let text = "write to ann@example.org, card 4111 1111 1111 1111.";
    let expected = [("pii.email", "ann@example.org"), ("pii.credit_card", "4111 1111 1111 1111")];
    assert_eq!(found(text), expected.map(|(kind, value)| (kind.to_owned(), value.to_owned())));
}

#[test]
fn a_figure_of_one_digit_is_found_whatever_follows_it() {
    for rest in ["", ":", "::TELEFON", " und mehr"] {
        let expected = [("pii.de_handelsregister".to_owned(), "HRB 7".to_owned())];
        assert_eq!(found(&format!("HRB 7{rest}")), expected, "{rest}");
    }
}

/// Chance from a seed (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        items.get(self.below(items.len())).expect("there are some")
    }

    /// Bytes that a pattern matches, or the beginning of such.
    fn matched(&mut self, pattern: &automaton::Automaton) -> Vec<u8> {
        const LONGEST: usize = 120;
        let (mut state, mut made) = (pattern.start(), Vec::new());
        while made.len() < LONGEST && !(pattern.is_ending(state) && self.below(3) == 0) {
            let ways: Vec<u8> = (b' '..=b'~').filter(|byte| pattern.step(state, *byte) != automaton::DEAD).collect();
            if ways.is_empty() {
                break;
            }
            let byte = *self.of(&ways);
            state = pattern.step(state, byte);
            made.push(byte);
        }
        made
    }

    /// Something that is, begins, surrounds or resembles a finding.
    fn piece(&mut self, engine: &Engine) -> Vec<u8> {
        const JOINTS: [&str; 36] = [
            " ",
            " ",
            " ",
            "=",
            ": ",
            "\n",
            "'",
            "\"",
            "-",
            ".",
            "/",
            "_",
            "@",
            ",",
            "(",
            "+",
            "::",
            "://",
            "é",
            "東",
            " id is ",
            "x",
            " -u",
            " --user ",
            " --user=",
            "\n  value: ",
            "\",\"value\":\"",
            "<password>",
            "</",
            "')",
            "password: ",
            "\nPASSWORD=",
            " # x\n",
            "\\\"",
            "<",
            "===\n",
        ];
        match self.below(8) {
            0 | 1 => {
                let detector = self.of(&engine.detectors);
                let parts = [detector.lead.as_ref(), Some(&detector.value), detector.trail.as_ref()];
                parts.into_iter().flatten().flat_map(|part| self.matched(part)).collect()
            }
            2 | 3 => {
                let word = &self.of(&engine.triggers).word;
                let kept = if self.below(4) == 0 { self.below(word.len()) } else { word.len() };
                let case = self.below(3);
                let cased = |(at, byte): (usize, &u8)| match case {
                    0 => byte.to_ascii_uppercase(),
                    1 if at == 0 => byte.to_ascii_uppercase(),
                    _ => *byte,
                };
                word.iter().take(kept).enumerate().map(cased).collect()
            }
            4 => (0..self.below(20)).map(|_| *self.of(b"0123456789abcDEF-. :")).collect(),
            5 => (0..self.below(30)).map(|_| *self.of(b"aB3cD4eF5gH6iJ7kL8mN9oP0")).collect(),
            _ => self.of(&JOINTS).as_bytes().to_vec(),
        }
    }

    fn text(&mut self, engine: &Engine) -> Vec<u8> {
        let mut text: Vec<u8> = (0..self.below(14)).flat_map(|_| self.piece(engine)).collect();
        if self.below(3) == 0 {
            let (at, byte) = (self.below(text.len()), self.below(256) as u8);
            text.iter_mut().skip(at).take(1).for_each(|slot| *slot = byte);
        }
        text
    }
}

#[test]
fn the_fast_pass_finds_what_the_plain_one_finds() {
    let times = std::env::var("SALLYPORT_FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(1_usize);
    let engine = engine().expect("the engine is built");
    let (mut chance, mut kinds) = (Chance(20_261_128), std::collections::BTreeSet::new());
    for _ in 0..2_500 * times {
        let text = chance.text(engine);
        let found = scan(engine, &text);
        assert_eq!(found, plain::scan(engine, &text), "{:?}", String::from_utf8_lossy(&text));
        assert_eq!(detect(engine, &text), plain::detect(engine, &text), "{:?}", String::from_utf8_lossy(&text));
        kinds.extend(found.iter().map(|one| one.kind));
    }
    // WHY: a comparison of nothing with nothing would hold too.
    assert!(kinds.len() > 100, "only {} types came up", kinds.len());
}

/// A text shown in pieces: the stretches that were hidden, and what is left of all when they are put back.
fn shown(
    wanted: &std::sync::Arc<[bool]>,
    text: &[u8],
    chance: &mut Chance,
    pauses: bool,
) -> (Vec<(usize, usize)>, Vec<u8>) {
    let engine = engine().expect("the engine is built");
    let mut output = Output::new(engine, wanted, false);
    let (mut hidden, mut whole) = (Vec::new(), Vec::new());
    let mut take = |one: output::Shown| {
        let mut at = 0;
        for mark in one.marks {
            whole.extend_from_slice(one.bytes.get(at..mark.at).expect("marks are in order"));
            hidden.push((whole.len(), whole.len() + mark.value.len()));
            whole.extend_from_slice(&mark.value);
            at = mark.at;
        }
        whole.extend_from_slice(one.bytes.get(at..).unwrap_or_default());
    };
    let mut rest = text;
    while !rest.is_empty() {
        let longest = if chance.below(3) == 0 { rest.len() } else { 9 };
        let (piece, left) = rest.split_at((1 + chance.below(longest)).min(rest.len()));
        take(output.push(piece));
        if pauses && chance.below(4) == 0 {
            take(output.quiet());
        }
        rest = left;
    }
    take(output.finish());
    (hidden, whole)
}

#[test]
fn an_address_of_a_long_host_is_hidden_behind_what_is_cut_off() {
    let engine = engine().expect("the engine is built");
    let wanted: std::sync::Arc<[bool]> = engine.types.iter().map(|_| true).collect();
    let text = format!("to/ana@{}.example:", "h".repeat(66));
    let mut output = Output::new(engine, &wanted, false);
    let mut marks: Vec<_> = text.bytes().flat_map(|byte| output.push(&[byte]).marks).collect();
    marks.extend(output.finish().marks);
    let values: Vec<_> = marks.iter().map(|mark| String::from_utf8_lossy(&mark.value).into_owned()).collect();
    assert_eq!(values, [format!("ana@{}.example", "h".repeat(66))]);
}

#[test]
fn whatever_the_pieces_all_that_is_found_is_hidden_and_nothing_else_is_lost() {
    let times = std::env::var("SALLYPORT_FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(1_usize);
    let engine = engine().expect("the engine is built");
    let wanted: std::sync::Arc<[bool]> = engine.types.iter().map(|_| true).collect();
    let beside = |kind: u16| engine.detectors.iter().any(|one| one.kind == kind && one.context.is_some());
    let (mut chance, mut found) = (Chance(20_261_129), 0_usize);
    for _ in 0..2_500 * times {
        let text = chance.text(engine);
        // Text only: what is none is told by other tests.
        let text = String::from_utf8_lossy(&text)
            .replace(|one: char| one == '\u{fffd}' || one.is_control() && one != '\n', " ");
        let spans = scan(engine, text.as_bytes());
        found += spans.len();
        for pauses in [false, true] {
            let (hidden, whole) = shown(&wanted, text.as_bytes(), &mut chance, pauses);
            assert_eq!(String::from_utf8_lossy(&whole), text);
            for span in spans.iter().filter(|span| !pauses || !beside(span.kind)) {
                let covered =
                    (span.start..span.end).all(|at| hidden.iter().any(|(from, to)| (*from..*to).contains(&at)));
                let kind = engine.types.get(usize::from(span.kind)).copied().unwrap_or_default();
                assert!(covered, "{kind} {}..{} of {text:?}, hidden {hidden:?}, pauses {pauses}", span.start, span.end);
            }
        }
    }
    assert!(found > 500, "only {found} findings came up");
}

#[test]
fn a_login_of_curl_is_kept_back_until_its_own_quote_closes_it() {
    let engine = engine().expect("the engine is built");
    let wanted: std::sync::Arc<[bool]> = engine.types.iter().map(|_| true).collect();
    for text in ["curl -u\"ana:it's mine\" x", "curl -u 'ana:say \"hi\"' x", "curl -u $U:$P --user=ana:hunter2 x"] {
        let found = scan(engine, text.as_bytes());
        assert_eq!(found.len(), 1, "{text}");
        for seed in 1..50 {
            let (hidden, _) = shown(&wanted, text.as_bytes(), &mut Chance(seed), false);
            assert_eq!(hidden, found.iter().map(|one| (one.start, one.end)).collect::<Vec<_>>(), "{text}");
        }
    }
}

#[test]
fn what_a_line_a_tag_a_call_or_a_member_holds_is_hidden_however_it_comes() {
    let engine = engine().expect("the engine is built");
    let wanted: std::sync::Arc<[bool]> = engine.types.iter().map(|_| true).collect();
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let texts = [
        "{\"password\":\"abcd\\\"rest99\", \"x\": 1}".to_owned(),
        "PASSWORD=ab,c<rest(99\nB=1\n".to_owned(),
        "  password: sunflowers   # rotate\n".to_owned(),
        "- name: DB_PASSWORD\n  value: hunter2xyz\n".to_owned(),
        "{\"Name\":\"/db/password\",\"Version\":3,\"Value\":\"hunter2xyz\"}".to_owned(),
        "<password>hunter2!xyz</password>".to_owned(),
        "define('DB_PASSWORD', 'hunter2xyz');".to_owned(),
        "let password: Option<&str> = \"hunter2xyz\";".to_owned(),
        "x --password 'hunter2xyz' y".to_owned(),
        format!("-----BEGIN PRIVATE KEY-----\n{line}\n{line}\nroot@web:~# ls\n"),
        format!("x LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpVYlRZYUZSYXplWlRKbXRGc1pNeDNJNGdn\n{line}\n{line}\nAb9=\n$ ls\n"),
    ];
    for text in texts {
        let found = scan(engine, text.as_bytes());
        assert_eq!(found.len(), 1, "{text}");
        for seed in 1..60 {
            let (hidden, whole) = shown(&wanted, text.as_bytes(), &mut Chance(seed), false);
            assert_eq!(String::from_utf8_lossy(&whole), text);
            let covered = |at: usize| hidden.iter().any(|(from, to)| (*from..*to).contains(&at));
            assert!(found.iter().all(|one| (one.start..one.end).all(covered)), "{text} {seed} {hidden:?} {found:?}");
        }
    }
}

#[test]
fn a_long_address_behind_a_slash_is_kept_back_to_its_end() {
    let engine = engine().expect("the engine is built");
    let wanted: std::sync::Arc<[bool]> = engine.types.iter().map(|_| true).collect();
    let text = format!("see docs/ann.lee@{}.example.org now", ["a-rather-long-name"; 5].join("."));
    let found = scan(engine, text.as_bytes());
    assert_eq!(found.len(), 1, "{text}");
    for seed in 1..50 {
        let (hidden, _) = shown(&wanted, text.as_bytes(), &mut Chance(seed), false);
        assert_eq!(hidden, found.iter().map(|one| (one.start, one.end)).collect::<Vec<_>>());
    }
}
