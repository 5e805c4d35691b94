//! Here-documents: their lines, read at the newline after the operator.

use super::super::syntax::Part;
use super::words::Parts;
use super::{Pending, Read, Reader};

impl Reader<'_> {
    /// The bodies of the here-documents that wait, in order.
    pub(super) fn read_documents(&mut self) -> Read<()> {
        for pending in std::mem::take(&mut self.pending) {
            self.read_document(&pending)?;
        }
        Ok(())
    }

    /// At the end of the text: what still waits has no lines.
    pub(super) fn finish_documents(&mut self) -> Read<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.pending.clear();
        Err(self.fault("here_document", "the lines of a here-document are missing"))
    }

    fn read_document(&mut self, pending: &Pending) -> Read<()> {
        let start = self.pos;
        let mut joined = false;
        let mut quoted_body = String::new();
        loop {
            let from = self.pos;
            if from >= self.end {
                let fault = self.fault("here_document", "a here-document has no end");
                self.oddities.push(fault);
                return self.document_body(pending, start, from, quoted_body);
            }
            while self.byte(self.pos).is_some_and(|byte| byte != b'\n') {
                self.bump();
            }
            let raw = self.text.get(from..self.pos).unwrap_or_default();
            let line = if pending.strips_tabs { raw.trim_start_matches('\t') } else { raw };
            self.bump();
            if !joined && line == pending.delimiter {
                return self.document_body(pending, start, from, quoted_body);
            }
            let backslashes = line.bytes().rev().take_while(|byte| *byte == b'\\').count();
            joined = !pending.quoted && backslashes % 2 == 1;
            if pending.quoted {
                quoted_body.push_str(line);
                quoted_body.push('\n');
            }
        }
    }

    fn document_body(&mut self, pending: &Pending, start: usize, end: usize, quoted_body: String) -> Read<()> {
        let parts = if pending.quoted {
            vec![Part::Quoted(quoted_body)]
        } else {
            self.nested(|reader| reader.expanded_document(start, end))?
        };
        // Each document is read once.
        let _ = pending.body.set(parts);
        Ok(())
    }

    /// The parts of an unquoted body.
    fn expanded_document(&mut self, start: usize, end: usize) -> Read<Vec<Part>> {
        let (pos, limit) = (self.pos, self.end);
        let waiting = std::mem::take(&mut self.pending);
        self.pos = start;
        self.end = end;
        let mut parts = Parts::default();
        let mut result = Ok(());
        while let (Ok(()), Some(byte)) = (&result, self.peek()) {
            result = self.quoted_piece(byte, &mut parts, b"$`\\");
        }
        self.pos = pos;
        self.end = limit;
        self.pending = waiting;
        result.map(|()| parts.done())
    }
}
