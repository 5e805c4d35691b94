//! SELECT and everything that is one: VALUES, TABLE, set operations, common table expressions, subqueries.

use pg_query::protobuf::{Node, SelectStmt, SetOperation};
use pg_query::NodeEnum;

use super::condition::limits_rows;
use super::flow::Flow;
use super::json::node_name;
use super::naming;
use super::scope::{star, Column, Columns, Scope, MAX_COLUMNS};
use crate::sql::build::{Builder, Place};
use crate::sql::features::Feature;
use crate::sql::kinds::Kind;
use crate::sql::names::strings;
use crate::sql::tree::{Access, Name, Target, Via};

impl<'a> Builder<'a> {
    /// A query in an expression or in FROM: an operation of its own.
    pub fn subquery(&mut self, node: Option<&Node>, outer: &Scope<'_, 'a>) -> Columns {
        match node.and_then(|node| node.node.as_ref()) {
            Some(node) => self.query(node, outer),
            None => Columns::default(),
        }
    }

    /// A statement that can have a result: SELECT, or one that changes rows, with RETURNING.
    pub fn query(&mut self, node: &NodeEnum, outer: &Scope<'_, 'a>) -> Columns {
        match node {
            NodeEnum::SelectStmt(select) => self.select(select, outer),
            NodeEnum::InsertStmt(insert) => self.insert(insert, outer),
            NodeEnum::UpdateStmt(update) => self.update(update, outer),
            NodeEnum::DeleteStmt(delete) => self.delete(delete, outer),
            NodeEnum::MergeStmt(merge) => self.merge(merge, outer),
            other => {
                self.unknown(node_name(other));
                Columns::default()
            }
        }
    }

    /// A SELECT as an operation.
    pub fn select(&mut self, select: &SelectStmt, outer: &Scope<'_, 'a>) -> Columns {
        let locking = !select.locking_clause.is_empty();
        let kind = if leftmost(select).into_clause.is_some() {
            Kind::SelectInto
        } else if locking {
            Kind::SelectForUpdate
        } else {
            Kind::Select
        };
        let place = self.operation(kind);
        if locking {
            self.feature(Feature::LockingClause);
        }
        let columns = self.select_body(select, outer);
        let (has_where, has_limit) = (has_where(select), select.limit_count.is_some());
        self.at(place, |operation| {
            operation.has_where = Some(has_where);
            operation.has_limit = Some(has_limit);
        });
        self.count_writes_inside(place);
        columns
    }

    /// A query that contains a write is no harmless read: its effect is the gravest of them.
    fn count_writes_inside(&mut self, place: Place) {
        if self.quiet > 0 || self.planned || self.behind > 0 {
            return;
        }
        let Some((own, inside)) = self.tree.operations.get_mut(place.operation..).and_then(<[_]>::split_first_mut)
        else {
            return;
        };
        let writes = inside.iter().filter(|nested| {
            matches!(
                nested.kind,
                Kind::Insert | Kind::Update | Kind::Delete | Kind::Merge | Kind::SelectInto | Kind::SelectForUpdate
            )
        });
        if let Some(gravest) = writes.map(|nested| nested.effect).max() {
            own.effect = own.effect.max(gravest);
        }
    }

    /// The parts of a SELECT; both sides of a set operation belong to one operation.
    pub fn select_body(&mut self, select: &SelectStmt, outer: &Scope<'_, 'a>) -> Columns {
        let hands_on = self.hands_on();
        let mut scope = outer.inner();
        self.with_clause(select.with_clause.as_ref(), &mut scope);
        if let (Some(left), Some(right)) = (select.larg.as_deref(), select.rarg.as_deref()) {
            let compares =
                !(select.all && SetOperation::try_from(select.op).is_ok_and(|kind| kind == SetOperation::SetopUnion));
            let left = self.select_body(left, &scope);
            let right = self.select_body(right, &scope);
            let columns = self.set_operation(compares, left, &right);
            self.sort_clause(&select.sort_clause, &columns, &scope);
            self.limits(select, &scope);
            return columns;
        }
        if !select.values_lists.is_empty() {
            let columns = self.values(&select.values_lists, &scope);
            self.sort_clause(&select.sort_clause, &columns, &scope);
            self.limits(select, &scope);
            return columns;
        }
        if let Some(into) = select.into_clause.as_deref() {
            self.selected_into(into.rel.as_ref());
        }
        self.from_clause(&select.from_clause, &mut scope);
        let columns = self.results(&select.target_list, &scope, hands_on);
        self.condition(select.where_clause.as_deref(), &scope);
        self.group_clause(&select.group_clause, &columns, &scope);
        self.filter(select.having_clause.as_deref(), &scope);
        self.filter_each(&select.window_clause, &scope);
        // DISTINCT alone is a list of one empty node and compares the result's columns.
        if select.distinct_clause.iter().any(|node| node.node.is_none()) {
            self.filters(&columns.everything().origins);
        } else {
            self.sort_clause(&select.distinct_clause, &columns, &scope);
        }
        self.sort_clause(&select.sort_clause, &columns, &scope);
        self.limits(select, &scope);
        columns
    }

    fn limits(&mut self, select: &SelectStmt, scope: &Scope<'_, 'a>) {
        self.filter(select.limit_offset.as_deref(), scope);
        self.filter(select.limit_count.as_deref(), scope);
        for clause in &select.locking_clause {
            if let Some(NodeEnum::LockingClause(clause)) = clause.node.as_ref() {
                for relation in &clause.locked_rels {
                    if let Some(NodeEnum::RangeVar(relation)) = relation.node.as_ref() {
                        // The names are those of the query's tables or their aliases.
                        self.target(Target::plain("alias", relation.relname.as_str(), Access::Write));
                    }
                }
            }
        }
    }

    fn selected_into(&mut self, relation: Option<&pg_query::protobuf::RangeVar>) {
        if let Some(relation) = relation {
            let name = self.created_relation(relation);
            self.target(name.target("table", Access::Write));
            self.within(Via::Table, |b| {
                b.operation(Kind::CreateTableAs);
                b.target(name.target("table", Access::Create));
            });
        }
    }

    /// The result columns of a list of expressions.
    pub fn target_list(&mut self, targets: &[Node], scope: &Scope<'_, 'a>) -> Columns {
        self.results(targets, scope, false)
    }

    /// The same of a query; `hands_on`: who uses them reads them.
    fn results(&mut self, targets: &[Node], scope: &Scope<'_, 'a>, hands_on: bool) -> Columns {
        let mut columns = Columns::known(Vec::with_capacity(targets.len().min(MAX_COLUMNS)));
        for target in targets {
            let Some(NodeEnum::ResTarget(target)) = target.node.as_ref() else {
                if let Some(other) = target.node.as_ref() {
                    self.unknown(node_name(other));
                }
                continue;
            };
            let Some(value) = target.val.as_deref() else {
                continue;
            };
            if let Some(expanded) = self.expanded(value, scope, hands_on) {
                columns.complete &= expanded.complete;
                columns.list.extend(expanded.list);
            } else {
                let is_column = matches!(value.node.as_ref(), Some(NodeEnum::ColumnRef(_)));
                let flow = if hands_on && is_column {
                    let flow = self.quietly(|b| b.expression(value, scope));
                    if flow.proven && !flow.derived {
                        self.note_result(&flow, true);
                        flow
                    } else {
                        self.expression(value, scope)
                    }
                } else {
                    self.expression(value, scope)
                };
                let name =
                    if target.name.is_empty() { naming::column_name(value) } else { Name::from(target.name.as_str()) };
                columns.list.push(Column { name, flow });
            }
            if columns.list.len() > MAX_COLUMNS && !self.spend(usize::MAX) {
                return Columns::default();
            }
        }
        columns
    }

    /// `*` and `t.*` as the columns they stand for.
    fn expanded(&mut self, value: &Node, scope: &Scope<'_, 'a>, hands_on: bool) -> Option<Columns> {
        let columns = match value.node.as_ref()? {
            NodeEnum::ColumnRef(reference) => match strings(&reference.fields).as_slice() {
                ["*"] => self.all_columns(scope),
                [path @ .., "*"] => {
                    let (schema, relation) = crate::sql::names::schema_and_name(path);
                    match scope.entry(schema, relation) {
                        Some(entry) => entry.columns(),
                        None => star(super::scope::nowhere(Some(relation), "*")),
                    }
                }
                _ => return None,
            },
            NodeEnum::AIndirection(indirection) if strings(&indirection.indirection).last() == Some(&"*") => {
                // `(composite).*`: columns nobody can list.
                star(self.expression(value, scope).unproven())
            }
            _ => return None,
        };
        if !self.spend(columns.list.len().saturating_add(scope.width())) {
            return Some(Columns::default());
        }
        for column in &columns.list {
            self.note_result(&column.flow, hands_on);
        }
        Some(columns)
    }

    /// Every column in scope; too many to be a result ends the work on this command.
    pub fn all_columns(&mut self, scope: &Scope<'_, 'a>) -> Columns {
        scope.all_columns().unwrap_or_else(|| {
            self.spend(usize::MAX);
            Columns::default()
        })
    }

    pub fn values(&mut self, rows: &[Node], scope: &Scope<'_, 'a>) -> Columns {
        let mut flows: Vec<Vec<Flow>> = Vec::new();
        let mut width = 0_usize;
        for row in rows {
            let Some(NodeEnum::List(row)) = row.node.as_ref() else {
                continue;
            };
            width = width.max(row.items.len());
            for (at, item) in row.items.iter().enumerate() {
                let flow = self.expression(item, scope);
                if flow != Flow::constant() {
                    flows.resize_with(flows.len().max(at.saturating_add(1)), Vec::new);
                    if let Some(column) = flows.get_mut(at) {
                        column.push(flow);
                    }
                }
            }
        }
        let mut flows = flows.into_iter();
        let list = (1..=width.min(MAX_COLUMNS)).map(|number| {
            let parts = flows.next().unwrap_or_default();
            let derived = parts.iter().any(|flow| flow.derived);
            let function = parts.iter().find_map(|flow| flow.function.clone());
            Column {
                name: Name::from(format!("column{number}")),
                flow: Flow { derived, function, ..Flow::gather(parts) },
            }
        });
        Columns::known(list.collect())
    }

    /// UNION and the others put columns together by position; all but UNION ALL compare them.
    fn set_operation(&mut self, compares: bool, left: Columns, right: &Columns) -> Columns {
        let mut columns = if left.complete && right.complete && left.list.len() == right.list.len() {
            let mut columns = left;
            for (column, other) in columns.list.iter_mut().zip(&right.list) {
                column.flow.merge(&other.flow);
            }
            columns
        } else {
            let mut flow = left.everything();
            flow.absorb(right.everything());
            let mut columns = star(flow.unproven());
            if left.complete {
                columns.list = left
                    .list
                    .iter()
                    .map(|column| Column { name: column.name.clone(), flow: columns.everything() })
                    .collect();
            }
            columns
        };
        if columns.list.len() > MAX_COLUMNS {
            columns = Columns::default();
        }
        if compares {
            self.filters(&columns.everything().origins);
        }
        columns
    }

    /// ORDER BY and DISTINCT ON: a bare name or number is a result column, anything else an expression over the tables.
    pub fn sort_clause(&mut self, items: &[Node], columns: &Columns, scope: &Scope<'_, 'a>) {
        for item in items {
            let inner = match item.node.as_ref() {
                Some(NodeEnum::SortBy(sort)) => {
                    self.operator_name(&sort.use_op);
                    sort.node.as_deref()
                }
                _ => Some(item),
            };
            let Some(inner) = inner else { continue };
            match self.result_column(inner, columns) {
                Some(flow) => self.filters(&flow.origins),
                None => self.filter(Some(inner), scope),
            }
        }
    }

    /// GROUP BY: a bare name is a column of the tables first, then of the result; inside ROLLUP and its like as well.
    fn group_clause(&mut self, items: &[Node], columns: &Columns, scope: &Scope<'_, 'a>) {
        for item in items {
            match item.node.as_ref() {
                Some(NodeEnum::GroupingSet(set)) => {
                    self.group_clause(&set.content, columns, scope);
                    continue;
                }
                Some(NodeEnum::RowExpr(row)) => {
                    self.group_clause(&row.args, columns, scope);
                    continue;
                }
                _ => {}
            }
            let is_input = match item.node.as_ref() {
                Some(NodeEnum::ColumnRef(reference)) => match strings(&reference.fields).as_slice() {
                    [name] => self.spend(scope.width()) && scope.bare_column(name).is_some_and(|flow| flow.proven),
                    _ => true,
                },
                _ => false,
            };
            if !is_input {
                if let Some(flow) = self.result_column(item, columns) {
                    self.filters(&flow.origins);
                    if !matches!(item.node.as_ref(), Some(NodeEnum::ColumnRef(_))) {
                        continue;
                    }
                    // Without a catalog it may be either.
                    if scope.entries.is_empty()
                        || self
                            .quietly(|b| b.expression(item, scope))
                            .origins
                            .iter()
                            .all(|origin| origin.starts_with("?.?"))
                    {
                        continue;
                    }
                }
            }
            self.filter(Some(item), scope);
        }
    }

    /// The result column that a bare name or a number means.
    fn result_column(&mut self, node: &Node, columns: &Columns) -> Option<Flow> {
        match node.node.as_ref()? {
            NodeEnum::ColumnRef(reference) => match strings(&reference.fields).as_slice() {
                [name] if self.spend(columns.list.len()) => {
                    columns.list.iter().find(|column| &*column.name == *name).map(|column| column.flow.clone())
                }
                _ => None,
            },
            NodeEnum::AConst(constant) => {
                let Some(pg_query::protobuf::a_const::Val::Ival(number)) = constant.val.as_ref() else {
                    return None;
                };
                self.constant_used();
                if !columns.complete {
                    return Some(columns.everything());
                }
                let at = usize::try_from(number.ival).ok()?.checked_sub(1)?;
                columns.list.get(at).map(|column| column.flow.clone())
            }
            _ => None,
        }
    }
}

fn leftmost(select: &SelectStmt) -> &SelectStmt {
    let mut select = select;
    while let Some(left) = select.larg.as_deref() {
        select = left;
    }
    select
}

/// Whether every side of a query has a WHERE that can leave rows out.
fn has_where(select: &SelectStmt) -> bool {
    let mut pending = vec![select];
    while let Some(select) = pending.pop() {
        match (select.larg.as_deref(), select.rarg.as_deref()) {
            (Some(left), Some(right)) => pending.extend([left, right]),
            _ if !limits_rows(select.where_clause.as_deref()) => return false,
            _ => {}
        }
    }
    true
}
