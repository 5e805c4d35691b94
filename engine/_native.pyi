"""The Rust core: bytes in, bytes out, the GIL released. All structured values are msgpack unless said otherwise.

No function raises on hostile commands or inputs: it answers with problems or errors inside the result. `NativeError`
(with `code`) is for what the caller got wrong (undecodable msgpack, an unknown handle) and for caught panics.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import final

from typing_extensions import disjoint_base

class NativeError(Exception):
    code: str

# --- SQL ---------------------------------------------------------------------------------------------------------

def parse_sql(text: bytes, catalog: Catalog | None = None) -> bytes:
    """The command tree of a PostgreSQL text (`engine.command.tree.Command`)."""

def split_sql(text: bytes) -> bytes:
    """The statements of a text: list of [start, end) byte offsets, or empty when PostgreSQL's grammar refuses it."""

def sql_shape(text: bytes) -> bytes | None:
    """A key that two texts share only if they differ in literals alone and have the same tree; None when not simple enough."""

def sql_kinds() -> bytes:
    """The words of SQL trees: {"kinds": [[name, effect]], "features": [names], "via": [names]}."""

@final
class Catalog:
    """What the names in SQL mean: relations and their columns, search_path. Immutable; built once, used often."""

    def __new__(cls, encoded: bytes) -> Catalog:
        """`encoded`: msgpack of {"search_path": [...], "relations": {"schema.name": [columns]}, "views"?: {"schema.name":
        query or None}, "functions"?: {"schema.name": {"effect"?, "security_definer"?, "columns"?}}, "types"?: [names],
        "prepared"?: {name: text}}. Raises NativeError MALFORMED or CATALOG_INVALID.
        """

    def for_session(self, encoded: bytes) -> Catalog:
        """The same objects as one session sees them: msgpack of {"search_path": [...], "prepared"?: {name: text}}. Cheap."""

    @property
    def version(self) -> str: ...
    @property
    def source(self) -> bytes:
        """What it was built from. A copy each time."""

    @property
    def session(self) -> bytes:
        """What `for_session` was given; empty for a catalog that is no session's."""

# --- Shell -------------------------------------------------------------------------------------------------------

def parse_shell(text: bytes) -> bytes:
    """The command tree of a shell text (`engine.command.tree.Command`, with `shell` on its operations)."""

def shell_kinds() -> bytes:
    """The words of shell trees: {"kinds": [[name, effect]], "signs": [names], "features": [names], "via": [names]}."""

# --- Rego --------------------------------------------------------------------------------------------------------

@final
class Program:
    """Compiled policies with the candidate index. Immutable; may be used from many threads at once."""

    @staticmethod
    def compile(modules: bytes, data: bytes, options: bytes) -> Program:
        """Compile. `modules`: msgpack list of [file, text]; `data`: msgpack document; `options`: msgpack of
        {"capabilities": [builtins], "limits"?: {name: number}, "volatile"?: [paths], "schema"?: JSON schema of the input}.

        Raises NativeError code POLICY_REFUSED; its args[1] is msgpack of the list of diagnostics
        {code, message, file, line, column, end_line, end_column, severity, help}.
        """

    def describe(self) -> bytes:
        """{"rules": [{id, package, kind, code?, head?, file, line, always (no index), reads: [paths], volatile}],
        "warnings": [diagnostics]}. `head`: the result as far as it is literal, {line, column, end_line, end_column,
        value | fields, computed: [names of fields]}.
        """

    def evaluate(self, input: bytes, now_ns: int) -> bytes:
        """{"results": [[rule id, value]], "errors": [{rule, message}], "volatile": bool, "candidates": n}.

        `volatile`: a candidate reads time or other things outside the input's stable part. A non-empty `errors` is a deny.
        """

    def candidates(self, input: bytes) -> bytes:
        """The list of the rule ids that `evaluate` runs for an input."""

    def part(self, command: bytes) -> bytes | None:
        """What the rules can read of an encoded command that a parser of ours wrote: equal for two commands only where no
        rule can tell them apart. None where there is none to be had: a rule reads all of it, or it is very long or deep.
        """

    def evaluate_all(self, input: bytes, now_ns: int) -> bytes:
        """The same without the index: every rule."""

    def evaluate_interpreted(self, input: bytes, now_ns: int) -> bytes:
        """The same by the interpreter, without the index; for tests. A result stands under the first rule of its set."""

    def run_tests(self, now_ns: int) -> bytes:
        """Run the `test_` rules by the interpreter: list of {name, file, line, passed, error}."""

    def conditions(self) -> bytes:
        """Every condition of the policies, and what binds names: list of {file, line, column, end_line, end_column, rule,
        rule_line, text, parent, binds, negated, helpers}. NativeError UNOBSERVABLE when they cannot be watched.
        """

    def observe(self, input: bytes, now_ns: int) -> bytes:
        """How the conditions come out for an input, every rule run by the interpreter: {"seen": [[condition, 1 it held |
        2 it did not | 3 both]], "values": [[condition, {path: value}]] of the first time it did not, "errors": [text]}.
        """

    def observe_tests(self, now_ns: int) -> bytes:
        """The same of the `test_` rules, all of them together."""

def conformance(case: bytes, now_ns: int) -> bytes:
    """One OPA conformance case (JSON bytes, as in service.md) to its answer line (JSON bytes), with `evaluator` rvm|interpreter.

    `now_ns` is the current time of the case.
    """

# --- PostgreSQL wire ---------------------------------------------------------------------------------------------

def outline_sql(text: bytes) -> bytes:
    """The statements of a text: list of [start, end, sort, name, inner], or nil when PostgreSQL's grammar refuses it.

    `sort`: plain begin end chain savepoint prepare_transaction copy_in prepare execute deallocate deallocate_all
    discard_all declare fetch close close_all set_lexer; `name` is that of the prepared statement or cursor, `inner` the offset of
    the text that PREPARE keeps.
    """

def skip_rows(buffer: bytes, start: int) -> int:
    """The offset after the run of whole DataRow/CopyData messages that begins at `start` (start itself when there is none)."""

def short_query(data: bytes) -> tuple[bytes, bytes] | None:
    """(text, run) of the simple query that is all of `data`; `run` are the messages that run it as one statement.

    It holds no `;` but at its end, and neither `execute` nor `copy`. None: read it message by message.
    """

def short_run(data: bytes) -> tuple[bytes, bytes | None, tuple[str | None, ...], bool] | None:
    """(statement, text, parameters, described) of the one execution that is all of `data`: Parse?, Bind, Describe?, Execute, Sync.

    The portal is the unnamed one, nothing is limited, every message is well formed. None: read it message by message.
    """

def short_reply(data: bytes) -> tuple[bool, int, int, int, int, int] | None:
    """(parsed, described, shown, rows, tag, status) of the answer to one execution that is all of `data`.

    `described` is the type of the description or 0; `shown` is where what is behind ParseComplete and BindComplete begins;
    `rows` are bytes, `tag` is how many rows the tag speaks of. None: read it message by message.
    """

@final
class RowMasker:
    """Rewrites DataRow messages by a plan fixed for one result."""

    def __new__(cls, plan: bytes) -> RowMasker:
        """`plan`: list, one item for each column: None or {"method", "params", "type_oid", "format"}; hash keys are bytes in params.
        With "values", names of types of the scanner, only what is of these types is hidden in a cell."""

    def mask(self, rows: bytes) -> bytes:
        """Rewrite a buffer of whole DataRow messages. NativeError MALFORMED when it is not one: the session ends."""

    @property
    def cells(self) -> int:
        """How many cells were rewritten so far."""

@final
class CopyOut:
    """A COPY TO STDOUT: the query whose rows it sends, and how it writes them."""

    @staticmethod
    def read(text: bytes, columns: list[str]) -> CopyOut | None:
        """The one that is all of `text`; `columns` are those that its relation sends where it names none.

        None: another statement, or an option that is not known.
        """

    @property
    def query(self) -> bytes:
        """A SELECT of the same columns."""

    @property
    def is_binary(self) -> bool:
        """Whether its values are in the binary format."""

    def masker(self, plan: bytes, names: list[str]) -> CopyMasker:
        """`plan` as for RowMasker, `names` as the server describes the query's columns.

        NativeError NULL_UNCLEAR: a value could be written as NULL is.
        """

@final
class CopyMasker:
    """Rewrites what one COPY sends."""

    def fits(self, announced: bytes) -> bool:
        """Whether CopyOutResponse (its body) announces what this was made for."""

    def mask(self, rows: bytes) -> bytes:
        """Rewrite a buffer of whole CopyData messages, in order. NativeError MALFORMED when it is not one: the session ends."""

    @property
    def cells(self) -> int:
        """How many cells were rewritten so far."""

# --- TLS ---------------------------------------------------------------------------------------------------------

@final
class TlsServer:
    """How a server does TLS (1.2 and newer; nothing is resumed): its chain and its key (PEM; RSA, ECDSA, Ed25519), the authorities of certificates
    that clients may show (PEM; none is needed of them), and what is spoken inside (ALPN).

    Raises NativeError CONFIG for what cannot be used, in words that hold nothing of the key.
    """

    def __new__(
        cls, chain: bytes, key: bytes, clients: bytes | None = None, protocols: list[bytes] = ...
    ) -> TlsServer: ...

@final
class TlsClient:
    """How a client does it: whose certificates it takes (PEM), whether only for the name that it asked for, what it shows where it is asked
    (chain and key). Raises as TlsServer."""

    def __new__(
        cls,
        authorities: list[bytes],
        checks_name: bool,
        own: tuple[bytes, bytes] | None = None,
        protocols: list[bytes] = ...,
    ) -> TlsClient: ...

@disjoint_base
class TlsConnection:
    """One connection. `start`, `take` and `seal` raise NativeError where it cannot go on, and then `to_send` has the alert: CERTIFICATE when the
    other side's is not taken, TLS for all else."""

    def __new__(cls, how: TlsServer | TlsClient, host: str | None) -> TlsConnection:
        """`host`: the name or address that a client asks for. NativeError TLS for what is neither."""

    def start(self) -> None:
        """Begin the handshake: a client has something to send then."""

    def take(self, data: bytes) -> bytes:
        """Bytes off the wire; gives the clear text that is whole by now."""

    def seal(self, data: bytes) -> bytes:
        """The bytes for the wire that carry `data`, behind whatever else waits to be sent."""

    def to_send(self) -> bytes:
        """What the connection itself has to say: handshake, alerts, keys."""

    def farewell(self) -> bytes:
        """The end of the connection (`close_notify`), as far as it can still be said."""

    @property
    def has_words(self) -> bool:
        """Whether the connection itself has something to say (`to_send`)."""

    @property
    def is_plain(self) -> bool:
        """After `take`: it gave clear text, and nothing began, ended or has to be said."""

    @property
    def is_secure(self) -> bool:
        """The handshake is done, the peer taken as far as its certificate is asked for."""

    @property
    def is_over(self) -> bool:
        """The peer said that nothing more comes."""

    @property
    def peer_certificate(self) -> bytes | None:
        """The certificate (DER) that the peer showed, once the handshake is done."""

    @property
    def peer_name(self) -> str | None:
        """The one common name in it."""

    @property
    def chosen_protocol(self) -> str | None:
        """What was agreed on by ALPN, once the handshake is done."""

# --- Audit -------------------------------------------------------------------------------------------------------

@final
class EntryForm:
    """What the audit's line of one verdict says that stays the same (`gateway.forms`)."""

    def __new__(
        cls, before: bytes, after: bytes, protocol: str, own: tuple[str, bytes] | None, hides: bool
    ) -> EntryForm:
        """`before`, `after`: fields as they stand in the line. `own`: digest and JSON text of the one question it is for.

        Without `own`, secrets in each text are hidden if `hides`.
        """

    @property
    def size(self) -> int:
        """Bytes it keeps."""

    def fill(self, decision_id: str, now: int, text: bytes, parameters: tuple[str | None, ...] | None) -> bytes | None:
        """The line's body for one more question; None when it is longer than a line may be."""

@final
class Unwritten:
    """The lines that the log has taken and that its file does not hold yet (`gateway.audit.log`). One thread at a time.

    A body is all of a line's object but the opening brace.
    """

    def __new__(cls, next: int, most: int) -> Unwritten:
        """`next` is the number of the next line; `most` lines may wait."""

    @property
    def next(self) -> int:
        """The number of the next line."""

    @property
    def waiting(self) -> int:
        """How many lines wait."""

    @property
    def size(self) -> int:
        """Bytes of the segment that stand in its file."""

    @property
    def written(self) -> int:
        """The number of the last line that stands in the file."""

    @property
    def is_torn(self) -> bool:
        """Whether a write into the lent segment failed: behind `size` there may be a piece of it."""

    def begin(self, size: int) -> None:
        """A segment of `size` bytes is written from now on."""

    def mended(self) -> None:
        """What a failed write left is cut off."""

    def failed(self) -> None:
        """What was given out last was not written."""

    def lend(self, path: Path, upto: int) -> None:
        """Let lanes write the segment at `path` themselves until it has `upto` bytes. Raises OSError."""

    def keep(self) -> None:
        """No lane does any more."""

    def clear(self) -> None:
        """Forget what waits."""

    def note(self, body: bytes) -> int | None:
        """Take a line that may wait, and say its number; None when too many do."""

    def with_line(self, body: bytes) -> bytes:
        """What is to be written for one more line, with all that waits before it. Nothing has changed until `wrote`."""

    def noted(self) -> bytes:
        """What is to be written of what waits, alone."""

    def let_out(self) -> bool:
        """Write what waits into the segment that is lent. No: the log has to, and to cut off first what `is_torn` tells of."""

    def wrote(self) -> int:
        """What was given out last stands in the file. The number of its last line."""

@final
class Pauses:
    """The pauses of the log's keeper, each with a look at the free space of a folder's file system at its end (`gateway.audit.log`). Safe from
    any thread."""

    def __new__(cls, folder: Path) -> Pauses: ...
    def wait(self, seconds: float) -> int | None:
        """Pause so long, or until `end`: how many bytes may be written there then; None once all is over. Raises OSError, ValueError."""

    def end(self) -> bool:
        """No pause lasts from now on. Whether this is the first that is said of it."""

@final
class Leave:
    """Leave to give one answer again (`GateSession.leave`): the core compares what decided it, and writes the line itself."""

    def __new__(
        cls,
        stands: list[tuple[object, str, object]],
        time: tuple[Callable[[], int], int, float],
        names: tuple[str, Iterator[int]],
        log: Unwritten,
        counted: tuple[Histogram, Count],
    ) -> Leave:
        """`stands`: (owner, attribute, what it has to be, the very object; a weak reference stands for what it refers to). `time`: the
        clock, in nanoseconds, the moment at which leave ends, and the seconds for which it lasts from now. `names`: what a decision's name begins with, and its number."""

@final
class PostgresLane:
    """Commands that one session was granted before, from bytes to bytes (`adapters.postgres.session.lane`)."""

    def __new__(cls) -> PostgresLane: ...
    @property
    def is_used(self) -> bool:
        """Whether it is open, or a command is under way in it."""

    @property
    def is_under_way(self) -> bool:
        """Whether a command is under way in it."""

    def forget(self) -> None:
        """Forget what was granted."""

    def forget_names(self) -> None:
        """Forget what statements' names stand for."""

    def learn(self, text: bytes, form: EntryForm, for_shape: bool, answer: object) -> None:
        """Keep what was granted for this text, or for all of its shape."""

    def name(self, statement: bytes, text: bytes) -> None:
        """What a statement's name stands for."""

    def open(self, status: int, simple: bool, extended: bool, until: float, names: object) -> None:
        """Let commands through while the transaction status is this one: simple queries, runs of the extended protocol.
        They go through before `until`, and as long as `names.current` is the very object that it is now."""

    def leave(
        self,
    ) -> tuple[
        tuple[object, str, float, bytes, tuple[bytes, bool, bool] | None] | None,
        list[tuple[bytes, bytes]],
    ]:
        """Close it. What is under way: (answer, decision, began, text, run), with run (name, parsed, described) or None for a
        simple query; and the statements that were parsed in it: (name, text)."""

    def ask(self, data: bytes, now: float) -> bytes | None:
        """What goes up for bytes from the client that are one command known here, once `line` is recorded. Else None. Raises
        what `names.current` raises."""

    def take_back(self) -> None:
        """What `ask` found goes another way; nothing of it was recorded or sent."""

    def grant(self, leave: Leave | None) -> None:
        """Leave to give what was granted again, until something is granted anew."""

    def carry(self, data: bytes, now: float) -> bytes | None:
        """As `ask`, with leave: its line is written when this says what goes up. None: nothing was, ask without leave."""

    def answer(self, data: bytes, now: float) -> bytes | None:
        """As `reply`, with leave: its outcome waits in the log. None: nothing has changed, reply without leave."""

    def wire(
        self,
        client: tuple[Callable[[bytes], None], TlsConnection | None],
        target: tuple[Callable[[bytes], None], TlsConnection | None],
        now: float,
    ) -> Wire:
        """`carry` and `answer` between two sockets: where each is written to, and the TLS over it. `now` is the loop's clock."""

    def line(self, log: Unwritten, decision_id: str, clock: int) -> bytes | None:
        """What is to be written for what `ask` found: `Unwritten.with_line`; None when its line is too long."""

    def reply(self, data: bytes, now: float) -> bytes | None:
        """What the client is shown of bytes that are the whole plain answer; `outcome` is next. Else None."""

    def outcome(self, log: Unwritten, clock: int) -> bool:
        """Let the outcome's line for what `reply` ended wait: `Unwritten.note`; no when too many do. There may be none."""

@final
class Wire:
    """Two sides of a connection whose lane is open (`adapters.core.joint`)."""

    def up(self, data: bytes) -> bytes | None:
        """What came from the client. None: it was carried; else the clear text, of which nothing was (`is_plain` of its TLS says what else
        there is). Raises as `TlsConnection.take` and `seal`, and what the target's `write` does."""

    def down(self, data: bytes) -> bytes | None:
        """The same from the target, for the client."""

    def was_heard(self) -> bool:
        """Whether the client said something since this was asked last."""

    def call_after(self, pieces: int, call: Callable[[], None]) -> None:
        """Call somebody once, when so many pieces more were carried by `up` and `down`."""

    def tap(self, passage: Passage, others: Callable[[bool, bytes | None, Exception | None], None]) -> tuple[int, int]:
        """Read and write the sockets that were sent through `passage`, the client's and the target's, until `untap`: by which numbers (who waits for them
        calls `hear_client`, `hear_target`). `others` is told of which side (the client's?) there is what else: clear text that was not carried, as
        from `up`; or why that cannot be; or neither, where its transport is to look: an end, or what it was given to write. Raises OSError."""

    def untap(self) -> None:
        """Let the sockets go."""

    def hear_client(self) -> None:
        """Carry on what the client's socket has. With no sockets, nothing."""

    def hear_target(self) -> None:
        """The same of the target's."""

@final
class Passage:
    """The way of two sockets to a `Wire`. Raises OSError where no more files may be opened."""

    def __init__(self) -> None: ...
    def far(self) -> int:
        """The number of the end to send them into (`socket.send_fds`), the caller's from now on. Once; raises OSError."""

def outcome_body(decision_id: str, now: int, counts: tuple[int, int, int], duration: float, error: str | None) -> bytes:
    """The audit line's body for what became of a granted command (`gateway.forms`). A duration that is no number is null.

    `counts`: rows, bytes, values that were masked.
    """

@final
class AuditTree:
    """The audit's Merkle tree as it grows in its files (`gateway.audit.tree`). One thread at a time."""

    def __new__(cls, folder: Path, frontier: list[tuple[int, bytes]]) -> AuditTree:
        """`frontier`: the roots of the complete subtrees that stand there, the largest first, each with its level. Raises NativeError
        INPUT_INVALID."""

    @property
    def size(self) -> int:
        """How many entries are in it."""

    def root(self) -> bytes:
        """The root over all of them."""

    def grow(self, segment: Path, place: int, upto: int) -> tuple[int, int]:
        """Add the whole lines that stand in a segment from `place` on, up to entry `upto` and some ten thousand at a time, and put them on
        the disk: how many lines, how many bytes. Raises NativeError: OUT_OF_ORDER for a line that has another number, or none; UNREADABLE
        for the segment and UNWRITABLE for the tree, with the system's words. After that it is to be made again from its files.
        """

# --- Numbers -----------------------------------------------------------------------------------------------------

@final
class Count:
    """A number that grows. Safe from any thread."""

    def __new__(cls) -> Count: ...
    def add(self) -> None:
        """Count one."""

    @property
    def value(self) -> int: ...

@final
class Histogram:
    """How many values there were up to each of some limits that ascend. Safe from any thread."""

    def __new__(cls, limits: list[float]) -> Histogram: ...
    def observe(self, value: float) -> None:
        """Count one."""

    def moment(self) -> float:
        """The time for `observe_since`, in seconds."""

    def observe_since(self, began: float, count: Count) -> None:
        """Count how long ago a `moment` is, and one in `count`."""

    def read(self) -> tuple[list[int], float]:
        """How many there were up to each limit and above the one before, those above the last behind them; and their sum."""

# --- HTTP --------------------------------------------------------------------------------------------------------

@final
class JsonMasks:
    """The masks of one plan, as documents of JSON are rewritten by them (engine/native/src/web/json.rs).

    Each is (path, method, keep_first, keep_last, key, kind): a path is steps (folded name or None for any, is_deep), methods are those of
    `engine.masking.transforms` but `tokenize`, masks of one `kind` do the same. Raises NativeError INPUT for another method.
    """

    def __new__(cls, masks: list[tuple[list[tuple[str | None, bool]], str, int, int, bytes, int]]) -> JsonMasks: ...
    def rewritten(self, document: bytes) -> bytes | None:
        """A whole document rewritten, without the white space between tokens; None where it is not certain what that is."""

@final
class WebLane:
    """Requests that one session was granted before, from bytes to bytes (`adapters.web.session.lane`)."""

    def __new__(cls) -> WebLane: ...
    @property
    def is_under_way(self) -> bool:
        """Whether a request is under way in it."""

    @property
    def last(self) -> float:
        """When the last answer was over."""

    @property
    def lasts(self) -> float:
        """Seconds for which the connection of the last answer in it may serve another request."""

    @property
    def again(self) -> object | None:
        """What decided the request under way."""

    def forget(self) -> None:
        """Forget what was granted."""

    def learn(
        self,
        request: bytes,
        text: bytes,
        up: bytes,
        form: EntryForm,
        again: object,
        own: object,
        masks: JsonMasks | None,
        secrets: list[bytes],
        signs_in: bool,
    ) -> None:
        """Keep what was granted to a request that came in these bytes: the text that was judged, what goes up, how the audit tells it, what
        decided it, what the session knows of it; how answers are masked, and what is taken out of them."""

    def open(self, now: float) -> None:
        """Let requests through; the last answer was over at this time."""

    def leave(self) -> tuple[object, str, float] | None:
        """Close it. What is under way: (what the session knows of it, decision, began)."""

    def ask(self, data: bytes, now: float) -> bytes | None:
        """What goes up for bytes from the client that are one request known here, once `line` is recorded. Else None."""

    def take_back(self) -> None:
        """What `ask` found goes another way."""

    def line(self, log: Unwritten, decision_id: str, clock: int) -> bytes | None:
        """What is to be written for the decision's line; None when there can be none."""

    def reply(self, data: bytes, now: float) -> bytes | None:
        """What the client is shown of bytes that are the plain answer to what is under way. Else None."""

    def outcome(self, log: Unwritten, clock: int) -> bool:
        """Let the line for what became of it wait in the log. No: it cannot."""

# --- Secrets and personal data -----------------------------------------------------------------------------------

def scan_text(text: bytes) -> bytes:
    """[spans, masked]: spans are [start, end, type number] in characters (the text is UTF-8), in order, without overlaps."""

def scan_spans(text: bytes) -> bytes:
    """The same spans in bytes, without the masked text."""

def scan_types(text: bytes) -> bytes:
    """The numbers of the types that a text has; cheaper than its spans."""

def hide_secrets(text: bytes) -> bytes | None:
    """The text (UTF-8) with every secret replaced by `[redacted]`; None when it has none."""

def scan_detectors() -> bytes:
    """{"types": [names, by number], "rows": [[type, how, triggers, shape, checks, context, rank, title]]}."""

@final
class ScanStream:
    """A text that comes in pieces: the same spans as of the whole, in bounded memory. Spans are [start, end, type] in bytes of the whole."""

    def __new__(cls) -> ScanStream: ...
    def push(self, piece: bytes) -> bytes:
        """Take a piece; the spans that are final by it."""

    def finish(self) -> bytes:
        """End the text; the spans that were left. NativeError ENDED when it has ended before."""

    @property
    def settled(self) -> int:
        """Up to which byte nothing that comes can add or change a span."""

@final
class ScanOutput:
    """What a program writes, the values of these types taken out of it as it comes (engine/native/src/scan/output.rs).

    `take` gives [what may be shown now, [[before which byte of it, type, value]], whether something was no text, whether
    something is kept back].
    """

    def __new__(cls, types: list[int], is_terminal: bool) -> ScanOutput: ...
    def take(self, piece: bytes | None, is_over: bool) -> bytes:
        """Take what was written next; without it, nothing was for a while (what only waits for words beside it is settled), or is
        any more (`is_over`)."""
