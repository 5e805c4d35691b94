//! What was answered of the last values, so that the same bytes are not judged again: in text that repeats itself, values do too.

use std::collections::VecDeque;

/// How many answers are kept.
const KEPT: usize = 8;
/// A shorter value costs less to judge than to compare.
const SHORTEST: usize = 8;

/// Answers about values by what was asked; each must follow from the bytes of the value alone.
pub struct Alike<Q, A>(VecDeque<(usize, usize, Q, A)>);

impl<Q, A> Default for Alike<Q, A> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<Q: PartialEq, A: Copy> Alike<Q, A> {
    /// What was answered to this question about the same bytes.
    #[inline]
    pub fn get(&self, text: &[u8], from: usize, to: usize, question: &Q) -> Option<A> {
        let length = to.saturating_sub(from);
        let mut asked = self.0.iter().filter(|(begin, end, asked, _)| {
            end.saturating_sub(*begin) == length && asked == question && (*begin == from || length >= SHORTEST)
        });
        let value = text.get(from..to);
        let same = asked.find(|(begin, end, _, _)| *begin == from || text.get(*begin..*end) == value);
        same.map(|(_, _, _, answer)| *answer)
    }

    /// Keeps an answer, and forgets the oldest.
    pub fn put(&mut self, from: usize, to: usize, question: Q, answer: A) {
        self.0.truncate(KEPT.saturating_sub(1));
        self.0.push_front((from, to, question, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_have_the_same_answer_to_the_same_question() {
        let text = b"abcdefgh-abcdefgh-abcdefgi-abc-abc";
        let mut alike = Alike::default();
        alike.put(0, 8, 1, true);
        alike.put(27, 30, 1, false);
        assert_eq!(alike.get(text, 9, 17, &1), Some(true));
        assert_eq!([alike.get(text, 18, 26, &1), alike.get(text, 9, 16, &1), alike.get(text, 9, 17, &2)], [None; 3]);
        // Too short to be compared, but asked again.
        assert_eq!([alike.get(text, 27, 30, &1), alike.get(text, 31, 34, &1)], [Some(false), None]);
        (0..KEPT).for_each(|_| alike.put(18, 26, 1, true));
        assert_eq!(alike.get(text, 9, 17, &1), None);
    }
}
