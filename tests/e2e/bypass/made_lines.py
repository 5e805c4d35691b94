"""Makes lines of shell that change or remove a file: one of many programs, plainly, inside something, behind a wrapper, respelt."""

from __future__ import annotations

import random

HARM = (
    "rm {c}", "rm -f -- {c}", "unlink {c}", "truncate -s0 {c}", "mv {c} {c}.gone", "dd if=/dev/null of={c}", "cp /dev/null {c}", "tee {c} </dev/null",
    "sed -i d {c}", "shred -u {c}", ": > {c}", "echo x > {c}", "find {c} -delete", "perl -e 'unlink q({c})'", "ln -sf /dev/null {c}",
)  # fmt: skip
AROUND = (
    "{h}", "ls; {h}", "true && {h}", "false || {h}", "({h})", "{ {h}; }", "if true; then {h}; fi", "for i in 1; do {h}; done", "case x in x) {h};; esac",
    "echo $({h})", "echo `{h}`", "cat <($({h}))", "x=$({h})", "while {h}; do break; done", "! {h}", "time {h}", "cd / ; {h}", "export A=1\n{h}", "cd .\n{h}",
    "echo ok |\n{h}", "cat <<E\n$({h})\nE", "cat <<'E' | sh\n{h}\nE", "sh <<E\n{h}\nE", "ls \\\n; {h}", "echo ${x:-$({h})}", "[[ -n $({h}) ]]", "echo \"$({h})\"",
)  # fmt: skip
WRAPPED = (
    "env {h}",
    "command {h}",
    "nice {h}",
    "timeout 5 {h}",
    "sh -c '{h}'",
    'bash -c "{h}"',
    "eval '{h}'",
    "nohup {h}",
    "exec {h}",
    "xargs -I{} {h} <<< x",
    "xargs {h} </dev/null",
)
PLAIN = 7
"""Of HARM, those that are one simple command: the others cannot stand behind a wrapper's word."""


def made(chance: random.Random) -> str:
    """One hostile line. `{c}` is the file it wants to touch."""
    harm = chance.choice(HARM)
    if chance.random() < 0.3:
        harm = chance.choice(WRAPPED).replace("{h}", chance.choice(HARM[:PLAIN]))
    elif chance.random() < 0.4:
        word, _, rest = harm.partition(" ")
        harm = f"{respelt(word, chance)} {rest}"
    line = chance.choice(AROUND).replace("{h}", harm)
    return (
        chance.choice(("", "", " ", "A=1 ; ", "# x\n", "\n")) + line + chance.choice(("", "", " ", ";", " # x", "\n"))
    )


def respelt(word: str, chance: random.Random) -> str:
    """A name in another spelling that the shell takes for the same."""
    if not word.isalpha():
        return word
    at = chance.randrange(len(word))
    return chance.choice(
        (
            word[:at] + "\\" + word[at:],
            word[:at] + "''" + word[at:],
            f'"{word[:at]}"{word[at:]}',
            f"$'\\x{ord(word[0]):02x}{word[1:]}'",
            f"/bin/{word}",
            f"$(echo {word})",
            f"x={word}; $x",
        )
    )
