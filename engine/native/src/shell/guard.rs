//! What is refused before anything is read, and characters that make a text look like another one.

use crate::sql::tree::Problem;

/// The longest text that is looked at.
pub const MAX_TEXT: usize = 1 << 20;

/// Reads the bytes as a text worth parsing.
pub fn readable(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() > MAX_TEXT {
        let message = format!("the text has {} bytes, more than {MAX_TEXT}", bytes.len());
        return Err(Problem::new("too_long", message, None));
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(Problem::new("nul_byte", "the text has a NUL byte, which shells drop or stop at", Some(at)));
    }
    std::str::from_utf8(bytes)
        .map_err(|error| Problem::new("not_utf8", "the text is not UTF-8", Some(error.valid_up_to())))
}

/// A character that a reader does not see, or sees as something else.
pub fn misleading(text: &str) -> Option<Problem> {
    let harmless = |byte: u8| (b' '..0x7f).contains(&byte) || matches!(byte, b'\t' | b'\n');
    if text.bytes().all(harmless) {
        return None;
    }
    let found = text.char_indices().find(|(_, char)| is_misleading(*char));
    found.map(|(at, char)| {
        let message = format!("the text has the character U+{:04X}, which nobody sees as what it is", u32::from(char));
        Problem::new("control_character", message, Some(at))
    })
}

fn is_misleading(char: char) -> bool {
    match char {
        '\t' | '\n' => false,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{a0}' => true,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' => true,
        '\u{1680}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' => true,
        '\u{3000}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}
