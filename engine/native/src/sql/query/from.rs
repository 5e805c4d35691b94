//! FROM: tables, subqueries, functions, joins, as entries of a scope.

use std::rc::Rc;

use pg_query::protobuf::{Alias, JoinExpr, JoinType, Node, RangeFunction, RangeTableFunc, RangeTableSample, RangeVar};
use pg_query::NodeEnum;

use super::arguments::Arguments;
use super::flow::Flow;
use super::json::node_name;
use super::naming;
use super::scope::{Column, Columns, Entry, Kin, Scope, Source};
use super::values::Made;
use crate::sql::build::{Builder, MAX_EMBEDDING};
use crate::sql::catalog::{Relation, View};
use crate::sql::features::Feature;
use crate::sql::functions::Shape;
use crate::sql::guard;
use crate::sql::names::{self, full_name, strings, Callee, RelationName};
use crate::sql::parse::parse;
use crate::sql::room;
use crate::sql::tree::{Access, Name, Via};

impl<'a> Builder<'a> {
    /// Puts the tables of a FROM list into the scope. Later items see earlier ones only when they are LATERAL.
    pub fn from_clause(&mut self, items: &[Node], scope: &mut Scope<'_, 'a>) {
        for item in items {
            let entries = self.from_item(item, scope);
            scope.entries.extend(entries);
            if !self.spend(1) {
                return;
            }
        }
        if items.len() > 1 && self.is_recording() {
            self.tree.sql.joins = self.tree.sql.joins.saturating_add(items.len().saturating_sub(1));
        }
    }

    /// The tables one item brings. `scope` holds what a LATERAL item sees.
    pub fn from_item(&mut self, item: &Node, scope: &mut Scope<'_, 'a>) -> Vec<Entry<'a>> {
        match item.node.as_ref() {
            Some(NodeEnum::RangeVar(relation)) => vec![self.table(relation, scope, Access::Read)],
            Some(NodeEnum::JoinExpr(join)) => self.join(join, scope),
            Some(NodeEnum::RangeSubselect(query)) => {
                let inner = query.subquery.as_deref();
                let columns = self.handed_on(inner, |b| {
                    if query.lateral {
                        b.within(Via::Subquery, |b| b.subquery(inner, scope))
                    } else {
                        let outer = scope.without_entries();
                        b.within(Via::Subquery, |b| b.subquery(inner, &outer))
                    }
                });
                self.computes(&columns);
                vec![aliased(query.alias.as_ref(), "", Source::Columns(Rc::new(columns)))]
            }
            Some(NodeEnum::RangeFunction(function)) => vec![self.table_function(function, scope)],
            Some(NodeEnum::RangeTableFunc(table)) => vec![self.xml_table(table, scope)],
            Some(NodeEnum::JsonTable(table)) => {
                let columns = self.json_table(table, scope);
                // How many rows there are depends on the document.
                self.filters(&columns.everything().origins);
                vec![aliased(table.alias.as_ref(), "json_table", Source::Columns(Rc::new(columns)))]
            }
            Some(NodeEnum::RangeTableSample(sample)) => self.sample(sample, scope),
            Some(other) => {
                self.unknown(node_name(other));
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// A table by name: a common table expression or a relation.
    pub fn table(&mut self, relation: &RangeVar, scope: &Scope<'_, 'a>, access: Access) -> Entry<'a> {
        if relation.schemaname.is_empty() && access == Access::Read && self.spend(scope.width()) {
            if let Some(cte) = scope.cte(&relation.relname) {
                let source = Source::Columns(Rc::clone(&cte.columns));
                return aliased(relation.alias.as_ref(), &relation.relname, source);
            }
        }
        let (name, class, source) = self.relation_source(relation);
        self.target(name.target(class, access));
        let mut entry = aliased(relation.alias.as_ref(), &relation.relname, source);
        if relation.alias.is_none() {
            entry.schema = name.schema;
        }
        entry
    }

    /// What a relation's name means, its class, and its columns.
    pub fn relation_source(&mut self, relation: &RangeVar) -> (RelationName, &'static str, Source<'a>) {
        let (name, found) = names::existing(self.catalog, &relation.schemaname, &relation.relname);
        self.relation(&name.full);
        if names::tells_of_others(&name) {
            self.feature(Feature::SystemStatistics);
        }
        let full = name.full.clone();
        let unseen = |full: Name, found: &'a Relation| {
            let kin = Kin::default();
            if found.columns.is_empty() {
                Source::Opaque { full }
            } else {
                Source::Base { full, columns: &found.columns, kin, proven: false }
            }
        };
        let source = match found {
            None => Source::Opaque { full },
            Some(found) => match &found.view {
                View::No => {
                    let kin = self.kin(found, relation.inh);
                    Source::Base { full, columns: &found.columns, kin, proven: true }
                }
                View::Opaque => unseen(full, found),
                View::Query(text) => match self.view_columns(&full, text, &found.columns) {
                    Some(columns) => Source::View { full, columns },
                    None => unseen(full, found),
                },
            },
        };
        let is_view = found.is_some_and(|found| found.view != View::No);
        (name, if is_view { "view" } else { "table" }, source)
    }

    /// The tables that share rows with a relation: rules about one of them are about this one too.
    fn kin(&mut self, relation: &'a Relation, with_children: bool) -> Kin<'a> {
        let Some(catalog) = self.catalog.filter(|_| !relation.parents.is_empty() || !relation.children.is_empty())
        else {
            return Kin::of(relation, Vec::new());
        };
        let mut tables = Vec::new();
        for (name, kin) in catalog.kin(relation, with_children) {
            // Keys of a catalog are `schema.name` without quotes; a name as it stands in trees may need them.
            let full =
                name.split_once('.').map_or_else(|| Name::from(name), |(schema, name)| full_name(Some(schema), name));
            self.relation(&full);
            if !self.spend(kin.columns.len()) {
                break;
            }
            tables.push((full, kin));
        }
        Kin::of(relation, tables)
    }

    /// The columns of a view's query, worked out once a command.
    fn view_columns(&mut self, full: &Name, text: &str, listed: &[Name]) -> Option<Rc<Columns>> {
        if let Some(known) = self.views.get(full) {
            return known.clone();
        }
        // A view that comes back to itself finds this and is opaque.
        self.views.insert(full.clone(), None);
        if self.embedded >= MAX_EMBEDDING.saturating_mul(2)
            || !guard::demand(text).is_ok_and(guard::Demand::is_modest)
            || !room::is_here()
        {
            return None;
        }
        let parsed = parse(text.trim().trim_end_matches(';')).ok()?;
        let [statement] = parsed.stmts.as_slice() else {
            return None;
        };
        let Some(NodeEnum::SelectStmt(select)) = statement.stmt.as_ref().and_then(|node| node.node.as_ref()) else {
            return None;
        };
        if !self.spend(text.len()) {
            return None;
        }
        // It is looked at once a command, so also where nothing else is recorded.
        let quiet = std::mem::take(&mut self.quiet);
        self.embedded = self.embedded.saturating_add(1);
        let mut columns = self.behind(|b| b.within(Via::View, |b| b.select(select, &Scope::root())));
        self.embedded = self.embedded.saturating_sub(1);
        self.quiet = quiet;
        // The catalog's list is what the view shows; its query says where from.
        if !columns.complete || (!listed.is_empty() && listed.len() != columns.list.len()) {
            return None;
        }
        for (column, name) in columns.list.iter_mut().zip(listed) {
            column.name = name.clone();
        }
        let columns = Rc::new(columns);
        self.views.insert(full.clone(), Some(Rc::clone(&columns)));
        Some(columns)
    }

    fn join(&mut self, join: &JoinExpr, scope: &mut Scope<'_, 'a>) -> Vec<Entry<'a>> {
        if self.is_recording() {
            self.tree.sql.joins = self.tree.sql.joins.saturating_add(1);
        }
        let outside = scope.entries.len();
        if let Some(left) = join.larg.as_deref() {
            let entries = self.from_item(left, scope);
            scope.entries.extend(entries);
        }
        let middle = scope.entries.len();
        if let Some(right) = join.rarg.as_deref() {
            let entries = self.from_item(right, scope);
            scope.entries.extend(entries);
        }
        // The condition sees both sides and nothing beside them.
        let right = scope.entries.split_off(middle);
        let left = scope.entries.split_off(outside);
        let split = left.len();
        let mut inside = scope.without_entries();
        inside.entries = left;
        inside.entries.extend(right);
        self.filter(join.quals.as_deref(), &inside);
        let right = inside.entries.split_off(split);
        let entries = self.merge_columns(join, inside.entries, right);
        match &join.alias {
            Some(alias) => {
                let all = self.all_columns(&level(entries));
                if !self.spend(all.list.len()) {
                    return Vec::new();
                }
                vec![aliased(Some(alias), "", Source::Columns(Rc::new(all)))]
            }
            None => entries,
        }
    }

    /// USING and NATURAL make one column out of two.
    fn merge_columns(&mut self, join: &JoinExpr, left: Vec<Entry<'a>>, right: Vec<Entry<'a>>) -> Vec<Entry<'a>> {
        let (left, right) = (level(left), level(right));
        let shared = if join.is_natural {
            self.natural_columns(&left, &right)
        } else {
            strings(&join.using_clause).into_iter().map(Name::from).collect()
        };
        if !shared.is_empty() {
            self.implied_operators(&["="]);
        }
        let width = left.entries.len().saturating_add(right.entries.len());
        let mut merged = Vec::with_capacity(shared.len());
        for name in &shared {
            if !self.spend(width) {
                return Vec::new();
            }
            let from_left = left.bare_column(name).unwrap_or_else(Flow::unknown);
            let from_right = right.bare_column(name).unwrap_or_else(Flow::unknown);
            for flow in [&from_left, &from_right] {
                self.note_reads(flow);
                self.filters(&flow.origins);
            }
            let flow = match JoinType::try_from(join.jointype) {
                Ok(JoinType::JoinRight) => from_right,
                Ok(JoinType::JoinFull) => {
                    let mut both = from_left;
                    both.merge(&from_right);
                    both.derive("coalesce")
                }
                _ => from_left,
            };
            merged.push(Column { name: name.clone(), flow });
        }
        let mut entries = left.entries;
        entries.extend(right.entries);
        if shared.is_empty() {
            return entries;
        }
        for entry in &mut entries {
            for name in &shared {
                if !entry.hidden.contains(name) {
                    entry.hidden.push(name.clone());
                }
            }
        }
        let merged = Rc::new(Columns::known(merged));
        let mut entry = Entry::new(Name::from(""), Source::Columns(Rc::clone(&merged)));
        entry.named = false;
        entries.insert(0, entry);
        if let Some(alias) = &join.join_using_alias {
            let mut entry = aliased(Some(alias), "", Source::Columns(merged));
            entry.bare = false;
            entries.push(entry);
        }
        entries
    }

    /// The columns that both sides of a NATURAL JOIN have.
    fn natural_columns(&mut self, left: &Scope<'_, 'a>, right: &Scope<'_, 'a>) -> Vec<Name> {
        let (left, right) = (self.all_columns(left), self.all_columns(right));
        if !left.complete || !right.complete {
            // Nobody can say which columns are compared: all of them count.
            self.filters(&left.everything().origins);
            self.filters(&right.everything().origins);
        }
        if !self.spend(left.list.len().saturating_add(right.list.len())) {
            return Vec::new();
        }
        let names: std::collections::HashSet<&Name> = right.list.iter().map(|column| &column.name).collect();
        let shared = left.list.iter().map(|column| &column.name).filter(|name| &***name != "*" && names.contains(name));
        shared.cloned().collect()
    }

    /// A function in FROM.
    fn table_function(&mut self, function: &RangeFunction, scope: &Scope<'_, 'a>) -> Entry<'a> {
        let alias = function.alias.as_ref();
        let several = function.functions.len() > 1;
        let mut all = Columns::known(Vec::new());
        let mut open: Option<Flow> = None;
        let mut first_name = Name::from("");
        for item in &function.functions {
            let Some(NodeEnum::List(pair)) = item.node.as_ref() else {
                continue;
            };
            let Some(call) = pair.items.first() else {
                continue;
            };
            let flow = self.expression(call, scope);
            // How many rows there are depends on what it is given.
            self.filters(&flow.origins);
            let definitions = match pair.items.get(1).and_then(|node| node.node.as_ref()) {
                Some(NodeEnum::List(list)) => list.items.as_slice(),
                _ => &[],
            };
            let definitions = if several || !definitions.is_empty() { definitions } else { &function.coldeflist };
            let name = naming::column_name(call);
            let single =
                alias.filter(|_| !several).map_or_else(|| name.clone(), |alias| Name::from(alias.aliasname.as_str()));
            if first_name.is_empty() {
                first_name = name;
            }
            match self.function_columns(call, definitions, &flow, &single, scope) {
                Some(columns) => all.list.extend(columns),
                None => match &mut open {
                    Some(open) => open.absorb(flow),
                    None => open = Some(flow),
                },
            }
        }
        if function.ordinality {
            all.list.push(Column { name: Name::from("ordinality"), flow: Flow::constant() });
        }
        let source = match open {
            Some(mut flow) => {
                flow.absorb(all.everything());
                Source::Open(flow.unproven())
            }
            None => Source::Columns(Rc::new(all)),
        };
        aliased(alias, &first_name, source)
    }

    /// The result columns of a table function; `None` when nobody knows them.
    fn function_columns(
        &mut self,
        call: &Node,
        definitions: &[Node],
        flow: &Flow,
        single: &Name,
        scope: &Scope<'_, 'a>,
    ) -> Option<Vec<Column>> {
        let one = |name: Name| Column { name, flow: flow.clone() };
        if !definitions.is_empty() {
            let mut columns = Vec::new();
            for definition in definitions {
                if let Some(NodeEnum::ColumnDef(column)) = definition.node.as_ref() {
                    let mut made = one(Name::from(column.colname.as_str()));
                    made.flow.absorb(self.value_of(column.type_name.as_ref(), Made::Read));
                    columns.push(made);
                }
            }
            return Some(columns);
        }
        let Some(NodeEnum::FuncCall(call)) = call.node.as_ref() else {
            return Some(vec![one(single.clone())]);
        };
        let parts = strings(&call.funcname);
        let (schema, name) = names::schema_and_name(&parts);
        match names::function(self.catalog, schema, name, Some(call.args.len())) {
            Callee::Builtin(_, fact) => match &fact.shape {
                // How many columns these give depends on the types of their arguments.
                _ if POLYMORPHIC.contains(&name) && !self.are_plain_arrays(&call.args, scope) => None,
                _ if name == "unnest" => Some(vec![one(single.clone())]),
                Shape::Value => Some(vec![one(single.clone())]),
                Shape::Columns(names) if names.len() == 1 => Some(vec![one(single.clone())]),
                Shape::Columns(names) => Some(names.iter().map(|name| one(Name::from(*name))).collect()),
                Shape::Open => None,
            },
            Callee::User(_, fact, None) => fact.columns.as_ref().map(|names| names.iter().cloned().map(one).collect()),
            _ => None,
        }
    }

    fn xml_table(&mut self, table: &RangeTableFunc, scope: &Scope<'_, 'a>) -> Entry<'a> {
        let mut flow = self.optional(table.docexpr.as_deref(), scope);
        flow.absorb(self.optional(table.rowexpr.as_deref(), scope));
        flow.absorb(self.expressions(&table.namespaces, scope));
        let flow = flow.derive("xmltable");
        let mut columns = Vec::new();
        for column in &table.columns {
            if let Some(NodeEnum::RangeTableFuncCol(column)) = column.node.as_ref() {
                let mut own = flow.clone();
                own.absorb(self.value_of(column.type_name.as_ref(), Made::Read));
                own.absorb(self.optional(column.colexpr.as_deref(), scope));
                own.absorb(self.optional(column.coldefexpr.as_deref(), scope));
                columns.push(Column { name: Name::from(column.colname.as_str()), flow: own });
            }
        }
        let columns = Columns::known(columns);
        // How many rows there are depends on the document.
        self.filters(&flow.origins);
        self.filters(&columns.everything().origins);
        aliased(table.alias.as_ref(), "xmltable", Source::Columns(Rc::new(columns)))
    }

    fn sample(&mut self, sample: &RangeTableSample, scope: &mut Scope<'_, 'a>) -> Vec<Entry<'a>> {
        self.filter_each(&sample.args, scope);
        self.filter(sample.repeatable.as_deref(), scope);
        let method = strings(&sample.method);
        self.named_call(&method, sample.args.len(), Arguments::none());
        match sample.relation.as_deref() {
            Some(relation) => self.from_item(relation, scope),
            None => Vec::new(),
        }
    }
}

/// Functions whose result is a row of a type that is handed in, or a column for each argument.
const POLYMORPHIC: [&str; 5] =
    ["json_populate_record", "json_populate_recordset", "jsonb_populate_record", "jsonb_populate_recordset", "unnest"];

/// An entry under its alias, or under the name it has without one.
fn aliased<'c>(alias: Option<&Alias>, name: &str, source: Source<'c>) -> Entry<'c> {
    let mut entry = Entry::new(Name::from(alias.map_or(name, |alias| alias.aliasname.as_str())), source);
    if let Some(alias) = alias {
        entry.renames = strings(&alias.colnames).into_iter().map(Name::from).collect();
    }
    entry
}

/// Some entries as a level of their own, to look up names among them only.
fn level<'c>(entries: Vec<Entry<'c>>) -> Scope<'c, 'c> {
    Scope { parent: None, entries, ctes: Rc::default() }
}
