//! The tree as msgpack, field by field as `engine/command/tree.py` names them; absent optional fields are left out.
//!
//! Writing into a vector cannot fail, so the results of `rmp`'s writers carry nothing and are dropped.

use rmp::encode as mp;
use sha2::{Digest, Sha256};

use super::features::Feature;
use super::kinds::Kind;
use super::tree::{Name, Operation, Output, Problem, Sql, Target, Tree, Via};

/// Writes msgpack, also for the other languages' trees.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_room(room: usize) -> Self {
        Self(Vec::with_capacity(room))
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn optional_text(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.text(value),
            None => {
                let _ = mp::write_nil(&mut self.0);
            }
        }
    }

    pub(crate) fn map(&mut self, fields: usize) {
        let _ = mp::write_map_len(&mut self.0, u32::try_from(fields).unwrap_or(u32::MAX));
    }

    pub(crate) fn list(&mut self, items: usize) {
        let _ = mp::write_array_len(&mut self.0, u32::try_from(items).unwrap_or(u32::MAX));
    }

    pub(crate) fn text(&mut self, value: &str) {
        let _ = mp::write_str(&mut self.0, value);
    }

    pub(crate) fn number(&mut self, value: usize) {
        let _ = mp::write_uint(&mut self.0, value as u64);
    }

    pub(crate) fn flag(&mut self, value: bool) {
        let _ = mp::write_bool(&mut self.0, value);
    }

    fn names<'n>(&mut self, values: impl ExactSizeIterator<Item = &'n Name>) {
        self.list(values.len());
        for value in values {
            self.text(value);
        }
    }

    fn optional(&mut self, key: &str, value: Option<&Name>) {
        if let Some(value) = value {
            self.text(key);
            self.text(value);
        }
    }
}

/// Byte ranges as a list of pairs.
pub fn ranges(ranges: &[(usize, usize)]) -> Vec<u8> {
    let mut w = Writer(Vec::new());
    w.list(ranges.len());
    for (start, end) in ranges {
        w.list(2);
        w.number(*start);
        w.number(*end);
    }
    w.0
}

/// The closed sets of words in a tree: kinds with their usual effects, features, steps of `via`.
pub fn vocabulary() -> Vec<u8> {
    let mut w = Writer(Vec::new());
    w.map(3);
    w.text("kinds");
    w.list(Kind::ALL.len());
    for kind in Kind::ALL {
        w.list(2);
        w.text(kind.as_str());
        w.text(kind.effect().as_str());
    }
    w.text("features");
    w.list(Feature::ALL.len());
    for feature in Feature::ALL {
        w.text(feature.as_str());
    }
    w.text("via");
    w.list(Via::ALL.len());
    for step in Via::ALL {
        w.text(step.as_str());
    }
    w.0
}

/// The SHA-256 (hex) of protocol and text.
pub fn digest(text: &[u8]) -> String {
    digest_of(b"postgres\0", text)
}

/// The SHA-256 (hex) of what names a protocol and a text.
pub(crate) fn digest_of(protocol: &[u8], text: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(protocol);
    hash.update(text);
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        for nibble in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    hex
}

/// Encodes a whole command. `text` is what was sent, already readable as UTF-8.
pub fn command(tree: &Tree, text: &str, digest: &str) -> Vec<u8> {
    let room = text.len().saturating_add(512).saturating_add(tree.operations.len().saturating_mul(192));
    let mut w = Writer(Vec::with_capacity(room));
    w.map(8);
    w.text("protocol");
    w.text("postgres");
    w.text("text");
    w.text(text);
    w.text("digest");
    w.text(digest);
    w.text("operations");
    w.list(tree.operations.len());
    for item in &tree.operations {
        operation(&mut w, item);
    }
    w.text("features");
    w.list(tree.features.len());
    for feature in &tree.features {
        w.text(feature.as_str());
    }
    w.text("complete");
    w.flag(tree.complete);
    w.text("problems");
    w.list(tree.problems.len());
    for item in &tree.problems {
        problem(&mut w, item);
    }
    w.text("sql");
    sql(&mut w, &tree.sql);
    w.0
}

fn operation(w: &mut Writer, op: &Operation) {
    let via: Vec<&str> = op.via.iter().map(|step| step.as_str()).collect();
    placed(w, op, &via, op.span);
}

/// An operation of SQL that stands in a command of another language: its path and its place are there.
pub(crate) fn carried(w: &mut Writer, op: &Operation, outer: &[std::borrow::Cow<'static, str>], span: (usize, usize)) {
    let via: Vec<&str> = outer.iter().map(|step| &**step).chain(op.via.iter().map(|step| step.as_str())).collect();
    placed(w, op, &via, span);
}

fn placed(w: &mut Writer, op: &Operation, via: &[&str], span: (usize, usize)) {
    w.map(
        6_usize.saturating_add(usize::from(op.has_where.is_some())).saturating_add(usize::from(op.has_limit.is_some())),
    );
    w.text("kind");
    w.text(op.kind.as_str());
    w.text("effect");
    w.text(op.effect.as_str());
    w.text("via");
    w.list(via.len());
    for step in via {
        w.text(step);
    }
    w.text("targets");
    w.list(op.targets.len());
    for item in &op.targets {
        target(w, item);
    }
    w.text("span");
    w.list(2);
    w.number(span.0);
    w.number(span.1);
    if let Some(value) = op.has_where {
        w.text("has_where");
        w.flag(value);
    }
    if let Some(value) = op.has_limit {
        w.text("has_limit");
        w.flag(value);
    }
    w.text("statement");
    w.number(op.statement);
}

fn target(w: &mut Writer, item: &Target) {
    let optional = [&item.schema, &item.relation, &item.column];
    w.map(optional.iter().filter(|part| part.is_some()).count().saturating_add(4));
    w.text("type");
    w.text(item.class);
    w.text("name");
    w.text(&item.name);
    w.text("access");
    w.text(item.access.as_str());
    w.optional("schema", item.schema.as_ref());
    w.optional("relation", item.relation.as_ref());
    w.optional("column", item.column.as_ref());
    w.text("resolved");
    w.flag(item.resolved);
}

pub(crate) fn problem(w: &mut Writer, item: &Problem) {
    w.map(if item.at.is_some() { 3 } else { 2 });
    w.text("code");
    w.text(item.code);
    w.text("message");
    w.text(&item.message);
    if let Some(at) = item.at {
        w.text("at");
        w.number(at);
    }
}

fn output(w: &mut Writer, item: &Output) {
    let optional = [item.name.is_some(), item.function.is_some(), item.calls.is_some()];
    w.map(optional.iter().filter(|present| **present).count().saturating_add(3));
    w.optional("name", item.name.as_ref());
    w.text("origins");
    w.names(item.origins.iter());
    w.text("derived");
    w.flag(item.derived);
    w.optional("function", item.function.as_ref());
    if let Some(calls) = &item.calls {
        w.text("calls");
        w.names(calls.iter());
    }
    w.text("proven");
    w.flag(item.proven);
}

fn sql(w: &mut Writer, facts: &Sql) {
    w.map(if facts.outputs.is_some() { 14 } else { 13 });
    for (key, values) in [
        ("reads", &facts.reads),
        ("writes", &facts.writes),
        ("relations", &facts.relations),
        ("filters", &facts.filters),
        ("equalities", &facts.equalities),
        ("passed", &facts.passed),
    ] {
        w.text(key);
        w.names(values.iter());
    }
    if let Some(outputs) = &facts.outputs {
        w.text("outputs");
        w.list(outputs.len());
        for item in outputs {
            output(w, item);
        }
    }
    for (key, value) in [
        ("outputs_proven", facts.outputs_proven),
        ("has_where", facts.has_where),
        ("has_limit", facts.has_limit),
        ("is_multi", facts.is_multi),
        ("constants_matter", facts.constants_matter),
    ] {
        w.text(key);
        w.flag(value);
    }
    w.text("joins");
    w.number(facts.joins);
    w.text("statements");
    w.number(facts.statements);
}
