//! A document of JSON that is all there, rewritten by path in one pass: what no mask is for is copied as it stands, without the white
//! space between tokens.
//!
//! INVARIANT: what comes out is what `adapters/web/json_masks.py` makes of the same bytes token by token, or nothing does: of a document
//! that it would refuse, and of whatever is not certain here, nothing is said, and it reads that.

use std::borrow::Cow;
use std::collections::HashSet;

use super::token::{self, spoken};
use crate::masking::keyed::Keyed;

/// Arrays and objects that may be open at once.
const MAX_DEPTH: usize = 256;
/// Names of one object that are looked through one by one.
const FEW_NAMES: usize = 24;
const HASH_DOMAIN: &[u8] = b"sallyport hash\0";
const REDACTED: &[u8] = b"\"[redacted]\"";

/// One step down. `name` is folded, None for any; `is_deep`: after any number of others.
pub struct Step {
    pub name: Option<String>,
    pub is_deep: bool,
}

/// What becomes of a value.
pub enum Method {
    Drop,
    Null,
    Redact,
    Hash(Box<Keyed>),
    Partial { first: usize, last: usize },
}

impl Method {
    /// Codes of the value's text under a key.
    pub fn hash(key: &[u8]) -> Self {
        Self::Hash(Box::new(Keyed::new(key, HASH_DOMAIN)))
    }

    /// The strictest has the least.
    fn rank(&self) -> u8 {
        match self {
            Self::Drop => 0,
            Self::Null => 1,
            Self::Redact => 2,
            Self::Hash(_) => 3,
            Self::Partial { .. } => 5,
        }
    }
}

/// A path with what becomes of what stands there. Those of the same `kind` do the same.
pub struct Mask {
    pub path: Vec<Step>,
    pub method: Method,
    pub kind: u32,
}

/// The masks of one plan.
pub struct Masks(Vec<Mask>);

/// Where a value stands: a range of `Walk::places`.
type Place = (usize, usize);

const NOWHERE: Place = (0, 0);

struct Walk<'a> {
    masks: &'a [Mask],
    text: &'a str,
    at: usize,
    out: Vec<u8>,
    /// Pairs of a path's number and how many of its steps are done, for each place on the way down.
    places: Vec<(usize, usize)>,
    names: Vec<Cow<'a, str>>,
    depth: usize,
}

impl Masks {
    pub fn new(masks: Vec<Mask>) -> Self {
        Self(masks)
    }

    /// The document rewritten; None where it is not certain what that is.
    pub fn rewritten(&self, document: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(document).ok()?;
        let places: Vec<_> = (0..self.0.len()).map(|number| (number, 0)).collect();
        let top = (0, places.len());
        let out = Vec::with_capacity(text.len());
        let mut walk = Walk { masks: &self.0, text, at: 0, out, places, names: Vec::new(), depth: 0 };
        walk.space();
        walk.value(top, None, true)?;
        walk.space();
        (walk.at == text.len()).then_some(walk.out)
    }
}

impl<'a> Walk<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at = self.at.saturating_add(1);
        }
    }

    /// Whether the next sign is this one; then it is behind us, with the space after it.
    fn takes(&mut self, sign: u8) -> bool {
        let is_there = self.peek() == Some(sign);
        if is_there {
            self.at = self.at.saturating_add(1);
            self.space();
        }
        is_there
    }

    /// A value, which is written where it `is_shown`. Its mask is none that drops it.
    fn value(&mut self, place: Place, mask: Option<&'a Mask>, is_shown: bool) -> Option<()> {
        match self.peek()? {
            open @ (b'{' | b'[') => {
                if self.depth >= MAX_DEPTH {
                    return None;
                }
                self.depth = self.depth.saturating_add(1);
                self.at = self.at.saturating_add(1);
                self.space();
                let is_shown = match mask {
                    Some(mask) if is_shown => {
                        self.out.extend_from_slice(if matches!(mask.method, Method::Null) {
                            b"null"
                        } else {
                            REDACTED
                        });
                        false
                    }
                    _ => is_shown,
                };
                let place = if is_shown { place } else { NOWHERE };
                if open == b'{' {
                    self.object(place, is_shown)?;
                } else {
                    self.array(place, is_shown)?;
                }
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {
                let token = self.scalar()?;
                match mask {
                    _ if !is_shown => {}
                    None => self.out.extend_from_slice(token.as_bytes()),
                    Some(mask) => self.masked(token, &mask.method)?,
                }
            }
        }
        Some(())
    }

    fn object(&mut self, place: Place, is_shown: bool) -> Option<()> {
        let known = self.names.len();
        let mut many = None;
        let mut is_first = true;
        if is_shown {
            self.out.push(b'{');
        }
        let mut is_over = self.takes(b'}');
        while !is_over {
            let token = if self.peek() == Some(b'"') { self.string()? } else { return None };
            let name = spoken(token)?;
            self.is_new(known, &mut many, &name)?;
            self.space();
            if !self.takes(b':') {
                return None;
            }
            let size = self.places.len();
            let below = self.member(place, &name)?;
            let mask = self.mask_at(below)?;
            let is_written = is_shown && !mask.is_some_and(|mask| matches!(mask.method, Method::Drop));
            if is_written {
                if !is_first {
                    self.out.push(b',');
                }
                is_first = false;
                self.out.extend_from_slice(token.as_bytes());
                self.out.push(b':');
            }
            self.names.push(name);
            self.value(below, mask, is_written)?;
            self.places.truncate(size);
            self.space();
            is_over = self.is_over(b'}')?;
        }
        self.names.truncate(known);
        self.close(b'}', is_shown);
        Some(())
    }

    fn array(&mut self, place: Place, is_shown: bool) -> Option<()> {
        let (mut number, mut is_first) = (0_usize, true);
        if is_shown {
            self.out.push(b'[');
        }
        let mut is_over = self.takes(b']');
        while !is_over {
            let size = self.places.len();
            let below = self.element(place, number)?;
            let mask = self.mask_at(below)?;
            let is_written = is_shown && !mask.is_some_and(|mask| matches!(mask.method, Method::Drop));
            if is_written {
                if !is_first {
                    self.out.push(b',');
                }
                is_first = false;
            }
            self.value(below, mask, is_written)?;
            self.places.truncate(size);
            number = number.saturating_add(1);
            self.space();
            is_over = self.is_over(b']')?;
        }
        self.close(b']', is_shown);
        Some(())
    }

    /// Whether what is open ends here; it goes on behind a comma, and nothing else may stand here.
    fn is_over(&mut self, close: u8) -> Option<bool> {
        if self.takes(b',') {
            return Some(false);
        }
        self.takes(close).then_some(true)
    }

    fn close(&mut self, sign: u8, is_shown: bool) {
        if is_shown {
            self.out.push(sign);
        }
    }

    /// None for a name that stands in this object already.
    fn is_new(&self, known: usize, many: &mut Option<HashSet<String>>, name: &str) -> Option<()> {
        let names = self.names.get(known..)?;
        if names.len() < FEW_NAMES {
            return names.iter().all(|one| one != name).then_some(());
        }
        let many = many.get_or_insert_with(|| names.iter().map(|one| one.clone().into_owned()).collect());
        many.insert(name.to_owned()).then_some(())
    }

    // --- places

    /// The place of a member; None where it is not certain which names are alike.
    fn member(&mut self, place: Place, name: &str) -> Option<Place> {
        let begin = self.places.len();
        self.steps(place, name, begin)?;
        Some((begin, self.places.len()))
    }

    /// The place of an element: what is looked for in the array is looked for in it too.
    fn element(&mut self, place: Place, number: usize) -> Option<Place> {
        let begin = self.places.len();
        if place.0 != place.1 {
            self.places.extend_from_within(place.0..place.1);
            self.steps(place, &number.to_string(), begin)?;
        }
        Some((begin, self.places.len()))
    }

    fn steps(&mut self, place: Place, name: &str, begin: usize) -> Option<()> {
        if place.0 != place.1 && !name.is_ascii() {
            return None;
        }
        for at in place.0..place.1 {
            let (number, done) = *self.places.get(at)?;
            let Some(step) = self.masks.get(number)?.path.get(done) else {
                continue;
            };
            if step.name.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(name)) {
                self.reach((number, done.saturating_add(1)), begin);
            }
            if step.is_deep {
                self.reach((number, done), begin);
            }
        }
        Some(())
    }

    fn reach(&mut self, pair: (usize, usize), begin: usize) {
        if !self.places.get(begin..).is_some_and(|here| here.contains(&pair)) {
            self.places.push(pair);
        }
    }

    /// The strictest mask that ends at a place, if any; nothing where they contradict each other.
    fn mask_at(&self, place: Place) -> Option<Option<&'a Mask>> {
        let mut found: Option<(usize, &'a Mask)> = None;
        let ends = |&(number, done): &(usize, usize)| {
            let mask = self.masks.get(number)?;
            (done == mask.path.len()).then_some((number, mask))
        };
        let here = self.places.get(place.0..place.1)?;
        for (number, mask) in here.iter().filter_map(ends) {
            let is_better = found.is_none_or(|(best, most)| (mask.method.rank(), number) < (most.method.rank(), best));
            if is_better {
                found = Some((number, mask));
            }
        }
        let Some((_, most)) = found else {
            return Some(None);
        };
        let mut met = here.iter().filter_map(ends);
        let is_contradicted = met.any(|(_, mask)| mask.method.rank() == most.method.rank() && mask.kind != most.kind);
        (!is_contradicted).then_some(Some(most))
    }

    // --- tokens

    fn scalar(&mut self) -> Option<&'a str> {
        if self.peek()? == b'"' {
            return self.string();
        }
        let word = token::word(self.text.get(self.at..)?)?;
        self.at = self.at.saturating_add(word.len());
        Some(word)
    }

    /// The string that begins here, with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let string = token::string(self.text.get(self.at..)?)?;
        self.at = self.at.saturating_add(string.len());
        Some(string)
    }

    fn masked(&mut self, token: &str, method: &Method) -> Option<()> {
        if token == "null" {
            self.out.extend_from_slice(b"null");
            return Some(());
        }
        let text = if token.starts_with('"') { spoken(token)? } else { Cow::Borrowed(token) };
        match method {
            // What is dropped has no place to be written to.
            Method::Drop => return None,
            Method::Null => self.out.extend_from_slice(b"null"),
            Method::Redact => self.out.extend_from_slice(REDACTED),
            Method::Hash(key) => {
                self.out.push(b'"');
                self.out.extend_from_slice(&key.hex(text.as_bytes()));
                self.out.push(b'"');
            }
            Method::Partial { first, last } => {
                serde_json::to_writer(&mut self.out, &starred(&text, *first, *last)).ok()?;
            }
        }
        Some(())
    }
}

fn starred(text: &str, first: usize, last: usize) -> String {
    let length = text.chars().count();
    // INVARIANT: a value no longer than what may be kept is starred whole.
    if first.saturating_add(last) >= length {
        return "*".repeat(length);
    }
    let behind = length.saturating_sub(last);
    text.chars().enumerate().map(|(at, sign)| if at < first || at >= behind { sign } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str) -> Step {
        let is_deep = name.starts_with("..");
        let name = name.trim_start_matches("..");
        Step { name: (name != "*").then(|| name.to_owned()), is_deep }
    }

    fn made(document: &str, masks: Vec<(&[&str], Method)>) -> Option<String> {
        let mask = |(number, (path, method)): (usize, (&[&str], Method))| Mask {
            path: path.iter().map(|name| step(name)).collect(),
            method,
            kind: u32::try_from(number).unwrap_or_default(),
        };
        let masks = Masks::new(masks.into_iter().enumerate().map(mask).collect());
        masks.rewritten(document.as_bytes()).map(|made| String::from_utf8_lossy(&made).into_owned())
    }

    #[test]
    fn what_stands_at_a_path_is_replaced_and_all_else_stays_as_it_is_spelled() {
        let document = " {\"Card\": [1, 2],\n\"b\": {\"card\": \"x\", \"c\": [true, null, {\"card\": 1.50}]}, \"n\": -1.0E5, \"\\u0041\": \"\\u00e9\\/\"}";
        assert_eq!(
            made(document, vec![(&["..card"], Method::Redact)]).as_deref(),
            Some("{\"Card\":\"[redacted]\",\"b\":{\"card\":\"[redacted]\",\"c\":[true,null,{\"card\":\"[redacted]\"}]},\"n\":-1.0E5,\"\\u0041\":\"\\u00e9\\/\"}")
        );
        assert_eq!(
            made(document, vec![(&["..card"], Method::Drop), (&["a"], Method::Null)]).as_deref(),
            Some("{\"b\":{\"c\":[true,null,{}]},\"n\":-1.0E5,\"\\u0041\":null}")
        );
    }

    #[test]
    fn a_name_looks_through_arrays_and_a_number_names_an_element() {
        assert_eq!(made("[1,2,3]", vec![(&["1"], Method::Drop)]).as_deref(), Some("[1,3]"));
        assert_eq!(
            made(r#"{"a":[{"b":1},[{"b":2}]]}"#, vec![(&["a", "b"], Method::Null)]).as_deref(),
            Some(r#"{"a":[{"b":null},[{"b":null}]]}"#)
        );
        assert_eq!(made(r#"{"a":{"b":1}}"#, vec![(&["*", "b"], Method::Null)]).as_deref(), Some(r#"{"a":{"b":null}}"#));
    }

    #[test]
    fn methods_do_what_they_say() {
        let partial = || Method::Partial { first: 0, last: 2 };
        assert_eq!(
            made(r#"["a\"é☃",17.5,null,"ab"]"#, vec![(&["*"], partial())]).as_deref(),
            Some(r#"["**é☃","**.5",null,"**"]"#)
        );
        let hashed = made("[1,null]", vec![(&["*"], Method::hash(b"key"))]).unwrap_or_default();
        assert!(hashed.len() == 73 && hashed.ends_with(",null]"), "{hashed}");
        assert_eq!(made(r#"{"a":{"b":[]}}"#, vec![(&["a"], Method::Null)]).as_deref(), Some(r#"{"a":null}"#));
    }

    #[test]
    fn the_strictest_of_several_masks_counts_and_contradictions_do_not() {
        let partial = |last| Method::Partial { first: 0, last };
        assert_eq!(
            made("[\"abc\"]", vec![(&["*"], partial(1)), (&["0"], Method::Redact)]).as_deref(),
            Some("[\"[redacted]\"]")
        );
        assert_eq!(made("[\"abc\"]", vec![(&["*"], partial(1)), (&["0"], partial(2))]), None);
    }

    #[test]
    fn of_what_is_no_json_or_not_certain_nothing_is_said() {
        let deep = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
        for bad in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "01",
            "1.",
            "-",
            "1e",
            "NaN",
            "1 2",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "{a:1}",
            "{\"a\"}",
            "[1}",
            "\u{feff}1",
            "{\"é\":1}",
            "{\"card\":\"\\ud800\"}",
            &deep(257),
        ] {
            assert_eq!(made(bad, vec![(&["..card"], Method::Partial { first: 0, last: 0 })]), None, "{bad}");
        }
        assert_eq!(made(&deep(256), vec![(&["..card"], Method::Redact)]), Some(deep(256)));
        assert!(Masks::new(Vec::new()).rewritten(b"\xff").is_none());
        let names = |last: usize| {
            format!("{{{},\"{last}\":0}}", (0..99).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(","))
        };
        assert!(made(&names(99), Vec::new()).is_some());
        assert!(made(&names(98), Vec::new()).is_none());
    }
}
