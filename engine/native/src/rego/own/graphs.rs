//! Reachability in graphs, as OPA walks them.

use std::collections::BTreeSet;

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::value::Object;
use regorus::Value;

use super::failed;

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "graph.reachable_paths" => Some((reachable_paths, 2)),
        _ => None,
    }
}

/// Paths one answer may hold.
const PATHS: usize = 10_000;

/// The paths from the initial nodes to where they end: at a node without edges, at an edge out of the graph, or at an edge
/// to a node that was reached before from the same neighbour of the initial node.
fn reachable_paths(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    let Some(Value::Object(graph)) = args.first() else {
        return Err(super::wrong("operand 1 must be object"));
    };
    let mut found: BTreeSet<Value> = BTreeSet::new();
    for start in super::items(args.get(1)) {
        let Some(edges) = graph.get(start) else {
            continue;
        };
        let neighbours = super::items(Some(edges));
        if neighbours.is_empty() {
            found.insert(Value::from(vec![start.clone()]));
        }
        for neighbour in neighbours {
            walk(graph, start, neighbour, &mut found)?;
        }
    }
    Ok(super::set_of(found))
}

/// Depth first, with a stack of its own: a graph may be one long chain.
fn walk(graph: &Object, start: &Value, neighbour: &Value, found: &mut BTreeSet<Value>) -> anyhow::Result<()> {
    let mut reached: BTreeSet<&Value> = BTreeSet::from([start]);
    let mut path: Vec<Value> = vec![start.clone()];
    // What is still to try at each node of the path, the last one first.
    let mut open: Vec<Vec<&Value>> = vec![vec![neighbour]];
    while let Some(rest) = open.last_mut() {
        let Some(node) = rest.pop() else {
            open.pop();
            path.pop();
            continue;
        };
        if found.len() > PATHS || path.len() > PATHS {
            return Err(failed("the graph has too many paths"));
        }
        let mut edges = match graph.get(node) {
            Some(edges) if !reached.contains(node) => super::items(Some(edges)),
            _ => {
                found.insert(Value::from(path.clone()));
                continue;
            }
        };
        reached.insert(node);
        path.push(node.clone());
        if edges.is_empty() {
            found.insert(Value::from(path.clone()));
        }
        edges.reverse();
        open.push(edges);
    }
    Ok(())
}
