//! How far around a place the scanner looks. Each bound is what makes time linear and pieces equal to the whole.

/// The longest value a row may take, in bytes; longer shapes are cut off by their own counts. A private key in PEM fits.
pub const LONGEST: usize = 16_384;
/// How far before a value its lead (`Authorization: Basic `) and the trigger in it may begin.
pub const LEAD: usize = 320;
/// How far before and after a figure a word may stand that says what it is.
pub const BEFORE: usize = 72;
pub const AFTER: usize = 40;
/// How long a figure that needs a word near it may be.
pub const LONGEST_FIGURE: usize = 64;
/// How far after a provider's name its key may stand.
pub const GAP: usize = 48;
/// The longest stretch looked at for `name = value`.
pub const VALUE: usize = 200;
/// What a stream keeps before the place up to which it has answered, and needs after it before it answers.
pub const HEAD: usize = 1_024;
pub const TAIL: usize = LONGEST + LEAD + 512;
/// How much a stream takes in before it looks.
pub const BLOCK: usize = 65_536;
