//! The tree as msgpack, field by field as `engine/command/tree.py` and `engine/command/shell/tree.py` name them; absent
//! optional fields are left out.

use crate::sql::encode::{carried, digest_of, problem, Writer};

use super::tree::{Facts, Operation, Target, Tree};
use super::vocabulary::{Kind, Sign, FEATURES, VIA};

/// The SHA-256 (hex) of protocol and text.
pub fn digest(text: &[u8]) -> String {
    digest_of(b"shell\0", text)
}

/// The closed sets of words in a tree: kinds with their usual effects, signs, features, steps of `via`.
pub fn vocabulary() -> Vec<u8> {
    let mut w = Writer::default();
    w.map(4);
    w.text("kinds");
    w.list(Kind::ALL.len());
    for kind in Kind::ALL {
        w.list(2);
        w.text(kind.as_str());
        w.text(kind.effect().as_str());
    }
    w.text("signs");
    w.list(Sign::ALL.len());
    for sign in Sign::ALL {
        w.text(sign.as_str());
    }
    for (key, words) in [("features", FEATURES), ("via", VIA)] {
        w.text(key);
        w.list(words.len());
        for word in words {
            w.text(word);
        }
    }
    w.done()
}

/// Encodes a whole command. `text` is what was sent, already readable as UTF-8.
pub fn command(tree: &Tree, text: &str, digest: &str) -> Vec<u8> {
    let operations = tree.operations.len().saturating_add(tree.carried.len());
    let mut w = Writer::with_room(text.len().saturating_add(512).saturating_add(operations.saturating_mul(256)));
    w.map(7);
    w.text("protocol");
    w.text("shell");
    w.text("text");
    w.text(text);
    w.text("digest");
    w.text(digest);
    w.text("operations");
    w.list(operations);
    for (number, item) in tree.operations.iter().enumerate() {
        operation(&mut w, item, number);
    }
    for item in &tree.carried {
        carried(&mut w, &item.operation, &item.via, item.span);
    }
    w.text("features");
    w.list(tree.features.len());
    for feature in &tree.features {
        w.text(feature);
    }
    w.text("complete");
    w.flag(!tree.incomplete);
    w.text("problems");
    w.list(tree.problems.len());
    for item in &tree.problems {
        problem(&mut w, item);
    }
    w.done()
}

fn operation(w: &mut Writer, op: &Operation, number: usize) {
    w.map(7);
    w.text("kind");
    w.text(op.kind.as_str());
    w.text("effect");
    w.text(op.effect.as_str());
    w.text("via");
    w.list(op.via.len());
    for step in &op.via {
        w.text(step);
    }
    w.text("targets");
    w.list(op.targets.len());
    for item in &op.targets {
        target(w, item);
    }
    w.text("span");
    w.list(2);
    w.number(op.span.0);
    w.number(op.span.1);
    w.text("statement");
    w.number(number);
    w.text("shell");
    facts(w, &op.facts);
}

fn target(w: &mut Writer, item: &Target) {
    w.map(4);
    w.text("type");
    w.text(item.class);
    w.text("name");
    w.text(&item.name);
    w.text("access");
    w.text(item.access.as_str());
    w.text("resolved");
    w.flag(item.literal);
}

fn facts(w: &mut Writer, facts: &Facts) {
    w.map(6_usize.saturating_add(usize::from(facts.program.is_some())));
    if let Some(program) = &facts.program {
        w.text("program");
        w.text(program);
    }
    w.text("argv");
    w.list(facts.argv.len());
    for word in &facts.argv {
        w.optional_text(word.as_deref());
    }
    w.text("env");
    w.list(facts.env.len());
    for (name, value) in &facts.env {
        w.map(if value.is_some() { 2 } else { 1 });
        w.text("name");
        w.text(name);
        if let Some(value) = value {
            w.text("value");
            w.text(value);
        }
    }
    w.text("redirects");
    w.list(facts.redirects.len());
    for redirect in &facts.redirects {
        let fields = [redirect.descriptor.is_some(), redirect.target.is_some()];
        w.map(fields.iter().filter(|present| **present).count().saturating_add(1));
        w.text("operator");
        w.text(redirect.operator);
        if let Some(descriptor) = &redirect.descriptor {
            w.text("descriptor");
            w.text(descriptor);
        }
        if let Some(target) = &redirect.target {
            w.text("target");
            w.text(target);
        }
    }
    w.text("wrappers");
    w.list(facts.wrappers.len());
    for wrapper in &facts.wrappers {
        w.text(wrapper);
    }
    w.text("remote");
    w.flag(facts.remote);
    w.text("signs");
    w.list(facts.signs.len());
    for sign in &facts.signs {
        w.text(sign.as_str());
    }
}
