//! Function calls: each is an operation of its own, with the effect the built-in table or the catalog gives it.

use std::rc::Rc;

use pg_query::protobuf::{FuncCall, ParseResult, SelectStmt};
use pg_query::NodeEnum;

use super::arguments::Arguments;
use super::flow::Flow;
use super::scope::{Column, Columns, Entry, Scope, Source};
use crate::sql::build::{Builder, MAX_EMBEDDING};
use crate::sql::catalog::{Body, Catalog};
use crate::sql::features::Feature;
use crate::sql::functions::foreign_feature;
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
        let (full, made) = self.named_call(&parts, call.args.len(), Arguments::of(call));
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
    pub fn named_call(&mut self, parts: &[&str], count: usize, arguments: Arguments<'_>) -> (Name, Flow) {
        let (schema, name) = names::schema_and_name(parts);
        match names::function(self.catalog, schema, name, Some(count)) {
            Callee::Builtin(full, fact) => {
                self.list_call(&full, fact.class.effect(), true);
                if let Some(feature) = fact.class.feature() {
                    self.feature(feature);
                }
                let mut flow = self.aside(|b| b.builtin_arguments(fact.class, name, count, arguments));
                flow.absorb(self.values_by_name(name, arguments));
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
    fn foreign_call(&mut self, name: &str, arguments: Arguments<'_>) {
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

    /// Something that runs is only known when it runs.
    pub fn dynamic(&mut self, what: &str) -> Flow {
        self.feature(Feature::DynamicSql);
        self.problem("dynamic", format!("{what} is computed, so nobody can say what it does"), None);
        self.incomplete();
        Flow::unknown()
    }

    /// Adds a target to the call just listed.
    pub fn call_target(&mut self, target: Target) {
        if self.quiet > 0 {
            return;
        }
        // The last one that is a call: one that was listed before stands further up.
        let mut operations = self.tree.operations.iter_mut().rev();
        if let Some(last) = operations.find(|operation| operation.kind == Kind::CallFunction) {
            if !last.targets.contains(&target) {
                last.targets.push(target);
            }
        }
    }
}

/// The queries among the statements of a text.
fn queries(parsed: &ParseResult) -> impl Iterator<Item = &SelectStmt> {
    parsed.stmts.iter().filter_map(|statement| match statement.stmt.as_ref()?.node.as_ref()? {
        NodeEnum::SelectStmt(select) => Some(&**select),
        _ => None,
    })
}
