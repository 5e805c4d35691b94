//! Conditions of a WHERE that compare a column for equality with constants: all they tell is whether somebody guessed a value.

use pg_query::protobuf::{AExpr, AExprKind, Node};
use pg_query::NodeEnum;

use super::flow::Flow;
use super::scope::Scope;
use crate::sql::build::Builder;
use crate::sql::names::strings;

impl<'a> Builder<'a> {
    /// A WHERE: its columns are filters, and it is noted which of them are only compared for equality with constants.
    pub fn condition(&mut self, node: Option<&Node>, scope: &Scope<'_, 'a>) {
        match node.and_then(|node| node.node.as_ref()) {
            // NOT as well: that a value is another one tells the same.
            Some(NodeEnum::BoolExpr(all)) => {
                for part in &all.args {
                    self.condition(Some(part), scope);
                }
            }
            Some(NodeEnum::AExpr(test)) if is_equality(test) && !self.is_replaced(test) => {
                let flow = self.compared(|builder| {
                    let column = builder.optional(test.lexpr.as_deref(), scope);
                    let other = builder.optional(test.rexpr.as_deref(), scope);
                    builder.operator_name(&test.name);
                    match (is_plain(&column), is_plain(&other)) {
                        (true, true) => Ok([column.origins, other.origins].concat()),
                        _ => Err([column.origins, other.origins].concat()),
                    }
                });
                match flow {
                    Ok(columns) => self.equals(&columns),
                    Err(columns) => self.filters(&columns),
                }
            }
            _ => self.filter(node, scope),
        }
    }

    /// Whether somebody's own `=` may be meant.
    fn is_replaced(&self, test: &AExpr) -> bool {
        let is_bare = strings(&test.name).len() == 1;
        is_bare && self.catalog.is_some_and(|catalog| catalog.operator_schema("=").is_some())
    }
}

/// Whether it says that a column is equal to a constant, or to one of several.
fn is_equality(test: &AExpr) -> bool {
    let is_column =
        |node: Option<&Node>| matches!(node.and_then(|node| node.node.as_ref()), Some(NodeEnum::ColumnRef(_)));
    let (left, right) = (test.lexpr.as_deref(), test.rexpr.as_deref());
    matches!(strings(&test.name).as_slice(), ["="] | ["pg_catalog", "="])
        && match AExprKind::try_from(test.kind) {
            Ok(AExprKind::AexprOp) => {
                (is_column(left) && is_constant(right)) || (is_constant(left) && is_column(right))
            }
            Ok(AExprKind::AexprIn | AExprKind::AexprOpAny) => is_column(left) && are_constants(right),
            _ => false,
        }
}

/// A constant or a parameter, also one that says of which type it is.
fn is_constant(node: Option<&Node>) -> bool {
    match node.and_then(|node| node.node.as_ref()) {
        Some(NodeEnum::AConst(_) | NodeEnum::ParamRef(_)) => true,
        Some(NodeEnum::TypeCast(cast)) => is_constant(cast.arg.as_deref()),
        _ => false,
    }
}

fn are_constants(node: Option<&Node>) -> bool {
    let all = |nodes: &[Node]| nodes.iter().all(|node| is_constant(Some(node)));
    match node.and_then(|node| node.node.as_ref()) {
        Some(NodeEnum::List(list)) => all(&list.items),
        Some(NodeEnum::AArrayExpr(array)) => all(&array.elements),
        Some(NodeEnum::TypeCast(cast)) => are_constants(cast.arg.as_deref()),
        _ => is_constant(node),
    }
}

/// A column as it is stored, or nothing of the database.
fn is_plain(flow: &Flow) -> bool {
    flow.proven && (!flow.derived || flow.origins.is_empty())
}
