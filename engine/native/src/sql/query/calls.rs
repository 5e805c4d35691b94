//! Function calls: each is an operation of its own, with the effect the built-in table or the catalog gives it.

use std::rc::Rc;

use pg_query::protobuf::{FuncCall, Node, ParseResult, SelectStmt, TypeCast};
use pg_query::NodeEnum;

use super::flow::Flow;
use super::scope::{Column, Columns, Entry, Scope, Source};
use crate::sql::build::{Builder, MAX_EMBEDDING};
use crate::sql::catalog::{Body, Catalog};
use crate::sql::features::Feature;
use crate::sql::functions::{foreign_feature, Class};
use crate::sql::guard;
use crate::sql::kinds::Kind;
use crate::sql::names::{self, strings, Callee};
use crate::sql::parse::parse;
use crate::sql::room;
use crate::sql::tree::{Access, Effect, Name, Target, Via};

impl<'a> Builder<'a> {
    /// The flow of a call: everything in its arguments, through the function.
    pub fn call(&mut self, call: &FuncCall, scope: &Scope<'_, 'a>) -> Flow {
        let mut flow = self.expressions(&call.args, scope);
        self.filter_each(&call.agg_order, scope);
        self.filter(call.agg_filter.as_deref(), scope);
        if let Some(window) = call.over.as_deref() {
            self.window(window, scope);
        }
        let parts = strings(&call.funcname);
        // How many rows there are depends on what it is given.
        if !flow.origins.is_empty() && self.may_give_rows(&parts, call.args.len()) {
            self.filters(&flow.origins);
        }
        let (full, made) = self.named_call(&parts, call.args.len(), &call.args);
        flow.absorb(made);
        flow.derive(&full)
    }

    /// Whether a call can give more or fewer rows than one.
    fn may_give_rows(&self, parts: &[&str], count: usize) -> bool {
        let (schema, name) = names::schema_and_name(parts);
        match names::function(self.catalog, schema, name, Some(count)) {
            Callee::Builtin(_, fact) => fact.set,
            Callee::User(_, fact, own) => fact.set || own.is_some_and(|own| own.set),
            Callee::Unknown(_) => true,
        }
    }

    /// A call by name. Gives the function's full name, and what it brings in by itself: the result of a query in its
    /// arguments, or the unknown.
    pub fn named_call(&mut self, parts: &[&str], count: usize, arguments: &[Node]) -> (Name, Flow) {
        let (schema, name) = names::schema_and_name(parts);
        match names::function(self.catalog, schema, name, Some(count)) {
            Callee::Builtin(full, fact) => {
                self.list_call(&full, fact.class.effect(), true);
                if let Some(feature) = fact.class.feature() {
                    self.feature(feature);
                }
                let flow = self.aside(|b| b.builtin_arguments(fact.class, name, count, arguments));
                (full, flow)
            }
            Callee::User(full, fact, shadow) => {
                if let (Some(body), None, None) = (&fact.body, fact.effect, shadow) {
                    if let Some(flow) = self.call_with_body(&full, name, body, count) {
                        return (full, flow);
                    }
                }
                let mut effect = fact.effect.unwrap_or(Effect::Execute);
                if let Some(own) = shadow {
                    effect = effect.max(own.class.effect());
                }
                self.list_call(&full, effect, true);
                if fact.security_definer {
                    self.feature(Feature::SecurityDefiner);
                }
                if fact.effect.is_none() {
                    self.feature(Feature::UnknownFunction);
                    self.incomplete();
                }
                self.foreign_call(name, arguments);
                (full, Flow::unknown())
            }
            Callee::Unknown(full) => {
                self.unknown_call(full.clone(), "function");
                self.foreign_call(name, arguments);
                (full, Flow::unknown())
            }
        }
    }

    /// What an extension's well-known function reaches.
    fn foreign_call(&mut self, name: &str, arguments: &[Node]) {
        if let Some(feature) = foreign_feature(name) {
            self.feature(feature);
            self.aside(|b| b.foreign_arguments(arguments));
        }
    }

    /// A call of a function whose query is known: it is that query. `None` when it cannot be read.
    fn call_with_body(&mut self, full: &Name, name: &str, body: &Body, count: usize) -> Option<Flow> {
        let parsed = self.readable(&body.text)?;
        // What is left out is an expression of its own, and runs all the same.
        let left_out = match count < body.arguments.len() {
            true => Some(self.readable(&format!("SELECT {}", body.defaults.as_deref()?))?),
            false => None,
        };
        let columns = body.arguments.iter().map(|name| Column { name: name.clone(), flow: Flow::constant() });
        let mut scope = Scope::root();
        scope.entries.push(Entry::new(Name::from(name), Source::Columns(Rc::new(Columns::known(columns.collect())))));
        let before = self.tree.operations.len();
        self.list_call(full, Effect::Read, true);
        // What stands behind a view is read with its maker's rights, but not what a function in it reads.
        let (names, behind) = (self.catalog, std::mem::take(&mut self.behind));
        self.catalog = self.session;
        self.embedded = self.embedded.saturating_add(1);
        let mut result = Flow::constant();
        for select in queries(&parsed) {
            let columns = self.within(Via::Function, |b| b.select(select, &scope));
            self.computes(&columns);
            result = columns.everything();
        }
        self.catalog = self.session.map(Catalog::definitions);
        for select in left_out.iter().flat_map(queries) {
            let flow = self.within(Via::Function, |b| b.select(select, &Scope::root())).everything();
            // The body may do anything with it, so also decide about rows.
            self.filters(&flow.origins);
            result.absorb(flow);
        }
        self.embedded = self.embedded.saturating_sub(1);
        (self.catalog, self.behind) = (names, behind);
        if let Some((call, inside)) = self.tree.operations.get_mut(before..).and_then(<[_]>::split_first_mut) {
            if call.kind == Kind::CallFunction {
                call.effect = inside.iter().map(|operation| operation.effect).fold(call.effect, Effect::max);
            }
        }
        Some(result)
    }

    /// A text that holds nothing but queries, read; `None` where it holds something else or cannot be read.
    fn readable(&mut self, text: &str) -> Option<ParseResult> {
        let shallow = self.embedded < MAX_EMBEDDING
            && guard::demand(text).is_ok_and(guard::Demand::is_modest)
            && room::is_here()
            && self.spend(text.len());
        let parsed = if shallow { parse(text).ok()? } else { return None };
        (queries(&parsed).count() == parsed.stmts.len()).then_some(parsed)
    }

    /// What people's functions bring in when a value is cast.
    pub fn cast_calls(&mut self, cast: &TypeCast) -> Flow {
        let parts = cast.type_name.as_ref().map(|name| strings(&name.names)).unwrap_or_default();
        let (Some(catalog), Some(bare)) = (self.catalog, parts.last()) else {
            return Flow::constant();
        };
        let is_literal = cast.arg.as_deref().is_some_and(is_text);
        let called: Vec<&str> = catalog.cast_functions(bare, is_literal).collect();
        self.each_call(&called)
    }

    /// What people's functions bring in that run though nobody wrote a cast.
    pub fn implicit_calls(&mut self) -> Flow {
        let stores = !self.tree.sql.writes.is_empty();
        let called: Vec<&str> =
            self.catalog.map(|catalog| catalog.implicit_casts(stores).collect()).unwrap_or_default();
        self.each_call(&called)
    }

    fn each_call(&mut self, called: &[&str]) -> Flow {
        let mut flow = Flow::constant();
        for name in called {
            if let Some((schema, name)) = name.split_once('.') {
                flow.absorb(self.named_call(&[schema, name], 1, &[]).1);
            }
        }
        flow
    }

    fn list_call(&mut self, full: &Name, effect: Effect, resolved: bool) {
        if !self.is_new_call(full) {
            return;
        }
        let schema =
            full.split_once('.').map(|(schema, _)| schema).filter(|schema| *schema != names::UNKNOWN).map(Name::from);
        let target = Target { schema, resolved, ..Target::plain("function", full.clone(), Access::Execute) };
        self.aside(|b| {
            b.operation_with(Kind::CallFunction, effect);
            b.target(target);
        });
    }

    /// A function or operator nobody knows: it may do anything its owner may.
    pub fn unknown_call(&mut self, full: Name, class: &'static str) {
        self.feature(Feature::UnknownFunction);
        self.incomplete();
        if self.is_new_call(&full) {
            self.aside(|b| {
                b.operation(Kind::CallFunction);
                b.target(Target::plain(class, full, Access::Execute));
            });
        }
    }

    /// What PostgreSQL's own function does with what it is given.
    fn builtin_arguments(&mut self, class: Class, name: &str, count: usize, arguments: &[Node]) -> Flow {
        match class {
            Class::Setting => {
                let setting = arguments.first().and_then(|node| self.literal(argument(node)));
                match setting {
                    Some(setting) => {
                        self.setting_changed(&setting.to_lowercase());
                        Flow::constant()
                    }
                    None => self.dynamic("the name of a setting"),
                }
            }
            Class::QueryText => {
                let place = if name == "ts_rewrite" { 1 } else { 0 };
                if name == "ts_rewrite" && count == 3 {
                    return Flow::constant();
                }
                let text = arguments.get(place).and_then(|node| self.literal(argument(node)));
                match text {
                    Some(text) => self.embedded_sql(text).everything(),
                    None => self.dynamic("a query"),
                }
                .derive(name)
            }
            Class::RelationText if name.starts_with("table_") => {
                let text = arguments.first().and_then(|node| self.literal(argument(node)));
                match text {
                    Some(text) => self.relation_in_text(text),
                    None => self.dynamic("a table's name"),
                }
            }
            Class::RelationText => self.dynamic("every table of a schema"),
            Class::CursorText => self.dynamic("the rows of a cursor"),
            Class::Sequence => {
                self.named_object("sequence", Access::Write, arguments);
                Flow::constant()
            }
            Class::File | Class::LargeObjectFile => {
                let access = if name == "lo_export" { Access::Write } else { Access::Read };
                let place = usize::from(name == "lo_export");
                if let Some(text) = arguments.get(place).and_then(|node| self.literal(argument(node))) {
                    self.call_target(Target::plain("file", text, access));
                }
                Flow::constant()
            }
            _ => Flow::constant(),
        }
    }

    /// The arguments of an extension's function that runs SQL or connects: every text that is SQL is looked into.
    fn foreign_arguments(&mut self, arguments: &[Node]) {
        for node in arguments {
            if let Some(text) = self.literal(argument(node)) {
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

    /// Something that runs is only known when it runs.
    pub fn dynamic(&mut self, what: &str) -> Flow {
        self.feature(Feature::DynamicSql);
        self.problem("dynamic", format!("{what} is computed, so nobody can say what it does"), None);
        self.incomplete();
        Flow::unknown()
    }

    fn named_object(&mut self, class: &'static str, access: Access, arguments: &[Node]) {
        if let Some(text) = arguments.first().and_then(|node| self.literal(argument(node))) {
            let name = written_name(text);
            let target = match name {
                Some((schema, relation)) => {
                    let (name, _) = names::existing(self.catalog, schema.as_deref().unwrap_or(""), &relation);
                    name.target(class, access)
                }
                None => Target::plain(class, text, access),
            };
            self.call_target(target);
        }
    }

    /// Adds a target to the call just listed.
    fn call_target(&mut self, target: Target) {
        if self.quiet > 0 {
            return;
        }
        if let Some(last) = self.tree.operations.last_mut().filter(|last| last.kind == Kind::CallFunction) {
            if !last.targets.contains(&target) {
                last.targets.push(target);
            }
        }
    }

    fn relation_in_text(&mut self, text: &str) -> Flow {
        let Some((schema, relation)) = written_name(text) else {
            return self.dynamic("a table's name");
        };
        let (name, found) = names::existing(self.catalog, schema.as_deref().unwrap_or(""), &relation);
        self.relation(&name.full);
        self.call_target(name.target("table", Access::Read));
        let flow = match found {
            Some(found) => Flow::gather(
                found.columns.iter().map(|column| Flow::column(names::column_name(&name.full, column), false)),
            ),
            None => Flow::column(Name::from(format!("{}.*", name.full)), false),
        };
        self.note_reads(&flow);
        flow
    }
}

/// A text in quotes, which the type's own reader reads.
fn is_text(node: &Node) -> bool {
    use pg_query::protobuf::a_const::Val;
    matches!(node.node.as_ref(), Some(NodeEnum::AConst(constant)) if matches!(constant.val, Some(Val::Sval(_))))
}

/// The queries among the statements of a text.
fn queries(parsed: &ParseResult) -> impl Iterator<Item = &SelectStmt> {
    parsed.stmts.iter().filter_map(|statement| match statement.stmt.as_ref()?.node.as_ref()? {
        NodeEnum::SelectStmt(select) => Some(&**select),
        _ => None,
    })
}

/// An argument without its name (`f(a => 1)`).
fn argument(node: &Node) -> &Node {
    match node.node.as_ref() {
        Some(NodeEnum::NamedArgExpr(named)) => named.arg.as_deref().unwrap_or(node),
        _ => node,
    }
}

/// `[schema.]name` as PostgreSQL reads it in a regclass text: unquoted parts fold to lower case.
fn written_name(text: &str) -> Option<(Option<String>, String)> {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = text.trim();
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
}
