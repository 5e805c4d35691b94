//! Walks over the syntax tree that several files need: every query and every expression of a rule.

use regorus::unstable::{Expr, Literal, Query, Rule, RuleHead, Span, WithModifier};

/// Calls `each` with every query of a rule, nested ones too.
pub fn queries(rule: &Rule, each: &mut dyn FnMut(&Query)) {
    walk_rule(rule, &mut |node| {
        if let Node::Query(query) = node {
            each(query);
        }
    });
}

/// Calls `each` with every expression of a rule, nested ones too.
pub fn expressions(rule: &Rule, each: &mut dyn FnMut(&Expr)) {
    walk_rule(rule, &mut |node| {
        if let Node::Expr(expr) = node {
            each(expr);
        }
    });
}

/// Calls `each` with every `with` of a rule.
pub fn modifiers(rule: &Rule, each: &mut dyn FnMut(&WithModifier)) {
    queries(rule, &mut |query| query.stmts.iter().flat_map(|stmt| &stmt.with_mods).for_each(&mut *each));
}

/// Calls `each` with the variables of a pattern: where a function's parameters or a `some ... in` bind what they find.
pub fn variables(pattern: &Expr, each: &mut dyn FnMut(&Span)) {
    match pattern {
        Expr::Var { span, .. } => each(span),
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| variables(item, each)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| variables(value, each)),
        _ => {}
    }
}

enum Node<'a> {
    Query(&'a Query),
    Expr(&'a Expr),
}

fn walk_rule(rule: &Rule, each: &mut dyn FnMut(Node<'_>)) {
    match rule {
        Rule::Default { value, args, .. } => {
            args.iter().for_each(|arg| walk_expr(arg, each));
            walk_expr(value, each);
        }
        Rule::Spec { head, bodies, .. } => {
            match head {
                RuleHead::Compr { refr, assign, .. } => {
                    walk_expr(refr, each);
                    assign.iter().for_each(|assign| walk_expr(&assign.value, each));
                }
                RuleHead::Set { refr, key, .. } => {
                    walk_expr(refr, each);
                    key.iter().for_each(|key| walk_expr(key, each));
                }
                RuleHead::Func { args, assign, .. } => {
                    args.iter().for_each(|arg| walk_expr(arg, each));
                    assign.iter().for_each(|assign| walk_expr(&assign.value, each));
                }
            }
            for body in bodies {
                body.assign.iter().for_each(|assign| walk_expr(&assign.value, each));
                walk_query(&body.query, each);
            }
        }
    }
}

fn walk_query(query: &Query, each: &mut dyn FnMut(Node<'_>)) {
    each(Node::Query(query));
    for stmt in &query.stmts {
        match &stmt.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().for_each(|key| walk_expr(key, each));
                walk_expr(value, each);
                walk_expr(collection, each);
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => walk_expr(expr, each),
            Literal::Every { domain, query, .. } => {
                walk_expr(domain, each);
                walk_query(query, each);
            }
        }
        for modifier in &stmt.with_mods {
            walk_expr(&modifier.refr, each);
            walk_expr(&modifier.r#as, each);
        }
    }
}

fn walk_expr(expr: &Expr, each: &mut dyn FnMut(Node<'_>)) {
    each(Node::Expr(expr));
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| walk_expr(item, each)),
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                walk_expr(key, each);
                walk_expr(value, each);
            }
        }
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            walk_expr(term, each);
            walk_query(query, each);
        }
        Expr::ObjectCompr { key, value, query, .. } => {
            walk_expr(key, each);
            walk_expr(value, each);
            walk_query(query, each);
        }
        Expr::Call { fcn, params, .. } => {
            walk_expr(fcn, each);
            params.iter().for_each(|param| walk_expr(param, each));
        }
        Expr::UnaryExpr { expr, .. } => walk_expr(expr, each),
        Expr::RefDot { refr, .. } => walk_expr(refr, each),
        Expr::RefBrack { refr, index, .. } => {
            walk_expr(refr, each);
            walk_expr(index, each);
        }
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            walk_expr(lhs, each);
            walk_expr(rhs, each);
        }
        Expr::Membership { key, value, collection, .. } => {
            key.iter().for_each(|key| walk_expr(key, each));
            walk_expr(value, each);
            walk_expr(collection, each);
        }
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => {}
    }
}
