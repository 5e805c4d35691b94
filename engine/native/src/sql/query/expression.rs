//! Expressions: what a value is made of, and every call and subquery on the way.
//!
//! Each function gives the flow of its node and leaves reads, operations and features in the builder. A node type that is
//! not listed here is unknown, never skipped.

use pg_query::protobuf::{
    AExpr, AExprKind, AIndirection, ColumnRef, Node, SubLink, SubLinkType, TypeCast, TypeName, WindowDef,
};
use pg_query::NodeEnum;

use super::arguments::Arguments;
use super::flow::Flow;
use super::scope::{nowhere, Entry, Lookup, Scope};
use crate::sql::build::Builder;
use crate::sql::features::Feature;
use crate::sql::functions::Shape;
use crate::sql::names::{self, strings, Callee};
use crate::sql::tree::{Access, Target, Via};

impl<'a> Builder<'a> {
    /// The flow of an expression.
    pub fn expression(&mut self, node: &Node, scope: &Scope<'_, 'a>) -> Flow {
        match node.node.as_ref() {
            None => Flow::constant(),
            Some(inner) => self.expression_node(inner, scope),
        }
    }

    /// The flow of an expression that may be absent.
    pub fn optional(&mut self, node: Option<&Node>, scope: &Scope<'_, 'a>) -> Flow {
        node.map_or_else(Flow::constant, |node| self.expression(node, scope))
    }

    /// Everything in many expressions.
    pub fn expressions(&mut self, nodes: &[Node], scope: &Scope<'_, 'a>) -> Flow {
        if let [only] = nodes {
            return self.expression(only, scope);
        }
        let flows: Vec<Flow> =
            nodes.iter().map(|node| self.expression(node, scope)).filter(|flow| *flow != Flow::constant()).collect();
        Flow::gather(flows)
    }

    /// An expression that decides which rows or in what order: its columns are filters.
    pub fn filter(&mut self, node: Option<&Node>, scope: &Scope<'_, 'a>) {
        if let Some(node) = node {
            let flow = self.expression(node, scope);
            self.filters(&flow.origins);
        }
    }

    pub fn filter_each(&mut self, nodes: &[Node], scope: &Scope<'_, 'a>) {
        for node in nodes {
            self.filter(Some(node), scope);
        }
    }

    fn expression_node(&mut self, node: &NodeEnum, scope: &Scope<'_, 'a>) -> Flow {
        match node {
            NodeEnum::AConst(_) | NodeEnum::ParamRef(_) | NodeEnum::SetToDefault(_) | NodeEnum::SqlvalueFunction(_) => {
                Flow::constant()
            }
            NodeEnum::AStar(_)
            | NodeEnum::Integer(_)
            | NodeEnum::Float(_)
            | NodeEnum::Boolean(_)
            | NodeEnum::String(_)
            | NodeEnum::BitString(_) => Flow::constant(),
            NodeEnum::ColumnRef(column) => self.column(column, scope),
            NodeEnum::AExpr(expression) => self.operator(expression, scope),
            NodeEnum::BoolExpr(expression) => self.expressions(&expression.args, scope).derive("boolean"),
            NodeEnum::NullTest(test) => self.optional(test.arg.as_deref(), scope).derive("is null"),
            NodeEnum::BooleanTest(test) => self.optional(test.arg.as_deref(), scope).derive("is true"),
            NodeEnum::FuncCall(call) => self.call(call, scope),
            NodeEnum::TypeCast(cast) => {
                let mut flow = self.optional(cast.arg.as_deref(), scope);
                flow.absorb(self.cast_calls(cast));
                // A constant is read when the text is, so that nothing can depend on it later.
                if flow == Flow::constant() && is_read_at_once(cast) {
                    flow
                } else {
                    flow.derive(&cast_name(cast.type_name.as_ref()))
                }
            }
            NodeEnum::CollateClause(collate) => self.optional(collate.arg.as_deref(), scope).derive("collate"),
            NodeEnum::CaseExpr(case) => {
                let mut flow = self.optional(case.arg.as_deref(), scope);
                if case.arg.is_some() {
                    self.implied_operators(&["="]);
                }
                flow.absorb(self.expressions(&case.args, scope));
                flow.absorb(self.optional(case.defresult.as_deref(), scope));
                flow.derive("case")
            }
            NodeEnum::CaseWhen(when) => {
                let mut flow = self.optional(when.expr.as_deref(), scope);
                flow.absorb(self.optional(when.result.as_deref(), scope));
                flow
            }
            NodeEnum::CoalesceExpr(coalesce) => self.coalesce(&coalesce.args, scope),
            NodeEnum::MinMaxExpr(minmax) => self.expressions(&minmax.args, scope).derive("greatest"),
            NodeEnum::RowExpr(row) => self.row(&row.args, scope),
            NodeEnum::AArrayExpr(array) => self.expressions(&array.elements, scope).derive("array"),
            NodeEnum::List(list) => self.expressions(&list.items, scope),
            NodeEnum::SubLink(link) => self.sublink(link, scope),
            NodeEnum::AIndirection(indirection) => self.indirection(indirection, scope),
            NodeEnum::AIndices(indices) => {
                let mut flow = self.optional(indices.lidx.as_deref(), scope);
                flow.absorb(self.optional(indices.uidx.as_deref(), scope));
                flow
            }
            NodeEnum::GroupingFunc(grouping) => {
                let flow = self.expressions(&grouping.args, scope);
                self.filters(&flow.origins);
                Flow::constant().derive("grouping")
            }
            NodeEnum::GroupingSet(set) => self.expressions(&set.content, scope),
            NodeEnum::NamedArgExpr(argument) => self.optional(argument.arg.as_deref(), scope),
            NodeEnum::ResTarget(target) => self.optional(target.val.as_deref(), scope),
            NodeEnum::SortBy(sort) => {
                self.operator_name(&sort.use_op);
                self.optional(sort.node.as_deref(), scope)
            }
            NodeEnum::MultiAssignRef(multi) => self.optional(multi.source.as_deref(), scope),
            NodeEnum::MergeSupportFunc(_) => Flow::constant().derive("merge_action"),
            NodeEnum::CurrentOfExpr(current) => {
                self.target(Target::plain("cursor", current.cursor_name.as_str(), Access::Read));
                Flow::constant()
            }
            NodeEnum::WindowDef(window) => {
                self.window(window, scope);
                Flow::constant()
            }
            other => self.document(other, scope),
        }
    }

    /// A reference to a column, a table's row, or something that is neither.
    fn column(&mut self, reference: &ColumnRef, scope: &Scope<'_, 'a>) -> Flow {
        if !self.spend(scope.width()) {
            return Flow::unknown();
        }
        let parts = strings(&reference.fields);
        let flow = match parts.as_slice() {
            ["*"] => self.all_columns(scope).everything().derive("row"),
            [name] => self.bare_name(name, scope),
            [path @ .., "*"] => {
                let (schema, relation) = names::schema_and_name(path);
                self.whole_row(schema, relation, scope)
            }
            [path @ .., name] => {
                let (schema, relation) = names::schema_and_name(path);
                self.qualified(schema, relation, name, scope)
            }
            [] => Flow::unknown(),
        };
        self.note_reads(&flow);
        flow
    }

    pub fn note_reads(&mut self, flow: &Flow) {
        if self.spend(flow.origins.len()) {
            for origin in &flow.origins {
                self.read(origin);
            }
        }
    }

    fn bare_name(&mut self, name: &str, scope: &Scope<'_, 'a>) -> Flow {
        let column = scope.bare_column(name);
        if let Some(flow) = column.as_ref().filter(|flow| flow.proven) {
            return flow.clone();
        }
        // A table's name alone is its whole row, unless a column has that name. Where nobody knows the columns, it may be both.
        match (column, scope.entry(None, name)) {
            (Some(mut flow), Some(entry)) if !is_listed(entry, name) => {
                let row = entry.everything();
                self.feature(Feature::WholeRow);
                flow.merge(&row);
                flow.derive("row").unproven()
            }
            (Some(flow), _) => flow,
            (None, Some(entry)) => {
                let row = entry.everything();
                self.feature(Feature::WholeRow);
                row.derive("row")
            }
            (None, None) => nowhere(None, name),
        }
    }

    fn whole_row(&mut self, schema: Option<&str>, relation: &str, scope: &Scope<'_, 'a>) -> Flow {
        self.feature(Feature::WholeRow);
        match scope.entry(schema, relation) {
            Some(entry) => entry.everything().derive("row"),
            None => nowhere(Some(relation), "*").derive("row"),
        }
    }

    fn qualified(&mut self, schema: Option<&str>, relation: &str, name: &str, scope: &Scope<'_, 'a>) -> Flow {
        let Some(entry) = scope.entry(schema, relation) else {
            return nowhere(Some(relation), name);
        };
        match entry.column(name) {
            Lookup::Found(flow) | Lookup::Maybe(flow) => flow,
            Lookup::No => {
                // `table.f` without a column f calls the function f with the row.
                let row = entry.everything();
                self.feature(Feature::WholeRow);
                self.named_call(&[name], 1, Arguments::none());
                row.derive(name).unproven()
            }
        }
    }

    /// A row of values; `t.*` inside spreads a table.
    fn row(&mut self, items: &[Node], scope: &Scope<'_, 'a>) -> Flow {
        self.expressions(items, scope).derive("row")
    }

    /// Whether what stands behind the first is worked out depends on it: a query there tells so by giving two rows.
    fn coalesce(&mut self, arguments: &[Node], scope: &Scope<'_, 'a>) -> Flow {
        let (first, others) = arguments.split_at_checked(1).unwrap_or((arguments, &[]));
        let mut flow = self.expressions(first, scope);
        let before = self.subqueries;
        flow.absorb(self.expressions(others, scope));
        let flow = if self.subqueries > before { flow.derive("subquery") } else { flow };
        flow.derive("coalesce")
    }

    fn operator(&mut self, expression: &AExpr, scope: &Scope<'_, 'a>) -> Flow {
        let mut flow = self.optional(expression.lexpr.as_deref(), scope);
        flow.absorb(self.optional(expression.rexpr.as_deref(), scope));
        self.operator_name(&expression.name);
        let operator = match AExprKind::try_from(expression.kind) {
            Ok(AExprKind::AexprNullif) => "nullif".to_owned(),
            _ => format!("op:{}", strings(&expression.name).join(".")),
        };
        let is_worked_out_at_once =
            [&expression.lexpr, &expression.rexpr].into_iter().all(|side| is_constant(side.as_deref()));
        if flow == Flow::constant() && is_worked_out_at_once {
            flow
        } else {
            flow.derive(&operator)
        }
    }

    /// An operator that is not PostgreSQL's own calls a function nobody knows.
    pub fn operator_name(&mut self, name: &[Node]) {
        let parts = strings(name);
        let (schema, operator) = names::schema_and_name(&parts);
        if parts.is_empty() {
            return;
        }
        if let Some(implied) = operators_of_word(operator).filter(|_| matches!(schema, None | Some("pg_catalog"))) {
            self.implied_operators(implied);
            return;
        }
        let own = matches!(schema, None | Some("pg_catalog")) && names::is_system_operator(operator);
        if own && schema.is_none() {
            self.implied_operators(&[operator]);
        }
        if !own {
            self.feature(Feature::CustomOperator);
            self.unknown_call(names::full_name(schema, operator), "operator");
        }
    }

    /// Operators of PostgreSQL that are used by name without being written. Somebody's of the same name may fit the types
    /// better, wherever its schema stands in the path.
    pub fn implied_operators(&mut self, operators: &[&str]) {
        for operator in operators {
            if let Some(schema) = self.catalog.and_then(|catalog| catalog.operator_schema(operator)) {
                self.feature(Feature::CustomOperator);
                self.unknown_call(names::full_name(Some(schema), operator), "operator");
            }
        }
    }

    fn sublink(&mut self, link: &SubLink, scope: &Scope<'_, 'a>) -> Flow {
        if SubLinkType::try_from(link.sub_link_type) == Ok(SubLinkType::ExistsSublink) {
            self.hand_on(link.subselect.as_deref());
        }
        let test = self.optional(link.testexpr.as_deref(), scope);
        self.subqueries = self.subqueries.saturating_add(1);
        self.operator_name(&link.oper_name);
        if link.oper_name.is_empty() && link.testexpr.is_some() {
            // IN
            self.implied_operators(&["="]);
        }
        let columns = self.within(Via::Subquery, |b| b.subquery(link.subselect.as_deref(), scope));
        let mut flow = match SubLinkType::try_from(link.sub_link_type) {
            Ok(SubLinkType::ExistsSublink) => {
                self.computes(&columns);
                return Flow::constant().derive("exists");
            }
            Ok(SubLinkType::ExprSublink) => match columns.list.as_slice() {
                [only] => return only.flow.clone(),
                _ => columns.everything(),
            },
            _ => columns.everything(),
        };
        flow.absorb(test);
        flow.derive(if SubLinkType::try_from(link.sub_link_type) == Ok(SubLinkType::ArraySublink) {
            "array"
        } else {
            "subquery"
        })
    }

    fn indirection(&mut self, indirection: &AIndirection, scope: &Scope<'_, 'a>) -> Flow {
        let steps = self.expressions(&indirection.indirection, scope);
        let fields = strings(&indirection.indirection);
        let argument = indirection.arg.as_deref();
        if let (Some(NodeEnum::ColumnRef(reference)), Some(field)) =
            (argument.and_then(|arg| arg.node.as_ref()), fields.first())
        {
            if let Some(flow) = self.field_of_row(reference, field, scope) {
                // Further steps go into a value of its own type.
                return if fields.len() > 1 { flow.derive("field") } else { flow };
            }
        }
        let mut flow = self.optional(argument, scope);
        flow.absorb(steps);
        let known = argument.and_then(|node| node.node.as_ref()).map_or(&[][..], |node| self.fields_of_call(node));
        for field in fields.iter().filter(|field| !matches!(**field, "*" | names::UNKNOWN) && !known.contains(field)) {
            self.field_or_call(field);
        }
        flow.derive("field")
    }

    /// The columns that a call of one of PostgreSQL's own functions gives.
    fn fields_of_call(&self, node: &NodeEnum) -> &'static [&'static str] {
        let NodeEnum::FuncCall(call) = node else {
            return &[];
        };
        let parts = strings(&call.funcname);
        let (schema, name) = names::schema_and_name(&parts);
        match names::function(self.catalog, schema, name, Some(call.args.len())) {
            Callee::Builtin(_, fact) => match &fact.shape {
                Shape::Columns(columns) => columns,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// `(value).name` is a field of a composite value, or calls the function of that name with it. Only a catalog that lists
    /// functions can rule out the second.
    fn field_or_call(&mut self, field: &str) {
        let listed = self
            .catalog
            .is_some_and(|catalog| catalog.search_path.iter().all(|schema| catalog.function(schema, field).is_ok()));
        if !(listed && matches!(names::function(self.catalog, None, field, Some(1)), Callee::Unknown(_))) {
            self.named_call(&[field], 1, Arguments::none());
        }
    }

    /// `(t).column`, where t is a table and not a column: the column itself.
    fn field_of_row(&mut self, reference: &ColumnRef, field: &str, scope: &Scope<'_, 'a>) -> Option<Flow> {
        let parts = strings(&reference.fields);
        let [relation] = parts.as_slice() else {
            return None;
        };
        if field == "*"
            || field == names::UNKNOWN
            || !self.spend(scope.width())
            || scope.bare_column(relation).is_some_and(|flow| flow.proven)
        {
            return None;
        }
        match scope.entry(None, relation)?.column(field) {
            Lookup::Found(flow) | Lookup::Maybe(flow) => {
                self.note_reads(&flow);
                Some(flow)
            }
            Lookup::No => {
                // No such column, so it is a call with the whole row.
                let full = names::full_name(None, field);
                if matches!(names::function(self.catalog, None, field, Some(1)), Callee::Unknown(_)) {
                    self.unknown_call(full, "function");
                }
                None
            }
        }
    }

    /// The type of a cast or a column: recorded when it is a user's.
    pub fn type_name(&mut self, name: Option<&TypeName>) {
        let Some(name) = name else { return };
        let parts = strings(&name.names);
        let (schema, word) = names::schema_and_name(&parts);
        if matches!(schema, None | Some("pg_catalog")) && (names::is_system_type(word) || is_pseudo_type(word)) {
            return;
        }
        let schema = schema.or_else(|| self.type_schema(word));
        let full = names::full_name(schema, word);
        let resolved =
            schema.is_some_and(|schema| self.catalog.is_some_and(|catalog| catalog.has_type(schema, word) == Ok(true)));
        self.target(Target { schema: schema.map(Into::into), resolved, ..Target::plain("type", full, Access::Read) });
    }

    pub fn type_schema(&self, word: &str) -> Option<&'a str> {
        let catalog = self.catalog?;
        catalog.search_path.iter().map(|schema| &**schema).find(|schema| catalog.has_type(schema, word) == Ok(true))
    }

    pub fn window(&mut self, window: &WindowDef, scope: &Scope<'_, 'a>) {
        self.filter_each(&window.partition_clause, scope);
        self.filter_each(&window.order_clause, scope);
        self.filter(window.start_offset.as_deref(), scope);
        self.filter(window.end_offset.as_deref(), scope);
    }
}

/// Whether a table certainly has a column of this name.
fn is_listed(entry: &Entry<'_>, name: &str) -> bool {
    matches!(entry.column(name), Lookup::Found(_))
}

/// A cast as it stands in `calls`.
fn cast_name(name: Option<&TypeName>) -> String {
    let parts = name.map(|name| strings(&name.names)).unwrap_or_default();
    let parts = if let ["pg_catalog", rest @ ..] = parts.as_slice() { rest } else { &parts };
    let array = if name.is_some_and(|name| !name.array_bounds.is_empty()) { "[]" } else { "" };
    format!("cast:{}{array}", parts.join("."))
}

/// What stands for an operator that the grammar spells as words (IN, LIKE become `=`, `~~`, but BETWEEN keeps its word).
fn operators_of_word(operator: &str) -> Option<&'static [&'static str]> {
    match operator {
        "BETWEEN" | "NOT BETWEEN" | "BETWEEN SYMMETRIC" | "NOT BETWEEN SYMMETRIC" => Some(&["<", "<=", ">", ">="]),
        _ => None,
    }
}

/// A constant, or an operator over constants where it has no flow: worked out before anything runs.
fn is_constant(node: Option<&Node>) -> bool {
    matches!(node.and_then(|node| node.node.as_ref()), None | Some(NodeEnum::AConst(_) | NodeEnum::AExpr(_)))
}

/// A cast of a constant to a type of PostgreSQL's own.
fn is_read_at_once(cast: &TypeCast) -> bool {
    let parts = cast.type_name.as_ref().map(|name| strings(&name.names)).unwrap_or_default();
    let (schema, word) = names::schema_and_name(&parts);
    matches!(cast.arg.as_deref().and_then(|node| node.node.as_ref()), Some(NodeEnum::AConst(_)))
        && matches!(schema, None | Some("pg_catalog"))
        && (names::is_system_type(word) || is_pseudo_type(word))
}

/// Words that stand for types without being in the catalogue of base types.
fn is_pseudo_type(word: &str) -> bool {
    matches!(
        word,
        "serial" | "bigserial" | "smallserial" | "serial2" | "serial4" | "serial8" | "interval" | "refcursor"
    )
}
