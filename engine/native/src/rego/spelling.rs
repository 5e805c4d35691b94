//! What OPA's parser takes and regorus' does not, written so that both do. Something is added at the ends of lines only:
//! no line and no column in front of it moves, so that what is told of a policy is told at its own places.
//!
//! A function without a body (`safe("tls")`) gets `:= true`. A bracket that begins a line (`input.x` and below it
//! `(input.y + 1) > 2`) is a condition of its own in OPA, and to regorus the brackets of a call: it gets a `;` in front.

/// A piece of code: a word with its dots, or one byte of anything else; strings are one piece.
#[derive(Clone, Copy)]
struct Piece {
    start: usize,
    end: usize,
    is_word: bool,
    /// Whether a line ends between the piece before and this one.
    begins_line: bool,
}

/// Words after which an expression goes on.
const OPEN: [&str; 12] =
    ["as", "contains", "default", "else", "every", "if", "import", "in", "not", "package", "some", "with"];

/// `text` as regorus reads it.
pub fn respelled(text: &str) -> String {
    let pieces = pieces(text);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, what) in additions(text, &pieces) {
        out.push_str(text.get(done..at).unwrap_or_default());
        out.push_str(what);
        done = at;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// Where something is added, in order of place.
fn additions(text: &str, pieces: &[Piece]) -> Vec<(usize, &'static str)> {
    let of = |piece: &Piece| text.get(piece.start..piece.end).unwrap_or_default();
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut before: Option<&Piece> = None;
    // The bracket of a call that may be a function without a body: its depth.
    let mut head: Option<usize> = None;
    for (at, piece) in pieces.iter().enumerate() {
        let next = pieces.get(at.saturating_add(1));
        match of(piece) {
            "(" => {
                if let Some(name) = before.filter(|one| piece.begins_line && one.is_word && !goes_on(of(one))) {
                    found.push((name.end, ";"));
                }
                depth = depth.saturating_add(1);
            }
            "[" | "{" => depth = depth.saturating_add(1),
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if head == Some(depth) {
                    head = None;
                    if next.is_none_or(|next| next.begins_line && !is_body(text, next)) {
                        found.push((piece.end, " := true"));
                    }
                }
            }
            word if piece.is_word && depth == 0 && !goes_on(word) => {
                let is_first = before.is_none_or(|one| piece.begins_line && ends_statement(of(one)));
                let is_call = next.is_some_and(|next| of(next) == "(" && next.start == piece.end);
                if is_first && is_call {
                    head = Some(0);
                }
            }
            _ => {}
        }
        before = Some(piece);
    }
    found
}

/// Whether an expression goes on after a word; a keyword behind a dot is a name.
fn goes_on(word: &str) -> bool {
    OPEN.contains(&word)
}

/// Whether a rule may end with a piece.
fn ends_statement(piece: &str) -> bool {
    match piece.as_bytes() {
        [b')' | b']' | b'}' | b'"' | b'`', ..] => true,
        [first, ..] => (first.is_ascii_alphanumeric() || *first == b'_') && !goes_on(piece),
        [] => false,
    }
}

/// Whether a piece begins the value or the body of the rule whose name stands before it.
fn is_body(text: &str, piece: &Piece) -> bool {
    let rest = text.get(piece.start..).unwrap_or_default();
    let word = text.get(piece.start..piece.end).unwrap_or_default();
    rest.starts_with(['=', '{']) || rest.starts_with(":=") || matches!(word, "if" | "else" | "contains")
}

fn pieces(text: &str) -> Vec<Piece> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut begins_line) = (0_usize, true);
    while let Some(byte) = bytes.get(at).copied() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = match byte {
            b'\n' => {
                begins_line = true;
                at = at.saturating_add(1);
                continue;
            }
            b' ' | b'\t' | b'\r' => {
                at = at.saturating_add(1);
                continue;
            }
            b'#' => {
                at = at.saturating_add(rest.iter().take_while(|byte| **byte != b'\n').count());
                continue;
            }
            b'"' => quoted(rest),
            b'`' => rest.iter().skip(1).take_while(|byte| **byte != b'`').count().saturating_add(2),
            _ if is_part(byte) => rest.iter().take_while(|byte| is_part(**byte) || **byte == b'.').count(),
            _ => 1,
        };
        let end = at.saturating_add(length).min(bytes.len());
        found.push(Piece { start: at, end, is_word: is_part(byte) && !byte.is_ascii_digit(), begins_line });
        begins_line = false;
        at = end;
    }
    found
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The length of a string in quotes. One that does not end on its line is the parser's to refuse.
fn quoted(rest: &[u8]) -> usize {
    let mut at = 1_usize;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'\\' => at = at.saturating_add(2),
            b'"' => return at.saturating_add(1),
            b'\n' => return at,
            _ => at = at.saturating_add(1),
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_without_a_body_is_true() {
        for (text, wanted) in [
            ("package a\n\nsafe(\"tls\")\n", "package a\n\nsafe(\"tls\") := true\n"),
            ("f(\"x\") # why\n\ng(1,\n  [2])", "f(\"x\") := true # why\n\ng(1,\n  [2]) := true"),
            ("import future.keywords.in\nf(\"x\", _)\n", "import future.keywords.in\nf(\"x\", _) := true\n"),
            ("x := \"a\"\nf(1)\nf(2)\n", "x := \"a\"\nf(1) := true\nf(2) := true\n"),
            ("p if {\n\tq\n}\na.b(\"x\")\n", "p if {\n\tq\n}\na.b(\"x\") := true\n"),
        ] {
            assert_eq!(respelled(text), wanted);
        }
    }

    #[test]
    fn a_bracket_that_begins_a_line_begins_a_condition() {
        for (text, wanted) in [
            ("p if {\n\tinput.x\n\t(input.y + 1) > 2\n}\n", "p if {\n\tinput.x;\n\t(input.y + 1) > 2\n}\n"),
            ("p if {\n\ta.in # yes\n\n\t(b)\n}\n", "p if {\n\ta.in; # yes\n\n\t(b)\n}\n"),
        ] {
            assert_eq!(respelled(text), wanted);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in [
            "f(x) := y if {\n\ty := g(x)\n}\n",
            "f(x) if x == 1\n\nf(x) = y {\n\tg(x)\n}\n",
            "f(x)\n:= 1\n",
            "f(x)\n{ x }\n",
            "p if\n\tf(1)\n\nq := x +\n\tf(1)\n",
            "p if {\n\tf(1)\n\tnot\n\t(x)\n\ty in\n\t(z)\n}\n",
            "default f(x) := 1\n",
            "p if q with input as\n\tf(1)\n",
            "x := [f(1),\n\tf(2)]\n",
            "x := `\nf(1)\n`\ny := \"\\\"\nf(\"\n# f(1)\n",
            "p contains f(1) if q\n",
            "f (x)\n",
        ] {
            assert_eq!(respelled(text), text);
        }
    }

    #[test]
    fn nothing_moves_that_has_a_place() {
        let text = "package a\nf(1) # é\np if {\n\tinput.x\n\t(1 > 0)\n}\n\"open\n`open";
        let again = respelled(text);
        assert_eq!(again.lines().count(), text.lines().count());
        for (line, old) in again.lines().zip(text.lines()) {
            let same = line.chars().zip(old.chars()).take_while(|(one, other)| one == other).count();
            assert!(same >= old.split('#').next().unwrap_or_default().trim_end().chars().count(), "{line}");
        }
        assert_eq!(respelled(&again), again);
    }
}
