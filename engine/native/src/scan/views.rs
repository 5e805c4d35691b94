//! What a program writes as somebody sees it: text, and among it what a terminal obeys instead of showing it (ECMA-48).
//!
//! Two readings, for nobody knows what stands beside what on a screen: in the *joined* one all that is no text is left away,
//! so that `sk-\e[0mabc` is `sk-abc`; in the *parted* one it ends a line, so that what was drawn in two places is not one
//! word, and what is said to the terminal itself (a title, a link) is text too.

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
/// The longest sequence; what goes on for longer is text again.
const LONGEST_SEQUENCE: usize = 4_096;

/// What a piece of the text is, up to four bytes: one character or one byte that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// In both readings.
    Text,
    /// In the parted reading alone: what stands in a string for the terminal, characters without width.
    Unseen,
    /// In neither; ends a line of the parted one.
    Control,
    /// In neither, inside a sequence that has begun.
    Inside,
    /// The last of a sequence.
    Last,
    /// A step back over the last character.
    Back,
    /// To the beginning of the line: an end of the line in the parted reading, nothing in the joined one.
    Return,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    /// After `ESC` and bytes from space to `/`.
    Between,
    /// `CSI`: parameters up to a letter.
    Control,
    /// A string for the terminal, up to `BEL` or `ST`.
    String,
    /// In it, after `ESC`.
    StringEscape,
}

/// Reads characters one after the other.
#[derive(Default)]
pub struct Reader {
    state: State,
    length: usize,
}

impl Reader {
    /// Whether a sequence has begun and is not over.
    pub fn is_inside(&self) -> bool {
        self.state != State::Text
    }

    /// What the next character is.
    pub fn next(&mut self, character: &[u8]) -> Part {
        let byte = match character {
            [byte] => *byte,
            // The same in their old form of one byte: 0x80 to 0x9f.
            [0xc2, byte @ 0x80..=0x9f] => *byte,
            _ => {
                return self.wide(character);
            }
        };
        self.length = self.length.saturating_add(1);
        if self.state != State::Text && self.length > LONGEST_SEQUENCE {
            self.state = State::Text;
        }
        match self.state {
            State::Text => self.text(byte),
            State::Escape => self.escape(byte),
            State::Between => match byte {
                0x20..=0x2f => Part::Inside,
                0x30..=0x7e => self.over(),
                _ => self.broken(byte),
            },
            State::Control => match byte {
                0x20..=0x3f => Part::Inside,
                0x40..=0x7e => self.over(),
                _ => self.broken(byte),
            },
            State::String => self.string(byte),
            State::StringEscape => match byte {
                b'\\' => {
                    self.state = State::Text;
                    Part::Control
                }
                _ => self.escape(byte),
            },
        }
    }

    /// A character of several bytes.
    fn wide(&mut self, character: &[u8]) -> Part {
        match self.state {
            State::Text => {}
            State::String => return Part::Unseen,
            _ => self.state = State::Text,
        }
        // Soft hyphens, joiners, marks of direction, marks of the order of bytes, and what stands for what is no text.
        let unseen = matches!(
            character,
            [0xc2, 0xad]
                | [0xe2, 0x80, 0x8b..=0x8f | 0xaa..=0xae]
                | [0xe2, 0x81, 0xa0..=0xaf]
                | [0xef, 0xbb, 0xbf]
                | [0xef, 0xbf, 0xbd]
        );
        if unseen {
            Part::Unseen
        } else {
            Part::Text
        }
    }

    fn begin(&mut self, state: State) -> Part {
        (self.state, self.length) = (state, 1);
        Part::Control
    }

    fn text(&mut self, byte: u8) -> Part {
        match byte {
            ESC => self.begin(State::Escape),
            0x9b => self.begin(State::Control),
            0x90 | 0x98 | 0x9d | 0x9e | 0x9f => self.begin(State::String),
            b'\n' | b'\t' => Part::Text,
            b'\r' => Part::Return,
            0x08 => Part::Back,
            0x00..=0x1f | 0x7f..=0x9f => Part::Control,
            _ => Part::Text,
        }
    }

    fn escape(&mut self, byte: u8) -> Part {
        match byte {
            b'[' => self.goes_on(State::Control),
            b']' | b'P' | b'X' | b'^' | b'_' => self.goes_on(State::String),
            0x20..=0x2f => self.goes_on(State::Between),
            0x30..=0x7e => self.over(),
            _ => self.broken(byte),
        }
    }

    fn string(&mut self, byte: u8) -> Part {
        match byte {
            ESC => {
                self.state = State::StringEscape;
                Part::Control
            }
            BEL | 0x9c | 0x18 | 0x1a => {
                self.state = State::Text;
                Part::Control
            }
            0x00..=0x1f | 0x7f..=0x9f => Part::Control,
            _ => Part::Unseen,
        }
    }

    fn goes_on(&mut self, state: State) -> Part {
        self.state = state;
        Part::Inside
    }

    fn over(&mut self) -> Part {
        self.state = State::Text;
        Part::Last
    }

    /// A sequence that none is: it ends, and this byte is what it is without it.
    fn broken(&mut self, byte: u8) -> Part {
        self.state = State::Text;
        self.text(byte)
    }
}

/// The length of the character that begins a text: 0 when its end is still to come, none when it is no UTF-8.
pub fn character(text: &[u8]) -> Option<usize> {
    let length = match text.first()? {
        0x00..=0x7f => return Some(1),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    match std::str::from_utf8(text.get(..text.len().min(length))?) {
        Ok(_) => Some(length),
        Err(error) if error.error_len().is_none() && text.len() < length => Some(0),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both readings of a text.
    fn read(text: &str) -> (String, String) {
        let (mut reader, mut joined, mut parted) = (Reader::default(), String::new(), String::new());
        for one in text.chars() {
            match reader.next(one.to_string().as_bytes()) {
                Part::Text => {
                    joined.push(one);
                    parted.push(one);
                }
                Part::Unseen => parted.push(one),
                Part::Control | Part::Return => parted.push('|'),
                Part::Back => {
                    joined.pop();
                    parted.push('|');
                }
                Part::Inside | Part::Last => {}
            }
        }
        (joined, parted)
    }

    #[test]
    fn sequences_are_in_neither_reading() {
        let both = |text: &str, joined: &str, parted: &str| {
            assert_eq!(read(text), (joined.to_owned(), parted.to_owned()), "{text:?}");
        };
        both("a\u{1b}[0;31mb", "ab", "a|b");
        both("a\u{1b}(Bb\u{1b}7c\u{1b}=d", "abcd", "a|b|c|d");
        both("a\u{9b}2Jb", "ab", "a|b");
        both("a\u{1b}]0;title\u{7}b", "ab", "a|0;title|b");
        both("a\u{1b}P1q\u{1b}\\b", "ab", "a|1q||b");
        both("a\u{1b}[0\nb", "a\nb", "a|\nb");
        both("s\u{8}sk\u{8}ke\u{8}ey", "skey", "s|sk|ke|ey");
        both("a\u{0}b\u{200b}c\rd", "abcd", "a|b\u{200b}c|d");
        both("東a\u{1b}é", "東aé", "東a|é");
    }

    #[test]
    fn a_sequence_without_end_is_text_again() {
        let text = format!("\u{1b}]{}x", "y".repeat(LONGEST_SEQUENCE));
        let (joined, _) = read(&text);
        assert!(joined.ends_with("yx") && joined.len() < 10, "{joined}");
    }

    #[test]
    fn characters_are_as_long_as_they_are() {
        assert_eq!(character(b"ab"), Some(1));
        assert_eq!(character("é".as_bytes()), Some(2));
        assert_eq!(character(&[0xe6, 0x9d]), Some(0));
        assert_eq!(character(&[0xe6, 0x41]), None);
        assert_eq!(character(&[0x9b]), None);
        assert_eq!(character(&[0xed, 0xa0]), None);
        assert_eq!(character(&[]), None);
    }
}
