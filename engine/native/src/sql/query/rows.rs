//! Statements that change rows: INSERT, UPDATE, DELETE, MERGE, with RETURNING as their result.

use std::collections::HashMap;
use std::rc::Rc;

use pg_query::protobuf::{
    CmdType, DeleteStmt, InsertStmt, MergeStmt, MergeWhenClause, Node, OnConflictClause, RangeVar, ReturningClause,
    ReturningOptionKind, UpdateStmt,
};
use pg_query::NodeEnum;

use super::condition::limits_rows;
use super::flow::Flow;
use super::json::node_name;
use super::scope::{Column, Columns, Entry, Kin, Scope, Source};
use crate::sql::build::Builder;
use crate::sql::kinds::Kind;
use crate::sql::tree::{Access, Name, Via};

impl<'a> Builder<'a> {
    pub fn insert(&mut self, insert: &InsertStmt, outer: &Scope<'_, 'a>) -> Columns {
        self.operation(Kind::Insert);
        let mut scope = outer.inner();
        self.with_clause(insert.with_clause.as_ref(), &mut scope);
        let Some(relation) = insert.relation.as_ref() else {
            return Columns::default();
        };
        let target = self.changed(relation, &scope, Access::Write);
        let listed: Vec<&str> = insert.cols.iter().filter_map(assigned_name).collect();
        self.writes(&target, &listed, listed.is_empty());
        for column in &insert.cols {
            if let Some(NodeEnum::ResTarget(column)) = column.node.as_ref() {
                self.expressions(&column.indirection, &scope);
            }
        }
        let mut stored = Stored::new(&target, &listed);
        match insert.select_stmt.as_deref().and_then(|node| node.node.as_ref()) {
            // VALUES of an INSERT is the same operation, not a query of its own.
            Some(NodeEnum::SelectStmt(rows)) if !rows.values_lists.is_empty() && rows.with_clause.is_none() => {
                let values = self.values(&rows.values_lists, &scope);
                stored.fill(&values);
                self.filter(rows.limit_count.as_deref(), &scope);
                self.filter(rows.limit_offset.as_deref(), &scope);
                self.filter_each(&rows.sort_clause, &scope);
            }
            Some(rows) => {
                let values = self.within(Via::Source, |b| b.query(rows, &scope));
                stored.fill(&values);
            }
            None => {}
        }
        if let Some(conflict) = insert.on_conflict_clause.as_deref() {
            self.on_conflict(conflict, &target, &mut stored, &scope);
        }
        let target = stored.seen(target);
        self.returning(insert.returning_clause.as_ref(), target, scope)
    }

    fn on_conflict(
        &mut self,
        conflict: &OnConflictClause,
        target: &Entry<'a>,
        stored: &mut Stored,
        scope: &Scope<'_, 'a>,
    ) {
        let mut inner = scope.inner();
        inner.entries.push(target.clone());
        if let Some(infer) = conflict.infer.as_deref() {
            for element in &infer.index_elems {
                if let Some(NodeEnum::IndexElem(element)) = element.node.as_ref() {
                    self.index_element(element, &inner);
                }
            }
            self.filter(infer.where_clause.as_deref(), &inner);
        }
        if conflict.target_list.is_empty() {
            return;
        }
        let mut excluded = stored.seen(Entry { alias: Name::from("excluded"), schema: None, ..target.clone() });
        excluded.bare = false;
        inner.entries.push(excluded);
        self.within(Via::OnConflict, |b| {
            let place = b.operation(Kind::Update);
            b.retarget(target, Access::Write);
            stored.take(b.assignments(&conflict.target_list, target, &inner));
            b.filter(conflict.where_clause.as_deref(), &inner);
            // The conflict itself picks the row.
            b.at(place, |operation| operation.has_where = Some(true));
        });
    }

    pub fn update(&mut self, update: &UpdateStmt, outer: &Scope<'_, 'a>) -> Columns {
        let place = self.operation(Kind::Update);
        let mut scope = outer.inner();
        self.with_clause(update.with_clause.as_ref(), &mut scope);
        let Some(relation) = update.relation.as_ref() else {
            return Columns::default();
        };
        let target = self.changed(relation, &scope, Access::Write);
        scope.entries.push(target.clone());
        self.from_clause(&update.from_clause, &mut scope);
        let mut stored = Stored::default();
        stored.take(self.assignments(&update.target_list, &target, &scope));
        self.filter(update.where_clause.as_deref(), &scope);
        let limits = limits_rows(update.where_clause.as_deref());
        self.at(place, |operation| operation.has_where = Some(limits));
        let target = stored.seen(target);
        if let Some(entry) = scope.entries.first_mut() {
            *entry = target.clone();
        }
        self.returning_in(update.returning_clause.as_ref(), &target, scope)
    }

    pub fn delete(&mut self, delete: &DeleteStmt, outer: &Scope<'_, 'a>) -> Columns {
        let place = self.operation(Kind::Delete);
        let mut scope = outer.inner();
        self.with_clause(delete.with_clause.as_ref(), &mut scope);
        let Some(relation) = delete.relation.as_ref() else {
            return Columns::default();
        };
        let target = self.changed(relation, &scope, Access::Delete);
        scope.entries.push(target.clone());
        self.from_clause(&delete.using_clause, &mut scope);
        self.filter(delete.where_clause.as_deref(), &scope);
        let limits = limits_rows(delete.where_clause.as_deref());
        self.at(place, |operation| operation.has_where = Some(limits));
        self.returning_in(delete.returning_clause.as_ref(), &target, scope)
    }

    pub fn merge(&mut self, merge: &MergeStmt, outer: &Scope<'_, 'a>) -> Columns {
        self.operation(Kind::Merge);
        let mut scope = outer.inner();
        self.with_clause(merge.with_clause.as_ref(), &mut scope);
        let Some(relation) = merge.relation.as_ref() else {
            return Columns::default();
        };
        let target = self.changed(relation, &scope, Access::Write);
        if let Some(source) = merge.source_relation.as_deref() {
            let entries = self.from_item(source, &mut scope);
            scope.entries.extend(entries);
        }
        scope.entries.push(target.clone());
        self.filter(merge.join_condition.as_deref(), &scope);
        let mut stored = Stored::default();
        for clause in &merge.merge_when_clauses {
            if let Some(NodeEnum::MergeWhenClause(clause)) = clause.node.as_ref() {
                self.within(Via::Merge, |b| b.merge_branch(clause, &target, &mut stored, &scope));
            }
        }
        let target = stored.seen(target);
        if let Some(entry) = scope.entries.last_mut() {
            *entry = target.clone();
        }
        // RETURNING * gives the source's columns, then the target's: the order they stand in.
        self.returning_in(merge.returning_clause.as_ref(), &target, scope)
    }

    fn merge_branch(
        &mut self,
        clause: &MergeWhenClause,
        target: &Entry<'a>,
        stored: &mut Stored,
        scope: &Scope<'_, 'a>,
    ) {
        let kind = match CmdType::try_from(clause.command_type) {
            Ok(CmdType::CmdInsert) => Some(Kind::Insert),
            Ok(CmdType::CmdUpdate) => Some(Kind::Update),
            Ok(CmdType::CmdDelete) => Some(Kind::Delete),
            Ok(CmdType::CmdNothing) => None,
            _ => Some(Kind::Unknown),
        };
        if let Some(kind) = kind {
            let place = self.operation(kind);
            if kind == Kind::Unknown {
                self.incomplete();
            }
            self.retarget(target, if kind == Kind::Delete { Access::Delete } else { Access::Write });
            if matches!(kind, Kind::Update | Kind::Delete) {
                // The join of the MERGE picks the rows.
                self.at(place, |operation| operation.has_where = Some(true));
            }
        }
        self.filter(clause.condition.as_deref(), scope);
        match kind {
            Some(Kind::Insert) => {
                let listed: Vec<&str> = clause.target_list.iter().filter_map(assigned_name).collect();
                self.writes(target, &listed, listed.is_empty());
                let mut row = Stored::new(target, &listed);
                let values = clause
                    .values
                    .iter()
                    .map(|value| Column { name: Name::from(""), flow: self.expression(value, scope) });
                let values = Columns::known(values.collect());
                row.fill(&values);
                stored.join(row);
            }
            _ => stored.take(self.assignments(&clause.target_list, target, scope)),
        }
    }

    /// The table a statement changes, as an entry for its expressions.
    fn changed(&mut self, relation: &RangeVar, scope: &Scope<'_, 'a>, access: Access) -> Entry<'a> {
        self.table(relation, scope, access)
    }

    /// The same table as the target of a nested operation.
    fn retarget(&mut self, entry: &Entry<'a>, access: Access) {
        if let Some(full) = full_of(entry) {
            let (schema, relation) =
                full.split_once('.').map_or((None, &**full), |(schema, relation)| (Some(schema), relation));
            let schema = schema.filter(|schema| *schema != "?").map(Name::from);
            let resolved = !matches!(entry.source, Source::Opaque { .. });
            self.target(crate::sql::tree::Target {
                class: "table",
                name: full.clone(),
                access,
                schema,
                relation: Some(Name::from(relation)),
                column: None,
                resolved,
            });
        }
    }

    /// `SET a = ..., (b, c) = ...`.
    fn assignments(&mut self, targets: &[Node], entry: &Entry<'a>, scope: &Scope<'_, 'a>) -> Vec<(Name, Flow)> {
        let mut assigned = Vec::with_capacity(targets.len());
        let listed: Vec<&str> = targets.iter().filter_map(assigned_name).collect();
        self.writes(entry, &listed, false);
        for target in targets {
            match target.node.as_ref() {
                Some(NodeEnum::ResTarget(target)) => {
                    self.expressions(&target.indirection, scope);
                    let flow = self.optional(target.val.as_deref(), scope);
                    assigned.push((Name::from(target.name.as_str()), flow));
                }
                Some(other) => self.unknown(node_name(other)),
                None => {}
            }
        }
        assigned
    }

    /// Records the columns that are written; all of them where none is named.
    pub fn writes(&mut self, entry: &Entry<'a>, listed: &[&str], all: bool) {
        let Some(full) = full_of(entry) else { return };
        let kin = match &entry.source {
            Source::Base { kin, .. } => kin.clone(),
            _ => Kin::default(),
        };
        for name in listed {
            for written in kin.names(full, name) {
                self.write(written);
            }
        }
        if all {
            match &entry.source {
                Source::Base { columns, .. } => {
                    for name in *columns {
                        for written in kin.names(full, name) {
                            self.write(written);
                        }
                    }
                }
                _ => self.write(Name::from(format!("{full}.*"))),
            }
        }
    }

    fn returning(
        &mut self,
        returning: Option<&ReturningClause>,
        target: Entry<'a>,
        mut scope: Scope<'_, 'a>,
    ) -> Columns {
        scope.entries = vec![target.clone()];
        self.returning_in(returning, &target, scope)
    }

    /// The result of RETURNING, over the tables of the statement and the row before and after.
    fn returning_in(
        &mut self,
        returning: Option<&ReturningClause>,
        target: &Entry<'a>,
        mut scope: Scope<'_, 'a>,
    ) -> Columns {
        let Some(returning) = returning else {
            return Columns::known(Vec::new());
        };
        let mut names =
            [("old", ReturningOptionKind::ReturningOptionOld), ("new", ReturningOptionKind::ReturningOptionNew)]
                .map(|(name, kind)| (name.to_owned(), kind));
        for option in &returning.options {
            if let Some(NodeEnum::ReturningOption(option)) = option.node.as_ref() {
                for (name, kind) in &mut names {
                    if *kind as i32 == option.option {
                        name.clone_from(&option.value);
                    }
                }
            }
        }
        for (name, _) in names {
            let mut entry = Entry { alias: Name::from(name), schema: None, ..target.clone() };
            entry.bare = false;
            scope.entries.push(entry);
        }
        self.target_list(&returning.exprs, &scope)
    }
}

/// What a statement stores in the columns of its table: RETURNING shows it.
#[derive(Default)]
struct Stored {
    /// The columns that a row of values fills, in order.
    order: Vec<Name>,
    values: HashMap<Name, Flow>,
    /// What nobody can place may be in any column.
    anywhere: Option<Flow>,
}

impl Stored {
    fn new(target: &Entry<'_>, listed: &[&str]) -> Self {
        let order = if listed.is_empty() {
            target.columns().list.into_iter().map(|column| column.name).collect()
        } else {
            listed.iter().map(|name| Name::from(*name)).collect()
        };
        Self { order, ..Self::default() }
    }

    fn fill(&mut self, values: &Columns) {
        if !values.complete || values.list.len() > self.order.len() {
            self.anywhere = Some(values.everything().unproven());
            return;
        }
        let named = self.order.iter().cloned().zip(values.list.iter().map(|column| column.flow.clone())).collect();
        self.take(named);
    }

    fn take(&mut self, assigned: Vec<(Name, Flow)>) {
        for (name, flow) in assigned {
            match self.values.get_mut(&name) {
                Some(known) => known.merge(&flow),
                None => {
                    self.values.insert(name, flow);
                }
            }
        }
    }

    fn join(&mut self, other: Self) {
        self.take(other.values.into_iter().collect());
        if let Some(flow) = other.anywhere {
            match &mut self.anywhere {
                Some(known) => known.merge(&flow),
                None => self.anywhere = Some(flow),
            }
        }
    }

    /// The table as RETURNING sees it: each column is itself and what was put into it.
    fn seen<'c>(&self, entry: Entry<'c>) -> Entry<'c> {
        let carries = |flow: &Flow| !flow.origins.is_empty() || !flow.proven;
        if self.anywhere.is_none() && !self.values.values().any(carries) {
            return entry;
        }
        let Some(full) = full_of(&entry).cloned() else { return entry };
        let plain = Entry { renames: Vec::new(), ..entry.clone() };
        let mut columns = plain.columns();
        for column in &mut columns.list {
            for flow in [self.values.get(&column.name), self.anywhere.as_ref()].into_iter().flatten() {
                column.flow.merge(flow);
            }
            if !columns.complete {
                for flow in self.values.values() {
                    column.flow.merge(flow);
                }
            }
        }
        Entry { source: Source::View { full, columns: Rc::new(columns) }, ..entry }
    }
}

/// The full name of the relation behind an entry.
pub fn full_of<'e>(entry: &'e Entry<'_>) -> Option<&'e Name> {
    match &entry.source {
        Source::Base { full, .. } | Source::Opaque { full } | Source::View { full, .. } => Some(full),
        Source::Columns(_) | Source::Open(_) => None,
    }
}

fn assigned_name(node: &Node) -> Option<&str> {
    match node.node.as_ref()? {
        NodeEnum::ResTarget(target) => Some(&target.name),
        _ => None,
    }
}

/// Tables that an expression of a definition (a check, a policy, an index) stands over: one table alone.
pub fn over<'c>(entry: Entry<'c>) -> Scope<'c, 'c> {
    Scope { parent: None, entries: vec![entry], ctes: Rc::default() }
}
