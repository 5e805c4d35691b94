//! Writes the readers of `nodes.tsv`: for each node one function from its place in memory to its protobuf type, and `any`, which
//! asks the node's tag.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

struct Node<'a> {
    tag: &'a str,
    message: &'a str,
    variant: &'a str,
    boxed: bool,
    fields: Vec<[&'a str; 4]>,
}

struct Table<'a> {
    facts: Vec<[&'a str; 2]>,
    nodes: Vec<Node<'a>>,
}

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=nodes.tsv");
    println!("cargo:rerun-if-changed=build.rs");
    let table = fs::read_to_string("nodes.tsv")?;
    let code = code(&read(&table)?).map_err(io::Error::other)?;
    let folder = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&folder).join("readers.rs"), code)
}

fn read(table: &str) -> io::Result<Table<'_>> {
    let mut facts = Vec::new();
    let mut nodes: Vec<Node<'_>> = Vec::new();
    for line in table.lines() {
        let words: Vec<&str> = line.split('\t').collect();
        match (words.as_slice(), nodes.last_mut()) {
            (["fact", name, number], _) => facts.push([*name, *number]),
            (["node", tag, message, variant, boxed], _) => {
                nodes.push(Node { tag, message, variant, boxed: *boxed == "boxed", fields: Vec::new() });
            }
            ([field, kind, at, more], Some(node)) => node.fields.push([field, kind, at, more]),
            _ => return Err(io::Error::other(format!("nodes.tsv: nobody knows how to read {line:?}"))),
        }
    }
    Ok(Table { facts, nodes })
}

fn code(table: &Table<'_>) -> Result<String, std::fmt::Error> {
    let tags: HashMap<&str, &str> = table.nodes.iter().map(|node| (node.message, node.tag)).collect();
    let mut code = String::from("pub mod facts {\n");
    for [name, number] in &table.facts {
        let kind = if name.contains('_') { "usize" } else { "i32" };
        writeln!(code, "pub const {name}: {kind} = {number};")?;
    }
    writeln!(code, "}}")?;
    for node in &table.nodes {
        let (name, message) = (node.message.to_lowercase(), node.message);
        if node.fields.is_empty() {
            writeln!(code, "unsafe fn node_{name}(_: Place) -> Result<NodeEnum, Unread> {{")?;
            writeln!(code, "Ok(NodeEnum::{}(pb::{message}::default())) }}", node.variant)?;
            continue;
        }
        writeln!(code, "#[inline(never)]\npub unsafe fn read_{name}(at: Place) -> Result<pb::{message}, Unread> {{")?;
        writeln!(code, "// SAFETY: of the caller, who has a node of this type there; the offsets are the headers'.")?;
        writeln!(code, "unsafe {{ Ok(pb::{message} {{")?;
        for [field, kind, at, more] in &node.fields {
            writeln!(code, "{field}: {},", value(kind, at, more, &tags))?;
        }
        writeln!(code, "..Default::default() }}) }} }}")?;
        let whole = format!("read_{name}(at)?");
        let held = if node.boxed { format!("Box::new({whole})") } else { whole };
        writeln!(code, "#[inline(never)]\nunsafe fn node_{name}(at: Place) -> Result<NodeEnum, Unread> {{")?;
        writeln!(code, "// SAFETY: of the caller.")?;
        writeln!(code, "unsafe {{ Ok(NodeEnum::{}({held})) }} }}", node.variant)?;
    }
    writeln!(
        code,
        "pub unsafe fn any(at: Place) -> Result<NodeEnum, Unread> {{\n// SAFETY: of the caller; the tag says which type."
    )?;
    writeln!(code, "unsafe {{ match at.tag() {{")?;
    for node in &table.nodes {
        writeln!(code, "{} => node_{}(at),", node.tag, node.message.to_lowercase())?;
    }
    writeln!(code, "tag => literal(at, tag), }} }} }}")?;
    Ok(code)
}

/// The expression that reads one field.
fn value(kind: &str, at: &str, more: &str, tags: &HashMap<&str, &str>) -> String {
    let reader = more.to_lowercase();
    let tag = tags.get(more).copied().unwrap_or("facts::STRING");
    match kind {
        "number" => {
            let (held, wanted) = more.split_once(' ').unwrap_or((more, more));
            match held == wanted {
                true => format!("at.number({at})"),
                false => format!("{wanted}::from(at.number::<{held}>({at}))"),
            }
        }
        "choice" if more.contains('=') => {
            let arms: String = more
                .split(',')
                .filter_map(|pair| pair.split_once('='))
                .map(|(c, wire)| format!("{c} => {wire},"))
                .collect();
            format!("match at.number::<i32>({at}) {{ {arms} _ => return Err(Unread) }}")
        }
        "choice" => format!("at.choice({at}, {more})?"),
        "known" => format!("at.known({at}, {tag}, read_{reader})?"),
        "known_boxed" => format!("at.known({at}, {tag}, read_{reader})?.map(Box::new)"),
        "constant" => format!("at.constant({at}, {more})?"),
        "inner" => format!("Some(read_{reader}(at.inner({at}))?)"),
        "node" => format!("at.node({at})?"),
        "node_boxed" => format!("at.node({at})?.map(Box::new)"),
        _ => format!("at.{kind}({at})?"),
    }
}
