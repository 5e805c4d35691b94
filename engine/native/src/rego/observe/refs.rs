//! The references a condition makes, and the names in it, off the syntax tree; what stands in inner queries is theirs.

use regorus::unstable::{Expr, Literal, Query};
use regorus::Value;

use crate::rego::names::{self, Imports};

/// A reference: how it is written, where it begins and the keys from there on as far as they are constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub text: String,
    pub root: Root,
    pub keys: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    Input,
    Local(String),
    /// A rule, by the name it is called by, or data.
    Other,
}

/// Calls `each` with every expression of a literal that is evaluated in the literal's own query.
pub fn own_expressions<'a>(literal: &'a Literal, each: &mut dyn FnMut(&'a Expr)) {
    match literal {
        Literal::SomeVars { .. } => {}
        Literal::SomeIn { collection, .. } => own(collection, each),
        Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => own(expr, each),
        Literal::Every { domain, .. } => own(domain, each),
    }
}

/// Calls `each` with every query right inside of a literal.
pub fn inner_queries<'a>(literal: &'a Literal, each: &mut dyn FnMut(&'a Query)) {
    if let Literal::Every { query, .. } = literal {
        each(query);
    }
    own_expressions(literal, &mut |expr| inner_query(expr, each));
}

/// The query of a comprehension.
pub fn inner_query<'a>(expr: &'a Expr, each: &mut dyn FnMut(&'a Query)) {
    if let Expr::ArrayCompr { query, .. } | Expr::SetCompr { query, .. } | Expr::ObjectCompr { query, .. } = expr {
        each(query);
    }
}

/// An expression and everything in it, references as wholes too; a comprehension, but nothing in it.
pub fn own<'a>(expr: &'a Expr, each: &mut dyn FnMut(&'a Expr)) {
    each(expr);
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| own(item, each)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, key, value)| {
            own(key, each);
            own(value, each);
        }),
        Expr::Call { params, .. } => params.iter().for_each(|param| own(param, each)),
        Expr::UnaryExpr { expr, .. } => own(expr, each),
        Expr::RefDot { refr, .. } => own(refr, each),
        Expr::RefBrack { refr, index, .. } => {
            own(refr, each);
            own(index, each);
        }
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            own(lhs, each);
            own(rhs, each);
        }
        Expr::Membership { key, value, collection, .. } => {
            key.iter().for_each(|key| own(key, each));
            own(value, each);
            own(collection, each);
        }
        Expr::ArrayCompr { .. }
        | Expr::SetCompr { .. }
        | Expr::ObjectCompr { .. }
        | Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => {}
    }
}

/// The names a literal uses, those of functions left out.
pub fn used_names(literal: &Literal) -> Vec<String> {
    let mut found = Vec::new();
    own_expressions(literal, &mut |expr| {
        if let Expr::Var { value, .. } = expr {
            found.extend(names::text(value).filter(|name| name != "_" && !found.contains(name)));
        }
    });
    found
}

/// The references a literal makes, longest only, in the order in which they are written.
pub fn references(literal: &Literal, is_local: &dyn Fn(&str) -> bool, imports: &Imports) -> Vec<Reference> {
    let mut found: Vec<Reference> = Vec::new();
    let mut inside: Vec<*const Expr> = Vec::new();
    own_expressions(literal, &mut |expr| {
        // A reference comes before its beginnings: those are no references of their own.
        if let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = expr {
            inside.push(refr.as_ref());
        }
        if inside.contains(&std::ptr::from_ref(expr)) {
            return;
        }
        if let Some(reference) = reference(expr, is_local, imports) {
            if !found.contains(&reference) {
                found.push(reference);
            }
        }
    });
    found
}

fn reference(expr: &Expr, is_local: &dyn Fn(&str) -> bool, imports: &Imports) -> Option<Reference> {
    let mut keys = Vec::new();
    let mut at = expr;
    let name = loop {
        match at {
            Expr::Var { value, .. } => break names::text(value)?,
            Expr::RefDot { refr, field, .. } => {
                keys.push(Some(field.1.clone()));
                at = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                keys.push(names::constant(index));
                at = refr;
            }
            _ => return None,
        }
    };
    keys.reverse();
    let constant: Vec<Value> = keys.into_iter().map_while(|key| key).collect();
    if name == "_" {
        return None;
    }
    let text = collapsed(expr.span().text(), 120);
    if is_local(&name) {
        return Some(Reference { text, root: Root::Local(name), keys: constant });
    }
    if let Some(path) = imports.input.get(&name) {
        let keys = path.iter().map(|part| Value::from(part.as_str())).chain(constant).collect();
        return Some(Reference { text, root: Root::Input, keys });
    }
    let root = if name == "input" { Root::Input } else { Root::Other };
    Some(Reference { text, root, keys: constant })
}

/// A text on one line, cut where it is long.
pub fn collapsed(text: &str, longest: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    line.chars().take(longest.saturating_sub(3)).chain("...".chars()).collect()
}
