"""What a container is told to run: an argv, handed to the shell's parser where there is one.

Without that parser a program that runs others (a shell, `env`, `xargs` ...) is not seen to the bottom.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.command.kubernetes.kinds import EFFECTS
from engine.command.tree import Access, Command, Operation, Target

SHELLS = frozenset(
    {"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "busybox", "powershell", "pwsh"}
)
RUNNERS = SHELLS | frozenset(
    {
        *("env", "xargs", "sudo", "su", "nohup", "timeout", "nice", "setsid", "chroot", "nsenter", "unshare", "find"),
        *(
            "python",
            "python3",
            "perl",
            "ruby",
            "node",
            "php",
            "awk",
            "gawk",
            "lua",
            "ssh",
            "kubectl",
            "docker",
            "crictl",
        ),
        *("script", "watch", "time", "strace", "gdb", "make", "vim", "vi", "less", "more", "man", "tar", "sed", "eval"),
        *("cmd", "cmd.exe", "exec", "flock", "stdbuf", "ip", "tini", "dumb-init", "gosu", "doas", "git", "ld.so"),
    }
)

_NOT_BASH = frozenset({"sh", "ash", "dash", "ksh", "mksh", "busybox"})
_HIDES = re.compile(
    r"&>|\$'[^']*\\'|(?:\A|[\s;&|({!])\[\[\s|\becho\b[^|\n]*\\[^|\n]*\|[\s(]*(?:\S*/)?(?:ba|da|a|k)?sh\b",
)
"""What is one command to bash, by whose grammar texts are read, and to dash or BusyBox may be another one that is not seen: `a &>f rm x` runs `rm`
there, `[[ a || rm ]]` too, `$'\\''` ends elsewhere, and their `echo` makes lines of `\\n`."""

_BUILD = re.compile(r"[-._0-9]")
"""What stands between the name of a program and what tells a version or a build of it: `bash-5.2`, `sh.distrib`."""

ShellReader = Callable[[str], Command]
"""The shell's parser as this module needs it: a text to its command."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The operations of an argv, with what they add to the command."""

    operations: tuple[Operation, ...] = ()
    features: frozenset[str] = frozenset()
    is_complete: bool = True


def inside_container(
    argv: Sequence[str | None], via: tuple[str, ...], shell: ShellReader | None, *, stdin: bool
) -> Inside:
    """What an argv runs, as operations reached through `via`."""
    words = [word for word in argv if word is not None]
    if not argv:
        return Inside()
    if len(words) != len(argv):
        program = argv[0] or "?"
        return Inside((_program(program, via),), frozenset({"dynamic_argument"}), False)
    name = _called(words[0])
    if name in SHELLS and _reads_its_input(words):
        # What it runs comes over the stream, and is judged there or nowhere.
        return Inside((_program(words[0], via),), frozenset({"shell_text"}), False)
    if shell is not None:
        inside = _through_shell(shlex.join(words), via, shell)
        # INVARIANT: what the shell that is there may read otherwise is not seen to the bottom.
        is_other = name in _NOT_BASH and any(_HIDES.search(word) for word in words[1:])
        return replace(inside, is_complete=False) if is_other else inside
    if name not in RUNNERS:
        return Inside((_program(words[0], via),))
    feature = "shell_text" if name in SHELLS else "runs_others"
    return Inside((_program(words[0], via),), frozenset({feature}), False)


def _called(program: str) -> str:
    """The name of a program without its folder, or of the program that a version or another build of it is called after."""
    name = program.rpartition("/")[2].lower()
    return name if name in RUNNERS else _BUILD.split(name)[0]


def _reads_its_input(words: list[str]) -> bool:
    """Whether a shell is started without a text or file to run."""
    rest = words[1:]
    return all(word.startswith(("-", "+")) and not ("c" in word and not word.startswith("--")) for word in rest)


def _through_shell(text: str, via: tuple[str, ...], shell: ShellReader) -> Inside:
    command = shell(text)
    operations = tuple(replace(one, via=(*via, *one.via[1:]), span=(0, 0)) for one in command.operations)
    return Inside(operations, frozenset(command.features), command.complete)


def _program(program: str, via: tuple[str, ...]) -> Operation:
    return Operation("program", EFFECTS["program"], via, (Target("program", program[:500], Access.EXECUTE),))
