//! What a call is given, by place or by name, and what PostgreSQL's own functions do with it: texts they run, relations, settings,
//! sequences and files they name.

use pg_query::protobuf::{FuncCall, Node};
use pg_query::NodeEnum;

use super::flow::Flow;
use crate::sql::build::Builder;
use crate::sql::features::Feature;
use crate::sql::functions::Class;
use crate::sql::names;
use crate::sql::tree::{Access, Target};

/// The arguments of one call.
#[derive(Clone, Copy)]
pub struct Arguments<'n> {
    nodes: &'n [Node],
    /// The last one is an array of them.
    spread: bool,
}

impl<'n> Arguments<'n> {
    pub fn of(call: &'n FuncCall) -> Self {
        Self { nodes: &call.args, spread: call.func_variadic }
    }

    /// Of a call that hands over nothing that could be looked into.
    pub fn none() -> Self {
        Self { nodes: &[], spread: false }
    }

    /// The argument of the parameter at this place, or of this name. `None` where it is left out or cannot be told.
    pub fn get(self, place: usize, name: &str) -> Option<&'n Node> {
        // The grammar has those with names behind the others, which fill the first places.
        let unnamed = self.nodes.iter().take_while(|node| named(node).is_none()).count();
        if self.spread {
            None
        } else if place < unnamed {
            self.nodes.get(place)
        } else {
            let mut given = self.nodes.iter().filter_map(named).filter(|(given, _)| *given == name);
            given.next().map(|(_, node)| node)
        }
    }

    /// All of them without their names.
    fn each(self) -> impl Iterator<Item = &'n Node> {
        self.nodes.iter().map(|node| named(node).map_or(node, |(_, node)| node))
    }
}

/// `f(a => 1)`
fn named(node: &Node) -> Option<(&str, &Node)> {
    match node.node.as_ref() {
        Some(NodeEnum::NamedArgExpr(named)) => Some((&named.name, named.arg.as_deref().unwrap_or(node))),
        _ => None,
    }
}

impl Builder<'_> {
    /// What PostgreSQL's own function does with what it is given.
    pub fn builtin_arguments(&mut self, class: Class, name: &str, count: usize, arguments: Arguments<'_>) -> Flow {
        let mut text =
            |place: usize, parameter: &str| arguments.get(place, parameter).and_then(|node| self.literal(node));
        match class {
            Class::Setting => match text(0, "setting_name") {
                Some(setting) => {
                    self.setting_changed(&setting.to_lowercase());
                    Flow::constant()
                }
                None => self.dynamic("the name of a setting"),
            },
            Class::QueryText if name == "ts_rewrite" && count == 3 && !arguments.spread => Flow::constant(),
            Class::QueryText => match text(usize::from(name == "ts_rewrite"), "query") {
                Some(text) => self.embedded_sql(text).everything(),
                None => self.dynamic("a query"),
            }
            .derive(name),
            Class::RelationText if name.starts_with("table_") => match self.relation_literal(arguments.get(0, "tbl")) {
                Some(text) => self.relation_in_text(text),
                None => self.dynamic("a table's name"),
            },
            Class::RelationText => self.dynamic("every table of a schema"),
            Class::CursorText => self.dynamic("the rows of a cursor"),
            Class::Sequence => match self.relation_literal(arguments.get(0, "")) {
                Some(text) => self.named_object("sequence", Access::Write, text),
                None => {
                    self.call_target(Target::plain("sequence", names::UNKNOWN, Access::Write));
                    Flow::constant()
                }
            },
            Class::File | Class::LargeObjectFile => {
                let (place, access) = if name == "lo_export" { (1, Access::Write) } else { (0, Access::Read) };
                // Those that list a folder of the server's own are told nothing.
                if !arguments.nodes.is_empty() {
                    let file = text(place, "filename").unwrap_or(names::UNKNOWN);
                    self.call_target(Target::plain("file", file, access));
                }
                Flow::constant()
            }
            // What a setting holds may be a secret, so say which one; nobody knows it where the name is computed.
            _ if name == "current_setting" => {
                let setting = text(0, "setting_name").map(str::to_lowercase);
                let setting = setting.unwrap_or_else(|| names::UNKNOWN.to_owned());
                self.call_target(Target::plain("setting", setting, Access::Read));
                Flow::constant()
            }
            _ => Flow::constant(),
        }
    }

    /// The arguments of an extension's function that runs SQL or connects: every text that is SQL is looked into.
    pub fn foreign_arguments(&mut self, arguments: Arguments<'_>) {
        for node in arguments.each() {
            if let Some(text) = self.literal(node) {
                let lowered = text.to_lowercase();
                if lowered.contains("password") {
                    self.feature(Feature::SecretLiteral);
                }
                if text.contains(' ') && !lowered.contains("dbname=") && !lowered.contains("host=") {
                    self.embedded_sql(text);
                }
            }
        }
    }

    /// A text that names a relation, also where it says so.
    fn relation_literal<'n>(&mut self, node: Option<&'n Node>) -> Option<&'n str> {
        let node = node?;
        match node.node.as_ref() {
            Some(NodeEnum::TypeCast(cast)) if cast.type_name.as_ref().is_some_and(names::is_regclass) => {
                self.literal(cast.arg.as_deref()?)
            }
            _ => self.literal(node),
        }
    }

    fn named_object(&mut self, class: &'static str, access: Access, text: &str) -> Flow {
        let Some((schema, relation)) = written_name(text) else {
            return self.dynamic("the name of what it changes");
        };
        let (name, _) = names::existing(self.catalog, schema.as_deref().unwrap_or(""), &relation);
        self.call_target(name.target(class, access));
        Flow::constant()
    }

    fn relation_in_text(&mut self, text: &str) -> Flow {
        let Some((schema, relation)) = written_name(text) else {
            return self.dynamic("a table's name");
        };
        let (name, found) = names::existing(self.catalog, schema.as_deref().unwrap_or(""), &relation);
        if self.catalog.is_some() && found.is_none() && !names::is_of_system(&name) {
            return self.dynamic("a table that nobody knows");
        }
        self.relation(&name.full);
        self.call_target(name.target("table", Access::Read));
        let flow = match found {
            Some(found) => Flow::gather(
                found.columns.iter().map(|column| Flow::column(names::column_name(&name.full, column), false)),
            ),
            None => Flow::column(format!("{}.*", name.full).into(), false),
        };
        self.note_reads(&flow);
        flow
    }
}

/// `[schema.]name` as PostgreSQL reads it in a regclass text: unquoted parts fold to lower case. `None` for what it reads in
/// another way (a number is no name, but the OID of a relation) and for what nobody has to understand.
pub fn written_name(text: &str) -> Option<(Option<String>, String)> {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = text.trim();
    if rest.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    loop {
        let part;
        if let Some(quoted) = rest.strip_prefix('"') {
            let (name, tail) = quoted.split_once('"')?;
            if name.is_empty() || tail.starts_with('"') {
                return None;
            }
            part = name.to_owned();
            rest = tail;
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            let (name, tail) = rest.split_at_checked(end)?;
            if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                return None;
            }
            part = name.to_lowercase();
            rest = tail;
        }
        parts.push(part);
        match rest.strip_prefix('.') {
            Some(tail) => rest = tail,
            None if rest.is_empty() => break,
            None => return None,
        }
    }
    match parts.as_slice() {
        [name] => Some((None, name.clone())),
        [schema, name] => Some((Some(schema.clone()), name.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::written_name;

    #[test]
    fn names_in_texts_are_folded_and_unquoted() {
        assert_eq!(written_name("Cust"), Some((None, "cust".to_owned())));
        assert_eq!(written_name("public.\"Cust\""), Some((Some("public".to_owned()), "Cust".to_owned())));
        assert_eq!(written_name("a.b.c"), None);
        assert_eq!(written_name("x; drop"), None);
        assert_eq!(written_name(""), None);
    }

    #[test]
    fn a_number_is_no_name() {
        for text in ["1260", " 1260 ", "0", "-"] {
            assert_eq!(written_name(text), None, "{text}");
        }
        assert_eq!(written_name("t1260"), Some((None, "t1260".to_owned())));
        assert_eq!(written_name("\"1260\""), Some((None, "1260".to_owned())));
    }
}
