//! Executable documents: operations and fragments.

use regorus::Value;

use super::lexer::Token;
use super::parser::{Node, Parsed, Parser};

pub fn document(text: &str) -> Parsed<Value> {
    let mut parser = Parser::new(text)?;
    let (mut operations, mut fragments) = (Vec::new(), Vec::new());
    while *parser.peek() != Token::End {
        if parser.is_word("fragment") {
            fragments.push(fragment(&mut parser)?);
        } else {
            operations.push(operation(&mut parser)?);
        }
    }
    Ok(Node::default().list("Operations", operations).list("Fragments", fragments).done())
}

fn operation(parser: &mut Parser) -> Parsed<Value> {
    let kind = match parser.peek() {
        Token::Sign("{") => {
            let selections = selections(parser)?;
            return Ok(Node::default()
                .with("Operation", "query")
                .with("Name", "")
                .list("SelectionSet", selections)
                .done());
        }
        Token::Name(word) if matches!(word.as_str(), "query" | "mutation" | "subscription") => word.clone(),
        _ => return parser.unexpected(),
    };
    parser.next();
    let name = if matches!(parser.peek(), Token::Name(_)) { parser.name()? } else { String::new() };
    let variables = parser.some("(", ")", variable)?;
    let directives = parser.directives()?;
    let selections = selections(parser)?;
    Ok(Node::default()
        .with("Operation", kind)
        .with("Name", name)
        .list("VariableDefinitions", variables)
        .list("Directives", directives)
        .list("SelectionSet", selections)
        .done())
}

fn variable(parser: &mut Parser) -> Parsed<Value> {
    parser.expect("$")?;
    let name = parser.name()?;
    parser.expect(":")?;
    let of = parser.type_reference()?;
    let default = parser.default_value()?;
    let directives = parser.directives()?;
    Ok(Node::default()
        .with("Variable", name)
        .with("Type", of)
        .maybe("DefaultValue", default)
        .list("Directives", directives)
        .with("Used", false)
        .done())
}

fn selections(parser: &mut Parser) -> Parsed<Vec<Value>> {
    if !matches!(parser.peek(), Token::Sign("{")) {
        parser.expect("{")?;
    }
    parser.some("{", "}", selection)
}

fn selection(parser: &mut Parser) -> Parsed<Value> {
    parser.deeper(|parser| if parser.skip("...") { spread(parser) } else { field(parser) })
}

fn field(parser: &mut Parser) -> Parsed<Value> {
    let alias = parser.name()?;
    let name = if parser.skip(":") { parser.name()? } else { alias.clone() };
    let arguments = parser.some("(", ")", Parser::field)?;
    let directives = parser.directives()?;
    let inner = if matches!(parser.peek(), Token::Sign("{")) { selections(parser)? } else { Vec::new() };
    Ok(Node::default()
        .with("Alias", alias)
        .with("Name", name)
        .list("Arguments", arguments)
        .list("Directives", directives)
        .list("SelectionSet", inner)
        .done())
}

fn spread(parser: &mut Parser) -> Parsed<Value> {
    if matches!(parser.peek(), Token::Name(word) if word != "on") {
        let name = parser.name()?;
        let directives = parser.directives()?;
        return Ok(Node::default().with("Name", name).list("Directives", directives).done());
    }
    let condition = if parser.skip_word("on") { parser.name()? } else { String::new() };
    let directives = parser.directives()?;
    let inner = selections(parser)?;
    Ok(Node::default()
        .with("TypeCondition", condition)
        .list("Directives", directives)
        .list("SelectionSet", inner)
        .done())
}

fn fragment(parser: &mut Parser) -> Parsed<Value> {
    parser.next();
    if parser.is_word("on") {
        return parser.unexpected();
    }
    let name = parser.name()?;
    let variables = parser.some("(", ")", variable)?;
    parser.expect_word("on")?;
    let condition = parser.name()?;
    let directives = parser.directives()?;
    let inner = selections(parser)?;
    Ok(Node::default()
        .with("Name", name)
        .list("VariableDefinition", variables)
        .with("TypeCondition", condition)
        .list("Directives", directives)
        .list("SelectionSet", inner)
        .done())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_query_becomes_the_tree_opa_gives() {
        let expected = r#"{"Operations": [{"Operation": "query", "Name": "", "SelectionSet": [{"Alias": "node", "Name": "node",
            "Arguments": [{"Name": "id", "Value": {"Kind": 1, "Raw": "4", "ExpectedTypeHasDefault": false}}]}]}]}"#;
        assert_eq!(document("{ node(id: 4) }").unwrap(), Value::from_json_str(expected).unwrap());
    }

    #[test]
    fn broken_queries_are_errors_that_say_where() {
        assert_eq!(document("{").unwrap_err(), "Expected Name, found <EOF> in GraphQL string at location 1:2");
        for text in [
            "...",
            "{ field: {} }",
            "notanoperation Foo { field }",
            "fragment on on on { on }",
            "{ ...on }",
            "query ($x: A = { a: $v }) { f }",
        ] {
            assert!(document(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(document(&"{a".repeat(10_000)).unwrap_err().contains("nested too deep"));
    }
}
