//! Finds the conditions in the syntax trees and rewrites the texts so that they tell.

use std::collections::{BTreeSet, HashMap, HashSet};

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Query, Rule, RuleHead, Span};

use super::refs::{collapsed, inner_queries, inner_query, own, references, used_names, Reference};
use super::SEEN;
use crate::rego::diagnostic::position;
use crate::rego::names::{self, Imports};
use crate::rego::rules::Rules;
use crate::rego::scope::{inside, of_imports, pattern_names, Scope};
use crate::rego::sources::SourceFile;

const LONGEST_TEXT: usize = 200;

/// A condition, or (`binds`) what gives names their values and may find nothing.
#[derive(Clone, Debug)]
pub struct Place {
    pub file: String,
    pub span: [u32; 4],
    /// The rule's name from `data` on, and the line where this definition of it begins.
    pub rule: String,
    pub rule_line: u32,
    pub text: String,
    /// The condition or binding that this one stands inside of.
    pub parent: Option<usize>,
    pub binds: bool,
    pub negated: bool,
    pub references: Vec<Reference>,
    /// The names whose values it is called with, in order.
    pub locals: Vec<String>,
    /// Rules it refers to, from `data` on.
    pub helpers: Vec<String>,
}

/// All places of all modules, and the rewritten texts.
pub struct Found {
    pub places: Vec<Place>,
    pub files: Vec<SourceFile>,
}

impl Found {
    pub fn in_all(rules: &Rules, files: &[SourceFile]) -> Self {
        let mut siblings: HashMap<&[String], HashSet<String>> = HashMap::new();
        for (module, package) in rules.modules.iter().zip(&rules.packages) {
            let names = module.policy.iter().filter_map(|rule| names::rule(rule).first().cloned());
            siblings.entry(package).or_default().extend(names);
        }
        let none = HashSet::new();
        let mut finder = Finder { places: Vec::new(), insertions: Vec::new() };
        let mut rewritten: HashMap<String, String> = HashMap::new();
        for ((module, package), imports) in rules.modules.iter().zip(&rules.packages).zip(&rules.imports) {
            let around = Around { package, siblings: siblings.get(package.as_slice()).unwrap_or(&none), imports };
            let source = &module.package.span.source;
            module.policy.iter().for_each(|rule| finder.rule(rule, &around));
            let insertions = std::mem::take(&mut finder.insertions);
            rewritten.insert(source.get_path().clone(), inserted(source.get_contents(), insertions));
        }
        let files = files
            .iter()
            .filter_map(|file| rewritten.remove(&file.name).map(|text| SourceFile { name: file.name.clone(), text }));
        Self { places: finder.places, files: files.collect() }
    }
}

struct Around<'a> {
    package: &'a [String],
    siblings: &'a HashSet<String>,
    imports: &'a Imports,
}

struct Finder {
    places: Vec<Place>,
    /// (offset, whether it closes, order among those at one offset, text).
    insertions: Vec<(u32, bool, usize, String)>,
}

/// What surrounds a query.
struct Inside<'a> {
    around: &'a Around<'a>,
    rule: &'a str,
    line: u32,
    parent: Option<usize>,
}

impl Finder {
    fn rule(&mut self, rule: &Rule, around: &Around<'_>) {
        let name = names::rule(rule);
        let Rule::Spec { head, bodies, span } = rule else {
            return;
        };
        if names::is_test(&name) {
            return;
        }
        let full: Vec<String> =
            std::iter::once("data".to_owned()).chain(around.package.iter().cloned()).chain(name).collect();
        let full = names::print(&full);
        let mut scope = of_imports(around.imports);
        let mut outputs: Vec<&Expr> = Vec::new();
        match head {
            RuleHead::Func { args, assign, .. } => {
                let mut bound = Vec::new();
                args.iter().for_each(|arg| pattern_names(arg, &mut bound));
                scope.extend(bound.into_iter().map(|name| (name, None)));
                outputs.extend(assign.iter().map(|assign| assign.value.as_ref()));
            }
            RuleHead::Compr { assign, .. } => outputs.extend(assign.iter().map(|assign| assign.value.as_ref())),
            RuleHead::Set { key, .. } => outputs.extend(key.iter().map(|key| key.as_ref())),
        }
        let inside = Inside { around, rule: &full, line: span.line, parent: None };
        for body in bodies {
            let within = self.query(&body.query, &scope, &inside);
            let value = body.assign.iter().map(|assign| assign.value.as_ref());
            value.chain(outputs.iter().copied()).for_each(|output| self.comprehensions(output, &within, &inside));
            // WHY once: a head is evaluated for each body, but it is written only once.
            outputs.clear();
        }
        outputs.into_iter().for_each(|output| self.comprehensions(output, &scope, &inside));
    }

    fn comprehensions(&mut self, expr: &Expr, scope: &Scope, inside: &Inside<'_>) {
        own(expr, &mut |inner| {
            inner_query(inner, &mut |query| {
                self.query(query, scope, inside);
            });
        });
    }

    /// The conditions of one query, in order; answers the scope inside.
    fn query(&mut self, query: &Query, outer: &Scope, around: &Inside<'_>) -> Scope {
        let scope = inside(query, outer);
        let unbound = declared_without_value(query);
        let mut bound: Vec<String> = Vec::new();
        for stmt in &query.stmts {
            if let Literal::SomeVars { .. } = stmt.literal {
                continue;
            }
            let number = self.place(stmt, &scope, &unbound, &bound, around);
            let within = Inside { parent: number.or(around.parent), ..*around };
            inner_queries(&stmt.literal, &mut |inner| {
                let mut scope = scope.clone();
                if let Literal::Every { key, value, .. } = &stmt.literal {
                    scope.extend(key.iter().chain([value]).map(|name| (name.text().to_owned(), None)));
                }
                self.query(inner, &scope, &within);
            });
            bound.extend(binds(&stmt.literal));
        }
        scope
    }

    fn place(
        &mut self,
        stmt: &LiteralStmt,
        scope: &Scope,
        unbound: &BTreeSet<String>,
        bound: &[String],
        around: &Inside<'_>,
    ) -> Option<usize> {
        if let Literal::Expr { expr, .. } = &stmt.literal {
            names::constant(expr).is_none().then_some(())?;
        }
        let number = self.places.len();
        let used = used_names(&stmt.literal);
        let is_local = |name: &str| scope.contains_key(name) && !around.around.imports.input.contains_key(name);
        let is_named = |name: &str| is_local(name) || !around.around.knows(name);
        let is_open = |name: &String| unbound.contains(name) || (is_named(name) && !is_local(name));
        let binds = is_binding(&stmt.literal)
            || (matches!(stmt.literal, Literal::Expr { .. }) && may_bind(&stmt.literal).iter().any(is_open));
        let mut locals: Vec<String> = bound.to_vec();
        locals.extend(used.into_iter().filter(|name| is_named(name)));
        locals.retain(|name| name != "_");
        let mut seen = HashSet::new();
        locals.retain(|name| seen.insert(name.clone()));
        let whole = Whole::of(&stmt.span);
        if !binds {
            self.insertions.push((whole.start, false, number, format!("{SEEN}({number}, [1 | ")));
            self.insertions.push((whole.end, true, number, format!("], [{}])", locals.join(", "))));
        }
        self.places.push(Place {
            file: stmt.span.source.get_path().clone(),
            span: whole.places,
            rule: around.rule.to_owned(),
            rule_line: around.line,
            text: collapsed(&whole.text, LONGEST_TEXT),
            parent: around.parent,
            binds,
            negated: matches!(stmt.literal, Literal::NotExpr { .. }),
            references: references(&stmt.literal, &is_local, around.around.imports),
            locals,
            helpers: around.around.helpers(&stmt.literal, scope),
        });
        Some(number)
    }
}

impl Around<'_> {
    /// Whether a name stands for something without being bound in a query.
    fn knows(&self, name: &str) -> bool {
        name == "input"
            || name == "data"
            || self.siblings.contains(name)
            || self.imports.input.contains_key(name)
            || self.imports.data.contains_key(name)
    }

    /// The rules a literal refers to or calls.
    fn helpers(&self, literal: &Literal, scope: &Scope) -> Vec<String> {
        let mut found = Vec::new();
        super::refs::own_expressions(literal, &mut |expr| {
            let named = match expr {
                Expr::Call { fcn, .. } => names::static_name(fcn),
                Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => names::static_beginning(expr).0,
                _ => None,
            };
            if let Some(full) = named.and_then(|name| self.full(&name, scope)) {
                let full = names::print(&full);
                if !found.contains(&full) {
                    found.push(full);
                }
            }
        });
        found
    }

    fn full(&self, name: &[String], scope: &Scope) -> Option<Vec<String>> {
        let first = name.first().filter(|first| !scope.contains_key(*first))?;
        if let Some(target) = self.imports.data.get(first) {
            return Some(target.iter().chain(name.get(1..)?).cloned().collect());
        }
        if first == "data" {
            return Some(name.to_vec());
        }
        let own = std::iter::once("data".to_owned()).chain(self.package.iter().cloned());
        self.siblings.contains(first).then(|| own.chain(name.iter().cloned()).collect())
    }
}

fn is_binding(literal: &Literal) -> bool {
    match literal {
        Literal::SomeIn { .. } | Literal::SomeVars { .. } => true,
        Literal::Expr { expr, .. } => matches!(expr.as_ref(), Expr::AssignExpr { op: AssignOp::ColEq, .. }),
        Literal::NotExpr { .. } | Literal::Every { .. } => false,
    }
}

/// The names that an expression would give values to, had they none: those of `=`, and those in brackets.
fn may_bind(literal: &Literal) -> Vec<String> {
    let mut names = Vec::new();
    super::refs::own_expressions(literal, &mut |expr| match expr {
        Expr::RefBrack { index, .. } => pattern_names(index, &mut names),
        Expr::AssignExpr { lhs, rhs, .. } => {
            pattern_names(lhs, &mut names);
            pattern_names(rhs, &mut names);
        }
        _ => {}
    });
    names.retain(|name| name != "_");
    names
}

/// The names a literal gives values to.
fn binds(literal: &Literal) -> Vec<String> {
    let mut names = Vec::new();
    match literal {
        Literal::SomeIn { key, value, .. } => key.iter().chain([value]).for_each(|one| pattern_names(one, &mut names)),
        Literal::Expr { expr, .. } => {
            if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expr.as_ref() {
                pattern_names(lhs, &mut names);
            }
        }
        _ => {}
    }
    names
}

/// The names of `some x, y`: whatever mentions them first gives them their values.
fn declared_without_value(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for stmt in &query.stmts {
        if let Literal::SomeVars { vars, .. } = &stmt.literal {
            names.extend(vars.iter().map(|span| span.text().to_owned()));
        }
    }
    names
}

/// A statement with the quotes at its ends: the tree's spans of strings stand inside of theirs.
struct Whole {
    start: u32,
    end: u32,
    /// Line, column, end line, end column.
    places: [u32; 4],
    text: String,
}

impl Whole {
    fn of(span: &Span) -> Self {
        let contents = span.source.get_contents();
        let offset = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        let is_quote = |byte: Option<&u8>| matches!(byte, Some(b'"' | b'`'));
        let bytes = contents.as_bytes();
        let opens = is_quote(offset(span.start).checked_sub(1).and_then(|before| bytes.get(before)));
        let closes = is_quote(bytes.get(offset(span.end)));
        let start = span.start.saturating_sub(u32::from(opens));
        let end = span.end.saturating_add(u32::from(closes));
        let text = contents.get(offset(start)..offset(end)).unwrap_or_default();
        let ((line, column), (end_line, end_column)) = (position(contents, start), position(contents, end));
        Self { start, end, places: [line, column, end_line, end_column], text: text.to_owned() }
    }
}

/// The text with everything inserted. Where several come at one place, inner ones close before outer ones and open after.
fn inserted(text: &str, mut insertions: Vec<(u32, bool, usize, String)>) -> String {
    insertions.sort_by(|one, other| {
        let order =
            |closes: bool, number: usize| if closes { (0, usize::MAX.saturating_sub(number)) } else { (1, number) };
        one.0.cmp(&other.0).then_with(|| order(one.1, one.2).cmp(&order(other.1, other.2)))
    });
    let mut out = String::with_capacity(text.len().saturating_mul(2));
    let mut done = 0;
    for (at, _, _, new) in insertions {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        out.push_str(text.get(done..at).unwrap_or_default());
        out.push_str(&new);
        done = at;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}
