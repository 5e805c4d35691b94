"""How a line of a guarded shell runs where there is no bash: by `sh`, whichever it is, in words that POSIX has. Pure.

The same as `shell_state` does with bash, whose words for the state behind a line (`compgen`, `${!x}`) others do not have: here the state is what
`export -p` and `set` print, read back by the rules of quoting. What is no such line is left out. Which lines may run so is asked of
`engine.command.shell.alike`.
"""

from __future__ import annotations

import re

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_QUOTED = r"""(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[A-Za-z0-9_./:@%+=,\-])*"""
_SET = re.compile(rf"^({_NAME})=({_QUOTED})$", re.MULTILINE | re.DOTALL)
_EXPORTED = re.compile(rf"^(?:export|declare -x|typeset -x) ({_NAME})(?:={_QUOTED})?$", re.MULTILINE | re.DOTALL)
_PIECE = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^'"\\]+)""", re.DOTALL)


def argv_of_sh(nonce: str, text: str, shell: str) -> tuple[str, ...]:
    """The words that run a text by `sh`, and then say where it ended (`shell_state.argv_of`)."""
    outer = (
        'eval "set --\n$1"\n'
        'set -- "$?"\n{ set +eufnxv; } 2>/dev/null\n'
        f'printf \'\\0{nonce}\\0%s\\0%s\\0\' "$1" "$PWD"\n'
        "IFS=' \t\n'\n"
        'printf \'e%s\\0v%s\\0\' "$(export -p)" "$(set)"\n'
        f"printf '\\0{nonce}\\0'\n"
        'exit "$1"'
    )
    return (shell, "-c", outer, shell, text)


def entries_of(fields: list[bytes]) -> list[bytes]:
    """The fields of a state as `shell_state` reads them: a variable each, whether it is exported, its value."""
    exported: set[str] = set()
    made: dict[str, str] = {}
    for one in fields[2:]:
        text = one[1:].decode("utf-8", "replace")
        if one.startswith(b"e"):
            exported |= {found[1] for found in _EXPORTED.finditer(text)}
        elif one.startswith(b"v"):
            made |= {found[1]: _unquoted(found[2]) for found in _SET.finditer(text)}
    entries = [f"{'x' if name in exported else 'v'}{name}={value}".encode() for name, value in made.items()]
    return [*fields[:2], *entries]


def _unquoted(word: str) -> str:
    return "".join(
        found[1] or re.sub(r"\\(.)", r"\1", found[2] or "", flags=re.DOTALL) or found[3] or found[4] or ""
        for found in _PIECE.finditer(word)
    )
