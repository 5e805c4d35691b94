//! Reading a case.

use regorus::Value;

/// A question to a Rego evaluator, as OPA's suite states it.
#[derive(Clone, Debug)]
pub struct Case {
    pub id: Value,
    pub query: String,
    pub modules: Vec<String>,
    pub data: Value,
    pub input: Option<Value>,
    /// The input as a Rego term.
    pub input_term: Option<String>,
    pub strict: bool,
    pub v0: bool,
}

/// A line that is no case.
#[derive(Debug)]
pub struct NoCase {
    pub id: Value,
    pub message: String,
}

/// Bytes of one case.
const LINE: usize = 4 << 20;

impl Case {
    pub fn read(line: &[u8]) -> Result<Self, NoCase> {
        let wrong = |id: &Value, message: &str| NoCase { id: id.clone(), message: message.to_owned() };
        let document = parse(line).map_err(|message| wrong(&Value::Null, &message))?;
        let field = |name: &str| document.as_object().ok().and_then(|fields| fields.get(&Value::from(name)));
        let id = field("id").cloned().unwrap_or(Value::Null);
        if document.as_object().is_err() {
            return Err(wrong(&id, "a case must be an object"));
        }
        let text = |name: &str| match field(name) {
            Some(Value::String(text)) => Ok(Some(text.to_string())),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err(wrong(&id, &format!("`{name}` must be a string"))),
        };
        let modules = match field("modules") {
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_string().map(|text| text.to_string())).collect()
            }
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(_) => return Err(wrong(&id, "`modules` must be a list of texts")),
        };
        let v0 = match text("rego_version")?.as_deref() {
            None | Some("v1") => false,
            Some("v0") => true,
            Some(_) => return Err(wrong(&id, "`rego_version` must be v0 or v1")),
        };
        Ok(Self {
            query: text("query")?.ok_or_else(|| wrong(&id, "`query` is missing"))?,
            modules: modules.map_err(|_| wrong(&id, "`modules` must be a list of texts"))?,
            data: match field("data") {
                Some(data @ Value::Object(_)) => data.clone(),
                None | Some(Value::Null) => Value::new_object(),
                Some(_) => return Err(wrong(&id, "`data` must be an object")),
            },
            input: field("input").cloned(),
            input_term: text("input_term")?,
            strict: matches!(field("strict_error"), Some(Value::Bool(true))),
            v0,
            id,
        })
    }
}

fn parse(line: &[u8]) -> Result<Value, String> {
    if line.len() > LINE {
        return Err(format!("a line of {} bytes, more than {LINE}", line.len()));
    }
    let text = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8".to_owned())?;
    Value::from_json_str(text).map_err(|_| "the line is not JSON".to_owned())
}

/// The id of a line, when it has one.
pub fn id_of(line: &[u8]) -> Value {
    parse(line)
        .ok()
        .and_then(|case| case.as_object().ok().and_then(|fields| fields.get(&Value::from("id")).cloned()))
        .unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_left_out_has_a_meaning() {
        let case = Case::read(br#"{"id": 7, "query": "data.a.p = x"}"#).unwrap();
        assert_eq!((case.id, case.strict, case.v0), (Value::from(7_u64), false, false));
        assert!(case.input.is_none() && case.modules.is_empty());
    }

    #[test]
    fn a_bad_case_keeps_its_id() {
        for text in [
            r#"{"id": "a"}"#,
            r#"{"id": "a", "query": 1}"#,
            r#"{"id": "a", "query": "x", "modules": "y"}"#,
            r#"{"id": "a", "query": "x", "data": 5}"#,
        ] {
            assert_eq!(Case::read(text.as_bytes()).unwrap_err().id, Value::from("a"));
        }
        assert_eq!(Case::read(b"nonsense").unwrap_err().id, Value::Null);
    }
}
