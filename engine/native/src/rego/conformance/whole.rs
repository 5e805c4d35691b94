//! References to a package, or to rules that share a path with data or with rules below them: what regorus answers
//! otherwise than OPA, or not at all. Each becomes a rule of a module that we add, which puts the document together: every
//! rule below the path, every piece of data below it, and an empty object where a package has no rules.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use regorus::unstable::{Expr, Module, Ref, Rule, RuleHead, Span};
use regorus::Value;

use super::edits::Edits;
use super::keywords::PREFIX;
use super::query;
use crate::rego::names::{self, Imports, Name};
use crate::rego::own::documents::BUILTIN;
use crate::rego::rules::{full, Rules};
use crate::rego::sources::SourceFile;
use crate::rego::visit;

const PACKAGE: &str = "sallyport_whole";

/// What there is below `data`, by path.
struct Tree<'a> {
    rules: &'a Rules,
    data: &'a Value,
    /// Paths above a rule and names of packages: what is an object whose fields are rules.
    folders: BTreeSet<Name>,
    /// Rules that lie below no other rule.
    tops: BTreeSet<&'a Name>,
    /// Of these, the ones with rules below them, or with a variable in the middle of their head.
    wide: HashSet<&'a Name>,
    /// Paths below data that a `with` replaces.
    replaced: BTreeSet<Name>,
}

fn is_ours(name: &[String]) -> bool {
    name.get(1).is_some_and(|package| package == PACKAGE || package == query::PACKAGE)
}

impl<'a> Tree<'a> {
    fn new(rules: &'a Rules, data: &'a Value) -> Self {
        let mut folders = BTreeSet::new();
        let mut above = |name: &[String], own: bool| {
            let to = name.len().saturating_add(usize::from(own));
            folders.extend((1..to).filter_map(|length| name.get(..length)).map(<[String]>::to_vec));
        };
        let mut tops: BTreeSet<&Name> = BTreeSet::new();
        let mut wide = HashSet::new();
        rules
            .packages
            .iter()
            .map(|package| full(package))
            .filter(|name| !is_ours(name))
            .for_each(|name| above(&name, true));
        // A name sorts before everything below it.
        for (name, definitions) in rules.groups.iter().filter(|(name, _)| !is_ours(name)) {
            match tops.last().copied().filter(|top| name.starts_with(top)) {
                Some(top) => {
                    wide.insert(top);
                }
                None => {
                    tops.insert(name);
                    above(name, false);
                }
            }
            if definitions.iter().any(|definition| !has_plain_head(&definition.rule)) {
                wide.extend(tops.last().copied());
            }
        }
        let mut replaced = BTreeSet::new();
        for (definition, imports) in rules
            .groups
            .values()
            .flatten()
            .filter_map(|one| rules.imports.get(one.module).map(|imports| (one, imports)))
        {
            visit::modifiers(&definition.rule, &mut |modifier| {
                replaced.extend(names::static_name(&modifier.refr).map(|name| absolute(name, imports)));
            });
        }
        Self { rules, data, folders, tops, wide, replaced }
    }

    fn base(&self, name: &[String]) -> Option<&Value> {
        name.iter().skip(1).try_fold(self.data, |at, part| {
            at.as_object().ok().and_then(|fields| fields.get(&Value::from(part.as_str())))
        })
    }

    /// The path in front of a reference that has to become a rule of ours.
    fn concerned(&self, name: &[String], is_whole: bool) -> Option<Name> {
        // What a `with` replaces must stay under its own name.
        if is_ours(name) || self.replaced.iter().any(|path| name.starts_with(path)) {
            return None;
        }
        if let Some(top) =
            (1..name.len()).filter_map(|length| name.get(..length)).find(|path| self.wide.contains(&path.to_vec()))
        {
            return Some(top.to_vec());
        }
        if self.tops.iter().any(|top| name.starts_with(top)) {
            return None;
        }
        if self.folders.contains(name) {
            return Some(name.to_vec());
        }
        // WHY: regorus looks for rules only, not for data, below a package when a variable follows.
        let leaf =
            (2..=name.len()).filter_map(|length| name.get(..length)).find(|path| !self.folders.contains(*path))?;
        (!is_whole && leaf.len() > 2 && self.base(leaf).is_some()).then(|| leaf.to_vec())
    }

    /// The expression for the document at `name`.
    fn document(&self, name: &Name) -> String {
        if !self.folders.contains(name) {
            return names::print(name);
        }
        let (mut folders, mut leaves) = (Vec::new(), Vec::new());
        self.below(name, name.len(), &mut folders, &mut leaves);
        let leaves: Vec<String> = leaves
            .iter()
            .enumerate()
            .map(|(at, leaf)| {
                let path = shown(leaf.get(name.len()..).unwrap_or_default());
                format!("[{path}, {{v{at} | v{at} = {}}}]", names::print(leaf))
            })
            .collect();
        format!("{BUILTIN}([{}], [{}])", folders.join(", "), leaves.join(", "))
    }

    /// Folders and leaves below `name`, rules after data so that they win.
    fn below(&self, name: &[String], from: usize, folders: &mut Vec<String>, leaves: &mut Vec<Name>) {
        folders.push(shown(name.get(from..).unwrap_or_default()));
        let mut fields: BTreeSet<String> = BTreeSet::new();
        if let Some(Value::Object(base)) = self.base(name) {
            fields.extend(base.keys().filter_map(names::text));
        }
        let next = |path: &[String]| path.starts_with(name).then(|| path.get(name.len()).cloned()).flatten();
        fields.extend(self.folders.iter().filter_map(|path| next(path)));
        fields.extend(self.tops.iter().filter_map(|path| next(path)));
        fields.extend(self.replaced.iter().filter_map(|path| next(path)));
        for field in fields {
            let mut path = name.to_vec();
            path.push(field);
            if self.folders.contains(&path) {
                self.below(&path, from, folders, leaves);
            } else if !self.is_function(&path) && !is_ours(&path) {
                leaves.push(path);
            }
        }
    }

    fn is_function(&self, name: &Name) -> bool {
        self.rules.groups.get(name).is_some_and(|definitions| {
            definitions.iter().any(|definition| match definition.rule.as_ref() {
                Rule::Default { args, .. } => !args.is_empty(),
                Rule::Spec { head, .. } => matches!(head, RuleHead::Func { .. }),
            })
        })
    }
}

/// A path as a list of strings, with renamed keywords under their own name.
fn shown(path: &[String]) -> String {
    let parts: Vec<String> =
        path.iter().map(|part| Value::from(part.strip_prefix(PREFIX).unwrap_or(part)).to_string()).collect();
    format!("[{}]", parts.join(", "))
}

fn has_plain_head(rule: &Rule) -> bool {
    match (rule, names::head(rule)) {
        (Rule::Spec { head: RuleHead::Compr { .. }, .. }, Expr::RefBrack { refr, .. }) => {
            names::static_name(refr).is_some()
        }
        (_, head) => names::static_name(head).is_some(),
    }
}

fn absolute(name: Name, imports: &Imports) -> Name {
    match name.first().and_then(|first| imports.data.get(first)) {
        Some(path) => path.iter().cloned().chain(name.into_iter().skip(1)).collect(),
        None => name,
    }
}

/// The files with such references replaced, and the module of the documents; None where there are none.
pub fn rewrite(files: &[SourceFile], rules: &Rules, data: &Value) -> Option<Vec<SourceFile>> {
    let tree = Tree::new(rules, data);
    let mut documents: BTreeMap<Name, usize> = BTreeMap::new();
    let mut out: Vec<SourceFile> = Vec::new();
    for (number, (file, module)) in files.iter().zip(&rules.modules).enumerate() {
        let mut edits = Edits::default();
        for (path, span) in references(module, &tree, number) {
            let next = documents.len();
            let place = *documents.entry(path).or_insert(next);
            edits.replace(span.start, span.end, format!("data.{PACKAGE}.w{place}"));
        }
        out.push(SourceFile { name: file.name.clone(), text: edits.apply(&file.text) });
    }
    if documents.is_empty() {
        return None;
    }
    let mut text = format!("package {PACKAGE}\n");
    for (path, place) in &documents {
        text.push_str(&format!("\nw{place} = {}\n", tree.document(path)));
    }
    out.push(SourceFile { name: "whole.rego".to_owned(), text });
    Some(out)
}

/// The beginnings of references in a module to replace, with the path of the document they mean.
fn references(module: &Ref<Module>, tree: &Tree<'_>, number: usize) -> Vec<(Name, Span)> {
    let (package, none) =
        (tree.rules.packages.get(number).map(|one| full(one)).unwrap_or_default(), Imports::default());
    let imports = tree.rules.imports.get(number).unwrap_or(&none);
    let mut found = Vec::new();
    for rule in &module.policy {
        // Seen from its outermost expression on; the inner ones begin at the same place.
        let mut seen: HashSet<u32> = HashSet::from([names::head(rule).span().start]);
        visit::modifiers(rule, &mut |modifier| {
            seen.insert(modifier.refr.span().start);
        });
        visit::expressions(rule, &mut |expr| {
            if !matches!(expr, Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. })
                || !seen.insert(start(expr))
            {
                return;
            }
            let (Some(name), is_whole) = names::static_beginning(expr) else {
                return;
            };
            let (name, shift) = resolve(name, &package, imports, tree);
            if name.first().is_none_or(|first| first != "data") {
                return;
            }
            if let Some(path) = tree.concerned(&name, is_whole) {
                let parts = path.len().saturating_sub(shift);
                found.extend(beginning(expr, parts).map(|span| (path, span)));
            }
        });
    }
    found
}

/// Where a reference begins: the spans of brackets begin after what stands before them.
fn start(expr: &Expr) -> u32 {
    let mut at = expr;
    while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = at {
        at = refr;
    }
    at.span().start
}

/// A name from `data` on, and how many parts longer it is than what is written.
fn resolve(name: Name, package: &Name, imports: &Imports, tree: &Tree<'_>) -> (Name, usize) {
    let written = name.len();
    let first = name.first().cloned().unwrap_or_default();
    let longer = if first == "data" || first == "input" {
        name
    } else if imports.data.contains_key(&first) {
        absolute(name, imports)
    } else {
        let own: Name = package.iter().cloned().chain(name.iter().cloned()).collect();
        let field: Name = package.iter().cloned().chain(std::iter::once(first)).collect();
        let is_rule = tree.folders.contains(&field) && !tree.rules.packages.iter().any(|one| full(one) == field)
            || tree.wide.contains(&field);
        if is_rule {
            own
        } else {
            name
        }
    };
    let shift = longer.len().saturating_sub(written);
    (longer, shift)
}

/// The span of the first `parts` parts of a reference.
fn beginning(expr: &Expr, parts: usize) -> Option<Span> {
    if parts == 0 {
        return None;
    }
    let mut at = expr;
    loop {
        if names::static_name(at).is_some_and(|name| name.len() == parts) {
            let mut span = at.span().clone();
            span.start = start(at);
            return Some(span);
        }
        match at {
            Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => at = refr,
            _ => return None,
        }
    }
}

/// Numbers as keys into data that is an object: OPA takes them for their text.
pub fn numbers(file: &SourceFile, module: &Ref<Module>, data: &Value) -> SourceFile {
    let mut edits = Edits::default();
    for rule in &module.policy {
        visit::expressions(rule, &mut |expr| {
            let Expr::RefBrack { refr, index, .. } = expr else {
                return;
            };
            let (Expr::Number { span, .. }, Some(name)) = (index.as_ref(), names::static_name(refr)) else {
                return;
            };
            let is_data = name.first().is_some_and(|first| first == "data");
            let base = name.iter().skip(1).try_fold(data, |at, part| {
                at.as_object().ok().and_then(|fields| fields.get(&Value::from(part.as_str())))
            });
            if is_data && matches!(base, Some(Value::Object(_))) {
                edits.replace(span.start, span.end, format!("\"{}\"", span.text()));
            }
        });
    }
    SourceFile { name: file.name.clone(), text: edits.apply(&file.text) }
}
