"""What the words of a Python program mean: kinds, signs, features, steps of `via`.

Files have the kinds of the shell's tables, so that one rule can speak of both. Policies are checked against these tables,
and `docs/commands.md` is written from them.
"""

from __future__ import annotations

from engine.command.tree import Effect
from engine.command.words import Kind

KINDS: tuple[Kind, ...] = (
    Kind("unknown", Effect.UNKNOWN, "A text that is no Python, or that nobody can read to the end; never harmless"),
    Kind("empty", Effect.READ, "A text that does nothing"),
    Kind("import_module", Effect.READ, "Imports a module that the tables know; the target is the module"),
    Kind(
        "import_unknown",
        Effect.UNKNOWN,
        "Imports a module that no table knows, or one by a computed name: its code runs",
    ),
    Kind("compute", Effect.READ, "Calls a function that only computes or prints"),
    Kind("call_function", Effect.READ, "Calls a function or class that the text defines; its body is listed as well"),
    Kind("call_method", Effect.READ, "Calls a method by a name that only data have: `append`, `strip`, `items`"),
    Kind("call_unknown", Effect.UNKNOWN, "Calls a function that has a name and stands in no table"),
    Kind("call_dynamic", Effect.UNKNOWN, "Calls something that is only known when it runs"),
    Kind("reflect", Effect.UNKNOWN, "Reaches for the insides: frames, globals, classes of classes, modules as values"),
    Kind("session", Effect.SESSION, "Changes the interpreter for what comes after: hooks, limits, the folder"),
    Kind("inspect", Effect.READ, "Lists folders, looks at attributes of files or at the system"),
    Kind("read_file", Effect.READ, "Reads a file"),
    Kind("write_file", Effect.WRITE, "Changes the contents of a file"),
    Kind("create_file", Effect.CREATE, "Makes files, folders or links"),
    Kind("copy_file", Effect.CREATE, "Copies files"),
    Kind("move_file", Effect.WRITE, "Moves or renames files"),
    Kind("delete_file", Effect.DELETE, "Removes files or folders"),
    Kind("permissions", Effect.GRANT, "Owners and modes of files, rights of the process"),
    Kind("archive", Effect.CREATE, "Packs or unpacks"),
    Kind(
        "run_process",
        Effect.EXECUTE,
        "Starts a program; where its line is constant, what it does follows as operations of the shell",
    ),
    Kind("run_code", Effect.EXECUTE, "Runs code from a text, a file or a name: `eval`, `exec`, `runpy`"),
    Kind("deserialise", Effect.EXECUTE, "Makes objects from data that may hold code: pickle, marshal, unsafe YAML"),
    Kind("native_code", Effect.EXECUTE, "Calls code of libraries or memory itself: ctypes, cffi"),
    Kind("process", Effect.EXECUTE, "Signals to processes, new processes of this program"),
    Kind("fetch", Effect.READ, "Asks a server for something"),
    Kind("send", Effect.WRITE, "Sends something to a server"),
    Kind("connect", Effect.EXECUTE, "Opens a connection, or a client whose use nobody sees"),
    Kind("listen", Effect.EXECUTE, "Waits for connections"),
    Kind("database", Effect.EXECUTE, "A database; SQL that is constant follows as operations of SQL"),
    Kind("read_environment", Effect.READ, "Reads environment variables"),
    Kind("write_environment", Effect.SESSION, "Sets environment variables"),
    Kind("secrets", Effect.READ, "Reads key rings and asks for passwords"),
)

KIND_NAMES: frozenset[str] = frozenset(kind.name for kind in KINDS)
EFFECTS: dict[str, Effect] = {kind.name: kind.effect for kind in KINDS}

UNSEEN: frozenset[str] = frozenset({"unknown", "import_unknown", "call_unknown", "call_dynamic", "reflect"})
"""Kinds of what nobody saw to the bottom: a program with one of them is not complete."""

SIGNS: dict[str, str] = {
    "by_text": "the name of what is reached stands in a text that was put together, or in `getattr`, `globals()`, `vars()`",
    "changes_imports": "changes where modules come from, or what their names mean",
    "code_from_text": "the code stands in a text; what could be read of it is listed",
    "credential_read": "reads keys, passwords, tokens",
    "credential_write": "changes or makes keys, passwords, tokens",
    "dynamic": "what is touched (the path, command, address, SQL) is only known when it runs",
    "environment_given": "the program is started with other variables or another file than its line says",
    "execution_variable": "a variable that changes what later programs run: `LD_PRELOAD`, `PATH` ...",
    "insides": "goes through attributes that only the interpreter's insides have",
    "internal_host": "the host is inside: loopback, link-local, private, or a name without a public part",
    "link_local_host": "the host is a link-local address",
    "loopback_host": "the host is this machine",
    "may_fetch": "reads a path that may be a URL, and is only known when it runs",
    "metadata_host": "the host is a cloud's metadata service",
    "module_passed": "a module is handed on as a value",
    "obfuscated": "the text was decoded, reversed or put together from numbers",
    "outside_delete": "removes files outside the working folder and folders for temporary files",
    "persistence": "writes where things start by themselves",
    "private_host": "the host is a private address",
    "raw_device": "touches a disk or device itself",
    "rebinds": "gives a name of a module or of Python another meaning",
    "reference": "not called here: handed on to whoever calls it",
    "sends_data": "what is sent is not constant, so data may leave",
    "shell_text": "goes through a shell",
    "system_discovery": "lists accounts, processes, settings of the system",
    "system_write": "writes below the folders of the system",
    "trace_removal": "removes or forges logs and histories",
    "unverified_server": "does not check who the server is",
    "whole_tree": "removes a whole folder",
    "writes_code": "writes a file that Python or a shell would run or import",
}

FEATURES: dict[str, str] = {
    "code_from_text": "code runs that stands in a text",
    "control_character": "a character that nobody sees as what it is",
    "exfiltration": "the program reads data (files, variables, databases, output of programs) and sends something away",
    "non_ascii_name": "a name is spelled in characters that Python reads as others",
    "notebook": "lines of a notebook (`!ls`, `%pip`, `%%bash`) stand in the text",
    "reads_data": "the program reads files, variables, databases or what programs print",
    "secret_literal": "a password, token or key stands in the text",
    "sends_data": "the program sends something away that is not constant, or has a connection to do so",
    "shadowed_name": "the text gives one of Python's own names another meaning",
    "star_import": "all names of a module are imported at once",
}

VIA: dict[str, str] = {
    "top": "the text itself",
    "function": "the body of a function",
    "lambda": "the body of a lambda",
    "class": "the body of a class",
    "decorator": "a decorator, which is called with what it stands above",
    "reference": "a function handed on as a value",
    "code": "a text that is run as code",
    "process": "the line of a program that is started",
    "sql": "SQL that a database is given",
    "magic": "a line of a notebook",
}
