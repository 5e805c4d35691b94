//! What was answered of the last values, so that the same bytes are not judged again: in text that repeats itself, values do too.

/// How many answers are kept.
const KEPT: usize = 8;
/// A shorter value costs less to judge than to compare.
const SHORTEST: usize = 8;

/// Answers about values by what was asked; each must follow from the bytes of the value alone.
pub struct Alike<Q, A> {
    kept: [Option<Answer<Q, A>>; KEPT],
    /// Where the next one goes.
    next: usize,
}

struct Answer<Q, A> {
    from: usize,
    to: usize,
    question: Q,
    answer: A,
}

impl<Q, A> Default for Alike<Q, A> {
    fn default() -> Self {
        Self { kept: [const { None }; KEPT], next: 0 }
    }
}

impl<Q: PartialEq, A: Copy> Alike<Q, A> {
    /// What was answered to this question about the same bytes.
    #[inline]
    pub fn get(&self, text: &[u8], from: usize, to: usize, question: &Q) -> Option<A> {
        let value = text.get(from..to)?;
        let head: Option<&[u8; SHORTEST]> = value.first_chunk();
        let is_same = |kept: &&Answer<Q, A>| {
            if kept.to.wrapping_sub(kept.from) != value.len() || kept.question != *question {
                return false;
            }
            // WHY the first bytes first: nearly all that differ do so there.
            kept.from == from
                || head.is_some()
                    && text.get(kept.from..kept.to).is_some_and(|other| other.first_chunk() == head && other == value)
        };
        self.kept.iter().flatten().find(is_same).map(|kept| kept.answer)
    }

    /// Keeps an answer, and forgets the oldest.
    pub fn put(&mut self, from: usize, to: usize, question: Q, answer: A) {
        if let Some(slot) = self.kept.get_mut(self.next) {
            *slot = Some(Answer { from, to, question, answer });
        }
        self.next = self.next.wrapping_add(1) % KEPT;
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
