//! Expressions over XML and SQL/JSON, and what nobody knows.

use pg_query::protobuf::{
    JsonAggConstructor, JsonBehavior, JsonOutput, JsonTable, JsonTableColumn, JsonValueExpr, Node,
};
use pg_query::NodeEnum;

use super::flow::Flow;
use super::scope::{Column, Columns, Scope};
use super::values::Made;
use crate::sql::build::Builder;
use crate::sql::tree::{Name, Via};

impl<'a> Builder<'a> {
    /// The rest of the expressions: documents, and anything unknown.
    pub fn document(&mut self, node: &NodeEnum, scope: &Scope<'_, 'a>) -> Flow {
        match node {
            NodeEnum::XmlExpr(xml) => {
                let mut flow = self.expressions(&xml.args, scope);
                flow.absorb(self.expressions(&xml.named_args, scope));
                flow.derive("xml")
            }
            NodeEnum::XmlSerialize(xml) => {
                let mut flow = self.optional(xml.expr.as_deref(), scope);
                flow.absorb(self.value_of(xml.type_name.as_ref(), Made::Cast));
                flow.derive("xmlserialize")
            }
            NodeEnum::JsonValueExpr(value) => self.json_value(Some(value), scope),
            NodeEnum::JsonKeyValue(pair) => {
                let mut flow = self.optional(pair.key.as_deref(), scope);
                flow.absorb(self.json_value(pair.value.as_deref(), scope));
                flow
            }
            NodeEnum::JsonArgument(argument) => self.json_value(argument.val.as_deref(), scope),
            NodeEnum::JsonIsPredicate(test) => self.optional(test.expr.as_deref(), scope).derive("is json"),
            NodeEnum::JsonParseExpr(parse) => {
                let mut flow = self.json_value(parse.expr.as_deref(), scope);
                flow.absorb(self.json_output(parse.output.as_ref()));
                flow.derive("json")
            }
            NodeEnum::JsonScalarExpr(scalar) => {
                let mut flow = self.optional(scalar.expr.as_deref(), scope);
                flow.absorb(self.json_output(scalar.output.as_ref()));
                flow.derive("json_scalar")
            }
            NodeEnum::JsonSerializeExpr(serialize) => {
                let mut flow = self.json_value(serialize.expr.as_deref(), scope);
                flow.absorb(self.json_output(serialize.output.as_ref()));
                flow.derive("json_serialize")
            }
            NodeEnum::JsonObjectConstructor(object) => {
                let mut flow = self.expressions(&object.exprs, scope);
                flow.absorb(self.json_output(object.output.as_ref()));
                flow.derive("json_object")
            }
            NodeEnum::JsonArrayConstructor(array) => {
                let mut flow = self.expressions(&array.exprs, scope);
                flow.absorb(self.json_output(array.output.as_ref()));
                flow.derive("json_array")
            }
            NodeEnum::JsonArrayQueryConstructor(array) => {
                let mut flow = self.within(Via::Subquery, |b| b.subquery(array.query.as_deref(), scope)).everything();
                flow.absorb(self.json_output(array.output.as_ref()));
                flow.derive("json_array")
            }
            NodeEnum::JsonObjectAgg(aggregate) => {
                let mut flow = match &aggregate.arg {
                    Some(pair) => {
                        let mut flow = self.optional(pair.key.as_deref(), scope);
                        flow.absorb(self.json_value(pair.value.as_deref(), scope));
                        flow
                    }
                    None => Flow::constant(),
                };
                flow.absorb(self.json_aggregate(aggregate.constructor.as_deref(), scope));
                flow.derive("json_objectagg")
            }
            NodeEnum::JsonArrayAgg(aggregate) => {
                let mut flow = self.json_value(aggregate.arg.as_deref(), scope);
                flow.absorb(self.json_aggregate(aggregate.constructor.as_deref(), scope));
                flow.derive("json_arrayagg")
            }
            NodeEnum::JsonFuncExpr(call) => {
                let mut flow = self.json_value(call.context_item.as_deref(), scope);
                flow.absorb(self.json_output(call.output.as_ref()));
                flow.absorb(self.optional(call.pathspec.as_deref(), scope));
                flow.absorb(self.expressions(&call.passing, scope));
                flow.absorb(self.json_behavior(call.on_empty.as_deref(), scope));
                flow.absorb(self.json_behavior(call.on_error.as_deref(), scope));
                flow.derive("json_value")
            }
            NodeEnum::JsonBehavior(behavior) => self.json_behavior(Some(behavior), scope),
            other => {
                self.unknown(node_name(other));
                Flow::unknown()
            }
        }
    }

    fn json_value(&mut self, value: Option<&JsonValueExpr>, scope: &Scope<'_, 'a>) -> Flow {
        let Some(value) = value else {
            return Flow::constant();
        };
        let mut flow = self.optional(value.raw_expr.as_deref(), scope);
        flow.absorb(self.optional(value.formatted_expr.as_deref(), scope));
        flow
    }

    fn json_behavior(&mut self, behavior: Option<&JsonBehavior>, scope: &Scope<'_, 'a>) -> Flow {
        behavior.map_or_else(Flow::constant, |behavior| self.optional(behavior.expr.as_deref(), scope))
    }

    fn json_output(&mut self, output: Option<&JsonOutput>) -> Flow {
        self.value_of(output.and_then(|output| output.type_name.as_ref()), Made::Cast)
    }

    fn json_aggregate(&mut self, aggregate: Option<&JsonAggConstructor>, scope: &Scope<'_, 'a>) -> Flow {
        let Some(aggregate) = aggregate else {
            return Flow::constant();
        };
        let made = self.json_output(aggregate.output.as_ref());
        self.filter(aggregate.agg_filter.as_deref(), scope);
        self.filter_each(&aggregate.agg_order, scope);
        if let Some(window) = aggregate.over.as_deref() {
            self.window(window, scope);
        }
        made
    }

    /// The columns of JSON_TABLE: every one can hold anything of the document.
    pub fn json_table(&mut self, table: &JsonTable, scope: &Scope<'_, 'a>) -> Columns {
        let mut flow = self.json_value(table.context_item.as_deref(), scope);
        flow.absorb(self.expressions(&table.passing, scope));
        flow.absorb(self.json_behavior(table.on_error.as_deref(), scope));
        if let Some(path) = table.pathspec.as_deref() {
            flow.absorb(self.optional(path.string.as_deref(), scope));
        }
        let mut list = Vec::new();
        self.json_columns(&table.columns, &flow.derive("json_table"), scope, &mut list);
        Columns::known(list)
    }

    fn json_columns(&mut self, columns: &[Node], flow: &Flow, scope: &Scope<'_, 'a>, list: &mut Vec<Column>) {
        for column in columns {
            match column.node.as_ref() {
                Some(NodeEnum::JsonTableColumn(column)) => self.json_column(column, flow, scope, list),
                Some(other) => self.unknown(node_name(other)),
                None => {}
            }
        }
    }

    fn json_column(&mut self, column: &JsonTableColumn, flow: &Flow, scope: &Scope<'_, 'a>, list: &mut Vec<Column>) {
        let mut own = flow.clone();
        own.absorb(self.value_of(column.type_name.as_ref(), Made::Cast));
        own.absorb(self.json_behavior(column.on_empty.as_deref(), scope));
        own.absorb(self.json_behavior(column.on_error.as_deref(), scope));
        if column.columns.is_empty() {
            list.push(Column { name: Name::from(column.name.as_str()), flow: own });
        } else {
            self.json_columns(&column.columns, flow, scope, list);
        }
    }
}

/// The name of a node's type, for a problem's message.
pub fn node_name(node: &NodeEnum) -> &'static str {
    // The derived Debug text would print the whole tree; the discriminant's name is enough and cheap.
    match node {
        NodeEnum::ResTarget(_) => "ResTarget",
        NodeEnum::DefElem(_) => "DefElem",
        NodeEnum::RawStmt(_) => "RawStmt",
        NodeEnum::PlassignStmt(_) => "PLAssignStmt",
        NodeEnum::Query(_) => "Query",
        _ => "a node of another kind",
    }
}
