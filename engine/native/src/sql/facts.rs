//! Reads a catalog's parts from the plain values that callers hand in. Called by `catalog` alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::catalog::{Body, FunctionFact, Relation, View};
use super::tree::{Effect, Name};
use super::unpack::Value;
use crate::failure::Failure;

pub fn invalid(what: &str) -> Failure {
    Failure::new("CATALOG_INVALID", format!("not a catalog: {what}"))
}

/// The relations with their columns, what they inherit from, and the queries of views.
pub fn relations(relations: Option<&Value>, views: Option<&Value>) -> Result<HashMap<String, Relation>, Failure> {
    let mut found = HashMap::new();
    let mut descent: Vec<(Name, Name)> = Vec::new();
    for (name, said) in pairs(relations, "relations")? {
        let is_map = matches!(said, Value::Map(_));
        let columns = if is_map { said.get("columns") } else { Some(said) };
        let mut relation =
            Relation::new(strings(columns, "relations")?.into_iter().map(Name::from).collect(), View::No);
        relation.types = column_types(columns, said.get("types"))?;
        if is_map {
            relation.parents = strings(said.get("parents"), "parents")?.into_iter().map(Name::from).collect();
            for (column, sources) in pairs(said.get("generated"), "generated")? {
                let sources = strings(Some(sources), "generated")?.into_iter().map(Name::from).collect();
                relation.generated.insert(Name::from(column), sources);
            }
            let own = Name::from(name);
            descent.extend(relation.parents.iter().map(|parent| (parent.clone(), own.clone())));
        }
        found.insert(name.to_owned(), relation);
    }
    for (parent, child) in descent {
        if let Some(parent) = found.get_mut(&*parent) {
            parent.children.push(child);
        }
    }
    read_views(&mut found, views)?;
    Ok(found)
}

fn column_types(columns: Option<&Value>, types: Option<&Value>) -> Result<Vec<Name>, Failure> {
    if let Some(types) = given(types) {
        let types = Some(types);
        return Ok(strings(types, "types")?.into_iter().map(Name::from).collect());
    }
    let Some(Value::List(items)) = columns else {
        return Ok(Vec::new());
    };
    if !items.iter().any(|item| item.get("type").is_some()) {
        return Ok(Vec::new());
    }
    Ok(items.iter().map(|item| Name::from(item.get("type").and_then(Value::as_str).unwrap_or(""))).collect())
}

fn read_views(relations: &mut HashMap<String, Relation>, views: Option<&Value>) -> Result<(), Failure> {
    let Some(views) = given(views) else {
        return Ok(());
    };
    if let Value::List(_) = views {
        for name in strings(Some(views), "views")? {
            mark_view(relations, name, View::Opaque);
        }
        return Ok(());
    }
    for (name, definition) in pairs(Some(views), "views")? {
        let text = definition.as_str().or_else(|| definition.get("definition").and_then(Value::as_str));
        mark_view(relations, name, text.map_or(View::Opaque, |text| View::Query(Arc::from(text))));
    }
    Ok(())
}

fn mark_view(relations: &mut HashMap<String, Relation>, name: &str, view: View) {
    // A view without columns in `relations` is still a relation that exists: its columns are unknown.
    let entry = relations.entry(name.to_owned());
    entry.or_insert_with(|| Relation::new(Vec::new(), View::Opaque)).view = view;
}

/// The functions by name; `None` when nobody lists any.
pub fn functions(functions: Option<&Value>) -> Result<Option<HashMap<String, FunctionFact>>, Failure> {
    let Some(functions) = given(functions) else {
        return Ok(None);
    };
    let mut known = HashMap::new();
    if let Value::List(_) = functions {
        for name in strings(Some(functions), "functions")? {
            known.insert(name.to_owned(), FunctionFact { shadows: true, set: true, ..FunctionFact::default() });
        }
        return Ok(Some(known));
    }
    for (name, said) in pairs(Some(functions), "functions")? {
        let fact = match said {
            Value::List(several) => together(several.iter().map(function).collect::<Result<Vec<_>, _>>()?),
            one => function(one)?,
        };
        known.insert(name.to_owned(), fact);
    }
    Ok(Some(known))
}

/// One function. What is not said about it counts against it.
fn function(said: &Value) -> Result<FunctionFact, Failure> {
    let word = |key: &str| said.get(key).and_then(Value::as_str);
    let flag = |key: &str| said.get(key) == Some(&Value::Bool(true));
    let effect = word("effect").and_then(|word| Effect::ALL.iter().copied().find(|effect| effect.as_str() == word));
    let security_definer = flag("security_definer");
    let columns = match given(said.get("columns")) {
        None => None,
        listed => Some(strings(listed, "functions")?.into_iter().map(Name::from).collect()),
    };
    let arguments = strings(said.get("arguments"), "functions")?;
    let keeps = matches!(word("volatility"), Some("stable" | "immutable"));
    let is_sql = word("language") == Some("sql") && keeps && !security_definer && !flag("settings");
    // No text is no query: that of a body in standard form stands elsewhere.
    let body = word("body").filter(|text| is_sql && !text.trim().is_empty()).map(|text| Body {
        text: Arc::from(text),
        arguments: arguments.iter().map(|name| Name::from(*name)).collect(),
        defaults: word("default_values").map(Arc::from),
    });
    let counts = match (said.get("arguments"), said.get("defaults")) {
        (None | Some(Value::Nil), _) => Vec::new(),
        (_, defaults) => {
            let defaults = match defaults {
                Some(Value::Int(number)) => usize::try_from(*number).unwrap_or(usize::MAX),
                _ => 0,
            };
            let most = if flag("variadic") { usize::MAX } else { arguments.len() };
            // A variadic argument may be left out.
            let least = arguments.len().saturating_sub(defaults).saturating_sub(usize::from(flag("variadic")));
            vec![(least, most)]
        }
    };
    let shadows = said.get("shadows") != Some(&Value::Bool(false));
    let set = said.get("returns_set") != Some(&Value::Bool(false));
    let repeats = flag("repeats");
    Ok(FunctionFact { effect, security_definer, set, columns, body, counts, shadows, repeats })
}

/// Several functions of one name: what is true of all of them, and whatever one of them may do.
fn together(several: Vec<FunctionFact>) -> FunctionFact {
    let mut facts = several.into_iter();
    let Some(mut all) = facts.next() else {
        return FunctionFact { shadows: true, set: true, ..FunctionFact::default() };
    };
    for fact in facts {
        all.effect = all.effect.zip(fact.effect).map(|(one, other)| one.max(other));
        all.security_definer |= fact.security_definer;
        all.set |= fact.set;
        if all.columns != fact.columns {
            all.columns = None;
        }
        all.body = None;
        if all.counts.is_empty() || fact.counts.is_empty() {
            all.counts.clear();
        } else {
            all.counts.extend(fact.counts);
        }
        all.shadows |= fact.shadows;
        all.repeats |= fact.repeats;
    }
    all
}

/// A list of names, or the keys of a map.
pub fn names(value: Option<&Value>, field: &str) -> Result<Option<HashSet<String>>, Failure> {
    Ok(match given(value) {
        None => None,
        Some(map @ Value::Map(_)) => {
            Some(pairs(Some(map), field)?.into_iter().map(|(name, _)| name.to_owned()).collect())
        }
        Some(list) => Some(strings(Some(list), field)?.into_iter().map(str::to_owned).collect()),
    })
}

/// Lists of names by a name.
pub fn lists(value: Option<&Value>, field: &str) -> Result<HashMap<String, Vec<String>>, Failure> {
    pairs(value, field)?
        .into_iter()
        .map(|(name, listed)| {
            Ok((name.to_owned(), strings(Some(listed), field)?.into_iter().map(str::to_owned).collect()))
        })
        .collect()
}

fn given(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| **value != Value::Nil)
}

pub fn strings<'v>(value: Option<&'v Value>, field: &str) -> Result<Vec<&'v str>, Failure> {
    match value {
        None | Some(Value::Nil) => Ok(Vec::new()),
        Some(Value::List(items)) => items
            .iter()
            .map(|item| item.as_str().or_else(|| item.get("name").and_then(Value::as_str)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| invalid(&format!("`{field}` lists names"))),
        Some(_) => Err(invalid(&format!("`{field}` is a list of names"))),
    }
}

pub fn pairs<'v>(value: Option<&'v Value>, field: &str) -> Result<Vec<(&'v str, &'v Value)>, Failure> {
    match value {
        None | Some(Value::Nil) => Ok(Vec::new()),
        Some(Value::Map(items)) => items
            .iter()
            .map(|(name, value)| name.as_str().map(|name| (name, value)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| invalid(&format!("`{field}` has names as keys"))),
        Some(_) => Err(invalid(&format!("`{field}` is a map"))),
    }
}
