//! Whether a condition can pick some rows and leave others: `WHERE true`, `1 = 1`, `id = id OR ...` cannot.
//!
//! A condition without a column is the same for every row, so it picks all or none: it does not count, whatever its
//! constants are (the answer must not depend on them: verdicts are remembered by the shape of a text). A column compared
//! with itself leaves out only rows where it is NULL, which nobody who asks for a WHERE means.

use pg_query::protobuf::{AExprKind, BoolExprType, Node, SelectStmt};
use pg_query::NodeEnum;

use crate::sql::names::strings;

/// Conditions nested deeper than this are taken at their word.
const DEEPEST: usize = 64;

/// Whether a WHERE clause is there and can leave some rows out.
pub fn limits_rows(condition: Option<&Node>) -> bool {
    condition.is_some_and(|condition| narrows(condition, 0))
}

fn narrows(node: &Node, depth: usize) -> bool {
    let deeper = depth.saturating_add(1);
    if depth > DEEPEST {
        return true;
    }
    match node.node.as_ref() {
        Some(NodeEnum::BoolExpr(expression)) => match BoolExprType::try_from(expression.boolop) {
            // One way in that every row, or none, may take is enough.
            Ok(BoolExprType::OrExpr) => {
                !covers(&expression.args) && expression.args.iter().all(|node| narrows(node, deeper))
            }
            _ => expression.args.iter().any(|node| narrows(node, deeper)),
        },
        Some(NodeEnum::AExpr(expression)) => {
            let (left, right) = (expression.lexpr.as_deref(), expression.rexpr.as_deref());
            let kind = AExprKind::try_from(expression.kind);
            let same = left.zip(right).is_some_and(|(left, right)| match (kind, right.node.as_ref()) {
                (Ok(AExprKind::AexprIn), Some(NodeEnum::List(list))) => {
                    list.items.iter().any(|item| same_column(left, item))
                }
                (Ok(AExprKind::AexprBetween), Some(NodeEnum::List(list))) => {
                    !list.items.is_empty() && list.items.iter().all(|item| same_column(left, item))
                }
                _ => same_column(left, right),
            });
            !same && depends_on_row(node, depth)
        }
        Some(NodeEnum::BooleanTest(test)) => test.arg.as_deref().is_some_and(|node| narrows(node, deeper)),
        Some(NodeEnum::CoalesceExpr(coalesce)) => coalesce.args.first().is_some_and(|node| narrows(node, deeper)),
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().is_some_and(|node| narrows(node, deeper)),
        _ => depends_on_row(node, depth),
    }
}

/// Both are the same column, or the same made of it, written the same way.
fn same_column(left: &Node, right: &Node) -> bool {
    match (left.node.as_ref(), right.node.as_ref()) {
        (Some(NodeEnum::ColumnRef(left)), Some(NodeEnum::ColumnRef(right))) => {
            let (left, right) = (strings(&left.fields), strings(&right.fields));
            // `t.id` and `id` are the same column too, or the statement is refused as ambiguous.
            left.last() == right.last() && (left == right || left.len().min(right.len()) == 1)
        }
        (Some(NodeEnum::TypeCast(left)), Some(NodeEnum::TypeCast(right))) => {
            left.arg.as_deref().zip(right.arg.as_deref()).is_some_and(|(left, right)| same_column(left, right))
        }
        (Some(NodeEnum::FuncCall(left)), Some(NodeEnum::FuncCall(right))) => {
            strings(&left.funcname) == strings(&right.funcname)
                && !left.args.is_empty()
                && left.args.len() == right.args.len()
                && left.args.iter().zip(&right.args).all(|(left, right)| same_column(left, right))
        }
        _ => false,
    }
}

/// Whether an expression needs a row: a column, or a query that may look at tables.
fn depends_on_row(node: &Node, depth: usize) -> bool {
    let deeper = depth.saturating_add(1);
    let any = |nodes: &[Node]| nodes.iter().any(|node| depends_on_row(node, deeper));
    let one = |node: Option<&Node>| node.is_some_and(|node| depends_on_row(node, deeper));
    if depth > DEEPEST {
        return true;
    }
    match node.node.as_ref() {
        None | Some(NodeEnum::AConst(_) | NodeEnum::ParamRef(_) | NodeEnum::SqlvalueFunction(_)) => false,
        Some(NodeEnum::TypeCast(cast)) => one(cast.arg.as_deref()),
        Some(NodeEnum::AExpr(expression)) => one(expression.lexpr.as_deref()) || one(expression.rexpr.as_deref()),
        Some(NodeEnum::BoolExpr(expression)) => any(&expression.args),
        Some(NodeEnum::FuncCall(call)) => any(&call.args),
        Some(NodeEnum::NullTest(test)) => one(test.arg.as_deref()),
        Some(NodeEnum::BooleanTest(test)) => one(test.arg.as_deref()),
        Some(NodeEnum::CoalesceExpr(coalesce)) => any(&coalesce.args),
        Some(NodeEnum::MinMaxExpr(minmax)) => any(&minmax.args),
        Some(NodeEnum::List(list)) => any(&list.items),
        Some(NodeEnum::RowExpr(row)) => any(&row.args),
        Some(NodeEnum::AArrayExpr(array)) => any(&array.elements),
        Some(NodeEnum::CaseExpr(case)) => one(case.arg.as_deref()) || any(&case.args) || one(case.defresult.as_deref()),
        Some(NodeEnum::CaseWhen(when)) => one(when.expr.as_deref()) || one(when.result.as_deref()),
        Some(NodeEnum::SubLink(link)) => match link.subselect.as_deref().and_then(|node| node.node.as_ref()) {
            // A query without tables has its one row whatever row we ask for.
            Some(NodeEnum::SelectStmt(select)) if is_bare(select) => {
                one(link.testexpr.as_deref()) || any(&select.target_list)
            }
            _ => true,
        },
        Some(NodeEnum::ResTarget(target)) => one(target.val.as_deref()),
        Some(_) => true,
    }
}

fn is_bare(select: &SelectStmt) -> bool {
    select.from_clause.is_empty()
        && select.where_clause.is_none()
        && select.having_clause.is_none()
        && select.limit_count.is_none()
        && select.limit_offset.is_none()
        && select.larg.is_none()
        && select.with_clause.is_none()
}

/// `x IS NULL OR x IS NOT NULL`, in any order among others.
fn covers(arguments: &[Node]) -> bool {
    let tests: Vec<(&Node, i32)> = arguments
        .iter()
        .filter_map(|node| match node.node.as_ref()? {
            NodeEnum::NullTest(test) => Some((test.arg.as_deref()?, test.nulltesttype)),
            _ => None,
        })
        .take(32)
        .collect();
    tests
        .iter()
        .any(|(column, kind)| tests.iter().any(|(other, other_kind)| kind != other_kind && same_column(column, other)))
}
