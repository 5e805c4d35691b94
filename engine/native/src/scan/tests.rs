//! The scanner from outside: what is found where, pieces against the whole, and that nothing takes long.

use super::*;

fn found(text: &str) -> Vec<(String, String)> {
    let Ok(engine) = engine() else {
        return vec![("no engine".to_owned(), String::new())];
    };
    scan(engine, text.as_bytes())
        .iter()
        .map(|span| {
            let kind = engine.types.get(usize::from(span.kind)).copied().unwrap_or_default();
            (kind.to_owned(), text.get(span.start..span.end).unwrap_or_default().to_owned())
        })
        .collect()
}

#[test]
fn the_engine_is_built() {
    assert_eq!(engine().err(), None);
}

#[test]
fn an_address_and_a_card_are_found() {
    let text = "write to ann@example.org, card 4111 1111 1111 1111.";
    let expected = [("pii.email", "ann@example.org"), ("pii.credit_card", "4111 1111 1111 1111")];
    assert_eq!(found(text), expected.map(|(kind, value)| (kind.to_owned(), value.to_owned())));
}
