//! A target's answer that came in one piece, as its client gets it: framed anew, masked, without the gateway's credential.
//!
//! INVARIANT: what comes out is what `adapters/web/session/replies.py` makes of the same bytes, or nothing does: whatever is not plain (no
//! length, a body elsewhere than where it ends, encodings, parts, a connection that serves no more) is left to it.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use regex::bytes::Regex;

use super::json::Masks;

const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 200;
/// Bytes of a body that is rewritten in one go, as `adapters.web.json_whole` has it.
const MAX_WHOLE: usize = 32 * 1024;
/// Seconds for which a connection waits for another request, whatever the target offers.
const MAX_LASTS: f64 = 15.0;

const DROPPED: &[&[u8]] = &[
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    b"content-length",
    b"alt-svc",
    b"www-authenticate",
    b"cache-control",
    b"surrogate-control",
    b"cdn-cache-control",
    b"cloudflare-cdn-cache-control",
    b"edge-control",
    b"x-accel-expires",
    b"x-accel-redirect",
    b"x-accel-buffering",
    b"x-sendfile",
    b"x-lighttpd-send-file",
    b"x-reproxy-url",
];
const OF_THE_UNMASKED: &[&[u8]] = &[
    b"etag",
    b"digest",
    b"content-digest",
    b"repr-digest",
    b"content-md5",
    b"accept-ranges",
    b"content-encoding",
    b"x-content-type-options",
    b"content-range",
    b"expires",
    b"pragma",
];
const COOKIES: &[&[u8]] = &[b"set-cookie", b"set-cookie2"];
const LINES: &[&[u8]] =
    &[b"application/x-ndjson", b"application/jsonl", b"application/x-jsonlines", b"application/ndjson"];

/// How the answers to one request are shown.
pub struct Show {
    /// None where nothing is masked.
    pub masks: Option<Arc<Masks>>,
    /// What may not come back from the target, the longest first.
    pub secrets: Vec<Vec<u8>>,
    /// Whether the gateway signs in at the target, be it with a secret too short to be looked for.
    pub signs_in: bool,
}

/// An answer as its client gets it.
#[derive(Debug, PartialEq)]
pub struct Shown {
    pub bytes: Vec<u8>,
    /// Bytes of the body among them, without its framing.
    pub size: usize,
    pub status: u16,
    /// Seconds for which the target's connection may serve another request.
    pub lasts: f64,
}

struct Head<'a> {
    status: u16,
    reason: &'a [u8],
    /// Names in lower case, values without space around them.
    headers: Vec<(Vec<u8>, &'a [u8])>,
}

impl Show {
    /// The answer that is all of `data`; None for one that is not plain. `decision_id` is told to the client.
    pub fn shown(&self, data: &[u8], decision_id: &str) -> Option<Shown> {
        let end = find(data.get(..data.len().min(MAX_HEAD))?, b"\r\n\r\n")?;
        let head = head(data.get(..end)?)?;
        let rest = data.get(end.saturating_add(4)..)?;
        let lasts = head.lasts()?;
        let is_chunked = head.is_chunked(rest.len())?;
        let body = if is_chunked { unchunked(rest)? } else { rest.to_vec() };
        let is_masked = self.masks.is_some();
        if (is_masked || self.signs_in) && head.is_encoded() {
            return None;
        }
        let body = match &self.masks {
            Some(masks) if head.is_document() && body.len() <= MAX_WHOLE => masks.rewritten(&body)?,
            Some(_) => return None,
            None if is_chunked && self.signs_in => return None,
            None => body,
        };
        let body = self.scrubbed(body);
        let mut out = Vec::with_capacity(body.len().saturating_add(end).saturating_add(256));
        let stays_chunked = is_chunked && !is_masked;
        self.write_head(&head, &mut out, decision_id, if stays_chunked { None } else { Some(body.len()) })?;
        if stays_chunked {
            if !body.is_empty() {
                let _ = write!(out, "{:x}\r\n", body.len());
                out.extend_from_slice(&body);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"0\r\n\r\n");
        } else {
            out.extend_from_slice(&body);
        }
        Some(Shown { bytes: out, size: body.len(), status: head.status, lasts })
    }

    /// `length`: of the body; None where it goes in chunks.
    fn write_head(&self, head: &Head<'_>, out: &mut Vec<u8>, decision_id: &str, length: Option<usize>) -> Option<()> {
        let is_masked = self.masks.is_some();
        // To a vector nothing fails.
        let _ = write!(out, "HTTP/1.1 {} ", head.status);
        self.put(if is_masked { phrase(head.status)? } else { head.reason }, out);
        out.extend_from_slice(b"\r\n");
        for (name, value) in &head.headers {
            let name = name.as_slice();
            let is_dropped = DROPPED.contains(&name)
                || (is_masked && OF_THE_UNMASKED.contains(&name))
                || (self.signs_in && COOKIES.contains(&name))
                || name.starts_with(b"sallyport-");
            if !is_dropped {
                out.extend_from_slice(name);
                out.extend_from_slice(b": ");
                self.put(value, out);
                out.extend_from_slice(b"\r\n");
            }
        }
        match length {
            Some(length) => {
                let _ = write!(out, "content-length: {length}\r\n");
            }
            None => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        }
        out.extend_from_slice(b"cache-control: private");
        if is_masked {
            out.extend_from_slice(b", no-store");
        } else {
            head.write_caching(out);
        }
        let _ = write!(out, "\r\nsallyport-decision: {decision_id}\r\n");
        if is_masked {
            out.extend_from_slice(b"x-content-type-options: nosniff\r\n");
        }
        out.extend_from_slice(b"\r\n");
        Some(())
    }

    fn put(&self, value: &[u8], out: &mut Vec<u8>) {
        if self.secrets.is_empty() {
            out.extend_from_slice(value);
        } else {
            out.extend_from_slice(&self.scrubbed(value.to_vec()));
        }
    }

    /// Stars in place of each secret, as many.
    fn scrubbed(&self, mut data: Vec<u8>) -> Vec<u8> {
        for secret in &self.secrets {
            let mut from = 0_usize;
            while let Some(at) = data.get(from..).and_then(|rest| find(rest, secret)) {
                let begin = from.saturating_add(at);
                from = begin.saturating_add(secret.len());
                if let Some(found) = data.get_mut(begin..from) {
                    found.fill(b'*');
                }
            }
        }
        data
    }
}

impl<'a> Head<'a> {
    fn values<'b>(&'b self, name: &'static [u8]) -> impl Iterator<Item = &'a [u8]> + 'b {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| *value)
    }

    /// Seconds for which the connection may serve another request; None where it may not, or where that is not certain.
    fn lasts(&self) -> Option<f64> {
        let is_usual =
            |word: &[u8]| word.trim_ascii().is_empty() || word.trim_ascii().eq_ignore_ascii_case(b"keep-alive");
        let is_kept = self.values(b"connection").all(|value| value.split(|byte| *byte == b',').all(is_usual));
        if !is_kept || self.values(b"upgrade").next().is_some() {
            return None;
        }
        let mut lasts = MAX_LASTS;
        for value in self.values(b"keep-alive") {
            let seconds = timeout().as_ref()?.captures(value).and_then(|found| found.get(1));
            if let Some(seconds) = seconds {
                let seconds: f64 = std::str::from_utf8(seconds.as_bytes()).ok()?.parse().ok()?;
                // A second less: the target counts from when it answered.
                lasts = lasts.min(seconds - 1.0);
            }
        }
        (lasts > 0.0).then_some(lasts)
    }

    /// Whether the body is in chunks; else it has the length that was said, which is `there`. None for anything else.
    fn is_chunked(&self, there: usize) -> Option<bool> {
        let (mut codings, mut lengths) = (self.values(b"transfer-encoding"), self.values(b"content-length"));
        match (codings.next(), lengths.next()) {
            (Some(coding), None) => {
                (coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none()).then_some(true)
            }
            (None, Some(length)) if lengths.next().is_none() => {
                (there > 0 && length == there.to_string().as_bytes()).then_some(false)
            }
            _ => None,
        }
    }

    fn is_encoded(&self) -> bool {
        self.values(b"content-encoding").any(|value| !value.is_empty() && !value.eq_ignore_ascii_case(b"identity"))
    }

    /// Whether it is one document of JSON in UTF-8, and nothing else is said about it.
    fn is_document(&self) -> bool {
        let mut types = self.values(b"content-type");
        let (Some(said), None) = (types.next(), types.next()) else {
            return false;
        };
        let mut parts = said.splitn(2, |byte| *byte == b';');
        let media = parts.next().unwrap_or_default().trim_ascii_end().to_ascii_lowercase();
        let is_utf8 = parts.next().is_none_or(|rest| {
            let rest = rest.trim_ascii();
            [&b"charset=utf-8"[..], b"charset=\"utf-8\"", b"charset=utf8"]
                .iter()
                .any(|one| rest.eq_ignore_ascii_case(one))
        });
        let of_type = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(byte);
        let is_type = matches!(media.split(|byte| *byte == b'/').collect::<Vec<_>>().as_slice(),
            [first, second] if !first.is_empty() && !second.is_empty() && first.iter().chain(*second).all(of_type));
        let is_json = media.ends_with(b"+json") || media.ends_with(b"/json");
        is_utf8 && is_type && is_json && !LINES.contains(&media.as_slice()) && self.status != 206
    }

    /// What a client's own cache may do, as far as the target says so.
    fn write_caching(&self, out: &mut Vec<u8>) {
        let mut known: Vec<Vec<u8>> = Vec::new();
        for value in self.values(b"cache-control") {
            for word in value.split(|byte| *byte == b',') {
                let word = word.trim_ascii().to_ascii_lowercase();
                if is_own_cache(&word) && !known.contains(&word) {
                    out.extend_from_slice(b", ");
                    out.extend_from_slice(&word);
                    known.push(word);
                }
            }
        }
    }
}

fn is_own_cache(word: &[u8]) -> bool {
    match word {
        b"no-cache" | b"no-store" | b"must-revalidate" | b"immutable" => true,
        _ => [&b"max-age="[..], b"stale-while-revalidate=", b"stale-if-error="].iter().any(|name| {
            word.strip_prefix(*name)
                .is_some_and(|seconds| (1..=10).contains(&seconds.len()) && seconds.iter().all(u8::is_ascii_digit))
        }),
    }
}

fn timeout() -> &'static Option<Regex> {
    static FOUND: OnceLock<Option<Regex>> = OnceLock::new();
    FOUND.get_or_init(|| Regex::new(r"(?i-u)(?:\A|[,; \t])timeout=([0-9]{1,4})\b").ok())
}

fn is_text(byte: &u8) -> bool {
    matches!(byte, b'\t' | 0x20..=0x7e | 0x80..)
}

/// Status line and header lines, without the empty line behind them; None for what is not plain.
fn head(block: &[u8]) -> Option<Head<'_>> {
    let mut rest = block;
    let first = line(&mut rest)?;
    let first = first.strip_prefix(b"HTTP/1.1 ")?;
    let (digits, reason) = first.split_at_checked(3)?;
    let status: u16 =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
    let is_plain = (200..=599).contains(&status) && !matches!(status, 204 | 304);
    let reason = if reason.is_empty() { reason } else { reason.strip_prefix(b" ")? };
    if !is_plain || !reason.iter().all(is_text) {
        return None;
    }
    let mut headers = Vec::with_capacity(16);
    while !rest.is_empty() {
        let line = line(&mut rest)?;
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let value = value.get(1..)?;
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        if name.is_empty() || !name.iter().all(is_name) || !value.iter().all(is_text) || headers.len() >= MAX_HEADERS {
            return None;
        }
        headers.push((name.to_ascii_lowercase(), trimmed(value)));
    }
    Some(Head { status, reason, headers })
}

/// Takes a line out; what a line has of CR or LF besides its end is refused where it is read.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    match find(rest, b"\r\n") {
        Some(end) => {
            let (line, behind) = rest.split_at_checked(end)?;
            *rest = behind.get(2..)?;
            // A head that ends in CRLF before its empty line has an empty header line.
            (!rest.is_empty()).then_some(line)
        }
        None => Some(std::mem::take(rest)),
    }
}

fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The body in chunks that is all of `rest`, without extensions or trailers.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(rest.len());
    loop {
        let end = find(rest.get(..rest.len().min(16))?, b"\r\n")?;
        let digits = rest.get(..end).filter(|digits| (1..=8).contains(&digits.len()))?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        rest = rest.get(end.saturating_add(2)..)?;
        if size == 0 {
            return (rest == b"\r\n").then_some(body);
        }
        let (piece, behind) = rest.split_at_checked(size)?;
        body.extend_from_slice(piece);
        rest = behind.strip_prefix(b"\r\n")?;
    }
}

fn find(data: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0_usize;
    loop {
        let rest = data.get(from..)?;
        let at = rest.iter().position(|byte| *byte == first)?;
        if rest.get(at..)?.starts_with(wanted) {
            return Some(from.saturating_add(at));
        }
        from = from.saturating_add(at).saturating_add(1);
    }
}

/// The usual reason of a status, for those that are usual.
fn phrase(status: u16) -> Option<&'static [u8]> {
    Some(match status {
        200 => b"OK",
        201 => b"Created",
        202 => b"Accepted",
        203 => b"Non-Authoritative Information",
        301 => b"Moved Permanently",
        302 => b"Found",
        303 => b"See Other",
        307 => b"Temporary Redirect",
        308 => b"Permanent Redirect",
        400 => b"Bad Request",
        401 => b"Unauthorized",
        402 => b"Payment Required",
        403 => b"Forbidden",
        404 => b"Not Found",
        405 => b"Method Not Allowed",
        406 => b"Not Acceptable",
        409 => b"Conflict",
        410 => b"Gone",
        412 => b"Precondition Failed",
        415 => b"Unsupported Media Type",
        429 => b"Too Many Requests",
        500 => b"Internal Server Error",
        501 => b"Not Implemented",
        502 => b"Bad Gateway",
        503 => b"Service Unavailable",
        504 => b"Gateway Timeout",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::json::{Mask, Method, Step};
    use super::*;

    fn show(is_masked: bool, secret: &str) -> Show {
        let card = || vec![Step { name: Some("card".to_owned()), is_deep: true }];
        let masks =
            is_masked.then(|| Arc::new(Masks::new(vec![Mask { path: card(), method: Method::Redact, kind: 0 }])));
        let secrets = if secret.is_empty() { Vec::new() } else { vec![secret.as_bytes().to_vec()] };
        Show { masks, secrets, signs_in: !secret.is_empty() }
    }

    fn shown(show: &Show, data: &str) -> Option<String> {
        show.shown(data.as_bytes(), "d-1").map(|made| String::from_utf8_lossy(&made.bytes).into_owned())
    }

    #[test]
    fn a_plain_answer_is_framed_anew() {
        let said = "HTTP/1.1 200 Fine\r\nServer: x \r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nCache-Control: public, Max-Age=5\r\nX-Sendfile: /\r\nSallyport-Decision: d-2\r\nContent-Length: 2\r\n\r\nab";
        assert_eq!(
            show(false, "").shown(said.as_bytes(), "d-1"),
            Some(Shown {
                bytes: b"HTTP/1.1 200 Fine\r\nserver: x\r\ncontent-length: 2\r\ncache-control: private, max-age=5\r\nsallyport-decision: d-1\r\n\r\nab".to_vec(),
                size: 2,
                status: 200,
                lasts: 4.0,
            })
        );
        assert_eq!(
            shown(&show(false, ""), "HTTP/1.1 404\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n").as_deref(),
            Some("HTTP/1.1 404 \r\ntransfer-encoding: chunked\r\ncache-control: private\r\nsallyport-decision: d-1\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        );
    }

    #[test]
    fn masks_and_secrets_are_taken_out() {
        let said = "HTTP/1.1 200 4111\r\nETag: 4111\r\nContent-Type: application/json; charset=UTF-8\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"card\": \"4111\"}\r\n0\r\n\r\n";
        assert_eq!(
            shown(&show(true, ""), said).as_deref(),
            Some("HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=UTF-8\r\ncontent-length: 21\r\ncache-control: private, no-store\r\nsallyport-decision: d-1\r\nx-content-type-options: nosniff\r\n\r\n{\"card\":\"[redacted]\"}")
        );
        let said = "HTTP/1.1 200 no secret\r\nX: a secret.\r\nSet-Cookie: a\r\nContent-Length: 8\r\n\r\n-secret-";
        assert_eq!(
            shown(&show(false, "secret"), said).as_deref(),
            Some("HTTP/1.1 200 no ******\r\nx: a ******.\r\ncontent-length: 8\r\ncache-control: private\r\nsallyport-decision: d-1\r\n\r\n-******-")
        );
    }

    #[test]
    fn what_is_not_plain_is_left_alone() {
        let with = |lines: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n{body}");
        for data in [
            with("Content-Length: 3", "ab"),
            with("Content-Length: 1", "ab"),
            with("Content-Length: 02", "ab"),
            with("Content-Length: 0", ""),
            with("Server: x", "ab"),
            with("Content-Length: 2\r\nContent-Length: 2", "ab"),
            with("Content-Length: 2\r\nTransfer-Encoding: chunked", "ab"),
            with("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
            with("Transfer-Encoding: chunked", "0\r\nx: y\r\n\r\n"),
            with("Transfer-Encoding: chunked", "1;a\r\nx\r\n0\r\n\r\n"),
            with("Transfer-Encoding: chunked", "0\r\n\r\nHTTP"),
            with("Content-Length: 2\r\nConnection: close", "ab"),
            with("Content-Length: 2\r\nUpgrade: h2c", "ab"),
            with("Content-Length: 2\r\nKeep-Alive: timeout=1", "ab"),
            with("Content-Length: 2\r\n folded", "ab"),
            with("Content-Length : 2", "ab"),
            with("Content-Length: 2\r\nx: a\rb", "ab"),
            with("Content-Length: 2\r\nx: a\nb", "ab"),
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab".to_owned(),
            "HTTP/1.1 101 OK\r\nContent-Length: 2\r\n\r\nab".to_owned(),
            "HTTP/1.1 304 OK\r\nContent-Length: 2\r\n\r\nab".to_owned(),
            "HTTP/1.1 200 OK\r\nContent-Length: 2".to_owned(),
        ] {
            assert_eq!(shown(&show(false, ""), &data), None, "{data:?}");
        }
        for lines in [
            "Content-Type: text/csv",
            "Content-Type: application/x-ndjson",
            "Content-Type: application/json;v=1",
            "X: y",
            "Content-Type: application/json\r\nContent-Encoding: gzip",
        ] {
            assert_eq!(shown(&show(true, ""), &with(&format!("{lines}\r\nContent-Length: 2"), "{}")), None, "{lines}");
        }
    }
}
