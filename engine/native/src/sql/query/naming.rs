//! The name PostgreSQL gives a result column that has no alias (FigureColname in its parser).

use pg_query::protobuf::{Node, SelectStmt, SubLinkType, TypeName};
use pg_query::NodeEnum;

use crate::sql::names::strings;
use crate::sql::tree::Name;

/// The name of a column without an alias.
pub fn column_name(node: &Node) -> Name {
    Name::from(figure(node).map_or("?column?", |(name, _)| name))
}

/// A name and how strongly it is meant: a cast's type gives way to a real name inside it.
fn figure(node: &Node) -> Option<(&str, u8)> {
    const WEAK: u8 = 1;
    const STRONG: u8 = 2;
    let strong = |name| Some((name, STRONG));
    match node.node.as_ref()? {
        NodeEnum::ColumnRef(column) => {
            strings(&column.fields).into_iter().rev().find(|name| *name != "*").map(|name| (name, STRONG))
        }
        NodeEnum::AIndirection(indirection) => {
            let field = strings(&indirection.indirection).into_iter().rev().find(|name| *name != "*" && *name != "?");
            field.map(|name| (name, STRONG)).or_else(|| indirection.arg.as_deref().and_then(figure))
        }
        NodeEnum::FuncCall(call) => strings(&call.funcname).last().map(|name| (*name, STRONG)),
        NodeEnum::AExpr(expression) if expression.kind == pg_query::protobuf::AExprKind::AexprNullif as i32 => {
            strong("nullif")
        }
        NodeEnum::TypeCast(cast) => {
            let inner = cast.arg.as_deref().and_then(figure);
            match inner {
                Some((_, STRONG)) => inner,
                _ => cast.type_name.as_ref().and_then(type_name).map(|name| (name, WEAK)).or(inner),
            }
        }
        NodeEnum::CollateClause(collate) => collate.arg.as_deref().and_then(figure),
        NodeEnum::GroupingFunc(_) => strong("grouping"),
        NodeEnum::MergeSupportFunc(_) => strong("merge_action"),
        NodeEnum::SubLink(link) => sublink(link.sub_link_type, link.subselect.as_deref()).map(|name| (name, STRONG)),
        NodeEnum::CaseExpr(case) => {
            let inner = case.defresult.as_deref().and_then(figure);
            match inner {
                Some((_, STRONG)) => inner,
                _ => Some(("case", WEAK)),
            }
        }
        NodeEnum::AArrayExpr(_) => strong("array"),
        NodeEnum::RowExpr(_) => strong("row"),
        NodeEnum::CoalesceExpr(_) => strong("coalesce"),
        NodeEnum::MinMaxExpr(minmax) => {
            strong(if minmax.op == pg_query::protobuf::MinMaxOp::IsGreatest as i32 { "greatest" } else { "least" })
        }
        NodeEnum::SqlvalueFunction(function) => strong(sql_value(function.op)),
        NodeEnum::XmlExpr(xml) => xml_name(xml.op).map(|name| (name, STRONG)),
        NodeEnum::XmlSerialize(_) => strong("xmlserialize"),
        NodeEnum::JsonParseExpr(_) => strong("json"),
        NodeEnum::JsonScalarExpr(_) => strong("json_scalar"),
        NodeEnum::JsonSerializeExpr(_) => strong("json_serialize"),
        NodeEnum::JsonObjectConstructor(_) => strong("json_object"),
        NodeEnum::JsonArrayConstructor(_) | NodeEnum::JsonArrayQueryConstructor(_) => strong("json_array"),
        NodeEnum::JsonObjectAgg(_) => strong("json_objectagg"),
        NodeEnum::JsonArrayAgg(_) => strong("json_arrayagg"),
        NodeEnum::JsonFuncExpr(call) => strong(match pg_query::protobuf::JsonExprOp::try_from(call.op) {
            Ok(pg_query::protobuf::JsonExprOp::JsonExistsOp) => "json_exists",
            Ok(pg_query::protobuf::JsonExprOp::JsonQueryOp) => "json_query",
            _ => "json_value",
        }),
        _ => None,
    }
}

fn type_name(name: &TypeName) -> Option<&str> {
    strings(&name.names).last().copied()
}

fn sublink(kind: i32, query: Option<&Node>) -> Option<&str> {
    match SubLinkType::try_from(kind) {
        Ok(SubLinkType::ExistsSublink) => Some("exists"),
        Ok(SubLinkType::ArraySublink) => Some("array"),
        Ok(SubLinkType::ExprSublink) => match query?.node.as_ref()? {
            NodeEnum::SelectStmt(select) => first_column(select),
            _ => None,
        },
        _ => None,
    }
}

fn first_column(select: &SelectStmt) -> Option<&str> {
    match &select.larg {
        Some(left) => first_column(left),
        None => match select.target_list.first()?.node.as_ref()? {
            NodeEnum::ResTarget(target) if !target.name.is_empty() => Some(&target.name),
            NodeEnum::ResTarget(target) => target.val.as_deref().and_then(figure).map(|(name, _)| name),
            _ => None,
        },
    }
}

fn sql_value(op: i32) -> &'static str {
    use pg_query::protobuf::SqlValueFunctionOp as Op;
    match Op::try_from(op) {
        Ok(Op::SvfopCurrentDate) => "current_date",
        Ok(Op::SvfopCurrentTime | Op::SvfopCurrentTimeN) => "current_time",
        Ok(Op::SvfopCurrentTimestamp | Op::SvfopCurrentTimestampN) => "current_timestamp",
        Ok(Op::SvfopLocaltime | Op::SvfopLocaltimeN) => "localtime",
        Ok(Op::SvfopLocaltimestamp | Op::SvfopLocaltimestampN) => "localtimestamp",
        Ok(Op::SvfopCurrentRole) => "current_role",
        Ok(Op::SvfopCurrentUser) => "current_user",
        Ok(Op::SvfopUser) => "user",
        Ok(Op::SvfopSessionUser) => "session_user",
        Ok(Op::SvfopCurrentCatalog) => "current_catalog",
        Ok(Op::SvfopCurrentSchema) => "current_schema",
        _ => "?column?",
    }
}

fn xml_name(op: i32) -> Option<&'static str> {
    use pg_query::protobuf::XmlExprOp as Op;
    match Op::try_from(op) {
        Ok(Op::IsXmlconcat) => Some("xmlconcat"),
        Ok(Op::IsXmlelement) => Some("xmlelement"),
        Ok(Op::IsXmlforest) => Some("xmlforest"),
        Ok(Op::IsXmlparse) => Some("xmlparse"),
        Ok(Op::IsXmlpi) => Some("xmlpi"),
        Ok(Op::IsXmlroot) => Some("xmlroot"),
        Ok(Op::IsXmlserialize) => Some("xmlserialize"),
        _ => None,
    }
}
