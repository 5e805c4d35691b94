//! Type system documents: definitions, extensions, directives, the schema itself.

use regorus::Value;

use super::lexer::Token;
use super::parser::{Node, Parsed, Parser};

/// The lists of a document, in the order OPA has them.
#[derive(Default)]
struct Document {
    schema: Vec<Value>,
    schema_extension: Vec<Value>,
    directives: Vec<Value>,
    definitions: Vec<Value>,
    extensions: Vec<Value>,
}

pub fn document(text: &str) -> Parsed<Value> {
    let mut parser = Parser::new(text)?;
    let mut found = Document::default();
    while *parser.peek() != Token::End {
        let description = description(&mut parser, true)?;
        match parser.peek() {
            Token::Name(word) if word == "schema" => found.schema.push(schema(&mut parser, description)?),
            Token::Name(word) if word == "directive" => found.directives.push(directive(&mut parser, description)?),
            Token::Name(word) if word == "extend" && description.is_none() => {
                parser.next();
                if parser.is_word("schema") {
                    found.schema_extension.push(schema_extension(&mut parser)?);
                } else {
                    found.extensions.push(definition(&mut parser, String::new(), true)?);
                }
            }
            Token::Name(_) => found.definitions.push(definition(&mut parser, description.unwrap_or_default(), false)?),
            _ => return parser.unexpected(),
        }
    }
    Ok(Node::default()
        .list("Schema", found.schema)
        .list("SchemaExtension", found.schema_extension)
        .list("Directives", found.directives)
        .list("Definitions", found.definitions)
        .list("Extensions", found.extensions)
        .done())
}

/// A description; one that describes nothing describable is refused where it stands.
fn description(parser: &mut Parser, top: bool) -> Parsed<Option<String>> {
    let text = match parser.peek() {
        Token::String(text) | Token::Block(text) => text.clone(),
        _ => return Ok(None),
    };
    let refused: Parsed<()> = parser.unexpected();
    parser.next();
    match refused {
        Err(message) if top && parser.is_word("extend") => Err(message),
        _ => Ok(Some(text)),
    }
}

fn operation_type(parser: &mut Parser) -> Parsed<Value> {
    let operation = match parser.peek() {
        Token::Name(word) if matches!(word.as_str(), "query" | "mutation" | "subscription") => parser.name()?,
        _ => return parser.unexpected(),
    };
    parser.expect(":")?;
    Ok(Node::default().with("Operation", operation).with("Type", parser.name()?).done())
}

fn schema(parser: &mut Parser, description: Option<String>) -> Parsed<Value> {
    parser.next();
    let directives = parser.directives()?;
    if !matches!(parser.peek(), Token::Sign("{")) {
        parser.expect("{")?;
    }
    let types = parser.some("{", "}", operation_type)?;
    Ok(Node::default()
        .with("Description", description.unwrap_or_default())
        .list("Directives", directives)
        .list("OperationTypes", types)
        .done())
}

fn schema_extension(parser: &mut Parser) -> Parsed<Value> {
    parser.next();
    let directives = parser.directives()?;
    let types = parser.some("{", "}", operation_type)?;
    if directives.is_empty() && types.is_empty() {
        return parser.unexpected();
    }
    Ok(Node::default().with("Description", "").list("Directives", directives).list("OperationTypes", types).done())
}

fn directive(parser: &mut Parser, description: Option<String>) -> Parsed<Value> {
    parser.next();
    parser.expect("@")?;
    let name = parser.name()?;
    let arguments = parser.some("(", ")", argument)?;
    let repeatable = parser.skip_word("repeatable");
    parser.expect_word("on")?;
    let locations = separated(parser, "|")?;
    let known = |place: &Value| matches!(place, Value::String(place) if LOCATIONS.contains(&place.as_ref()));
    if !locations.iter().all(known) {
        return parser.unexpected();
    }
    Ok(Node::default()
        .with("Description", description.unwrap_or_default())
        .with("Name", name)
        .list("Arguments", arguments)
        .list("Locations", locations)
        .with("IsRepeatable", repeatable)
        .done())
}

const LOCATIONS: [&str; 19] = [
    "QUERY",
    "MUTATION",
    "SUBSCRIPTION",
    "FIELD",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "VARIABLE_DEFINITION",
    "SCHEMA",
    "SCALAR",
    "OBJECT",
    "FIELD_DEFINITION",
    "ARGUMENT_DEFINITION",
    "INTERFACE",
    "UNION",
    "ENUM",
    "ENUM_VALUE",
    "INPUT_OBJECT",
    "INPUT_FIELD_DEFINITION",
];

/// Names between signs, the first sign optional.
fn separated(parser: &mut Parser, sign: &str) -> Parsed<Vec<Value>> {
    parser.skip(sign);
    let mut names = vec![Value::from(parser.name()?)];
    while parser.skip(sign) {
        names.push(Value::from(parser.name()?));
    }
    Ok(names)
}

fn definition(parser: &mut Parser, description: String, extends: bool) -> Parsed<Value> {
    let word = match parser.peek() {
        Token::Name(word) => word.clone(),
        _ => return parser.unexpected(),
    };
    let kind = match word.as_str() {
        "scalar" => "SCALAR",
        "type" => "OBJECT",
        "interface" => "INTERFACE",
        "union" => "UNION",
        "enum" => "ENUM",
        "input" => "INPUT_OBJECT",
        _ => return parser.unexpected(),
    };
    parser.next();
    let name = parser.name()?;
    let interfaces = if matches!(kind, "OBJECT" | "INTERFACE") && parser.skip_word("implements") {
        separated(parser, "&")?
    } else {
        Vec::new()
    };
    let directives = parser.directives()?;
    let (mut fields, mut types, mut values) = (Vec::new(), Vec::new(), Vec::new());
    match kind {
        "OBJECT" | "INTERFACE" => fields = parser.some("{", "}", field)?,
        "INPUT_OBJECT" => fields = parser.some("{", "}", argument)?,
        "UNION" if parser.skip("=") => types = separated(parser, "|")?,
        "ENUM" => values = parser.some("{", "}", enum_value)?,
        _ => {}
    }
    if extends && [&interfaces, &directives, &fields, &types, &values].iter().all(|list| list.is_empty()) {
        return parser.unexpected();
    }
    Ok(Node::default()
        .with("Kind", kind)
        .with("Description", description)
        .with("Name", name)
        .list("Directives", directives)
        .list("Interfaces", interfaces)
        .list("Fields", fields)
        .list("Types", types)
        .list("EnumValues", values)
        .with("BuiltIn", false)
        .done())
}

fn field(parser: &mut Parser) -> Parsed<Value> {
    let description = description(parser, false)?.unwrap_or_default();
    let name = parser.name()?;
    let arguments = parser.some("(", ")", argument)?;
    parser.expect(":")?;
    let of = parser.type_reference()?;
    let directives = parser.directives()?;
    Ok(Node::default()
        .with("Description", description)
        .with("Name", name)
        .list("Arguments", arguments)
        .with("Type", of)
        .list("Directives", directives)
        .done())
}

/// An argument of a field, or a field of an input.
fn argument(parser: &mut Parser) -> Parsed<Value> {
    let description = description(parser, false)?.unwrap_or_default();
    let name = parser.name()?;
    parser.expect(":")?;
    let of = parser.type_reference()?;
    let default = parser.default_value()?;
    let directives = parser.directives()?;
    Ok(Node::default()
        .with("Description", description)
        .with("Name", name)
        .with("Type", of)
        .maybe("DefaultValue", default)
        .list("Directives", directives)
        .done())
}

fn enum_value(parser: &mut Parser) -> Parsed<Value> {
    let description = description(parser, false)?.unwrap_or_default();
    let name = parser.name()?;
    let directives = parser.directives()?;
    Ok(Node::default().with("Description", description).with("Name", name).list("Directives", directives).done())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_type_becomes_the_tree_opa_gives() {
        let expected = r#"{"Definitions": [{"BuiltIn": false, "Description": "d", "Fields": [{"Description": "", "Name": "world",
            "Type": {"NamedType": "String", "NonNull": true}}], "Interfaces": ["A", "B"], "Kind": "OBJECT", "Name": "Hello"}]}"#;
        let found = document("\"d\" type Hello implements A & B { world: String! }").unwrap();
        assert_eq!(found, Value::from_json_str(expected).unwrap());
    }

    #[test]
    fn broken_schemas_are_errors() {
        let texts = [
            "type Hello {}",
            "extend type Hello",
            "extend schema",
            "\"d\" extend type Hello { a: B }",
            "extend \"d\" type Hello { a: B }",
            "union Hello = || Wo",
            "union Hello = Wo |",
            "input Hello { world(foo: Int): String }",
            "enum Hello {}",
            "directive @foo on NOWHERE",
        ];
        for text in texts {
            assert!(document(text).is_err(), "{text}");
        }
    }
}
