"""Makes lines of shell that run one of our own programs in some hidden way: quoting, expansion, substitution, evaluation, wrappers.

The programs are called `MARKERS` and do nothing; what a line is about is only which of them bash starts. Most ways stand here
as a text with `{h}` where another hidden way goes, `{w}` where the marker's bare name does, and `{q}` where a way goes that
stands between single quotes.
"""

from __future__ import annotations

import random
import string

MARKERS = ("alpha", "bravo", "carol", "delta", "echoes", "foxes", "golf", "hotel")

AROUND = (
    "{h}; {h}", "true && {h}", "false || {h}", "{h} | {h}", "{h} & wait", "({h})", "{ {h}; }", "! {h}", "time -p {h}", "echo $({h})", "echo `{h}`",
    "if {h}; then {h}; fi", "for i in 1 2; do {h}; done", "while {h}; do break; done", "until false; do {h}; break; done", "echo ok |& {h}",
    "case x in x) {h};; esac", "case $({h}) in *) :;; esac", "cat <({h}) >/dev/null", "echo x > >({h}); wait", "x=$({h})", "declare x=$({h})", "export x=`{h}`",
    "echo ${x:-$({h})}", "echo ${x:=$({h})}", "echo ${#x} $(( 1 + $({h}; echo 1) ))", "[[ -n $({h}) ]]", "[ -z \"$({h})\" ]", "cat <<E\n$({h})\nE",
    "cat <<-E >/dev/null\n\t`{h}`\n\tE", "cat <<< $({h})", "echo x > $({h}; echo /dev/null)", "f() { {h}; }; f", "function f { {h}; }\nf x", "f() ({h}); f | cat",
    "for ((i = 0; i < 1; i++)); do {h}; done", "for x in $({h}) y; do :; done", "select x in a; do {h}; break; done <<< 1", "coproc {h}; wait", "a=($({h}))",
    "a=(1 2); echo ${a[$({h}; echo 0)]}", "echo \"${x/$({h})/y}\"", "true; \\\n {h}", "# no\n{h}", "echo $'a' \"b$({h})c\"", "{ {h}; } 2>&1 >/dev/null",
    "test -n x -a -n \"$({h})\"", "let 'x = 1' ; {h}", "(( 1 )) && {h}", "printf '%s' \"$({h})\" >/dev/null", "cd . && {h}", "cat < <({h})", "exec 3< <({h})",
    "trap : INT; {h}", "if [[ a == $({h}; echo a) ]]; then {h}; fi", "[[ ! -e x || $({h}) ]]", "echo ${x:+y} ${x:-`{h}`} ${y:?$({h})}", "local_() { local x=$({h}); }; local_",
    "readonly r=$({h})", "return 2>/dev/null; {h}", "echo {a,$({h})}", "cat <<E | cat\n${x:-$({h})}\nE", "x=1 y=$({h}) true", "[[ x =~ $({h}) ]]", "echo $[ 1 + $({h}; echo 1) ]",
)  # fmt: skip
"""Ways that hold another."""

QUOTED = (
    "eval '{q}'", "bash -c '{q}'", "sh -c '{q}'", "eval \"$(printf %s '{q}')\"", "trap '{q}' EXIT", "trap '{q}' ERR; false", "trap '{q}' DEBUG; :", "bash <<< '{q}'",
    "sh <<'E'\n{q}\nE", "echo '{q}' | bash", "echo '{q}' | sh -s", "source <(echo '{q}')", ". /dev/stdin <<< '{q}'", "env bash -c '{q}'", "x='{q}'; eval $x", "eval eval '{q}'",
    "x='{q}'; bash -c \"$x\"", "printf '{q}' > s; . ./s", "printf '{q}' > s; bash s", "echo '{q}' | xargs -I{} sh -c {}", "x='$({q})'; echo \"${x@P}\"", "a='x[$({q})]'; (( a ))",
    "a='x[$({q})]'; [[ $a -eq 0 ]]", "a='x[$({q})]'; let a", "test -v 'x[$({q})]'", "printf -v 'x[$({q})]' y", "declare 'x[$({q})]=1'", "read 'x[$({q})]' <<< y",
    "PS4='$({q})'; set -x; :", "PROMPT_COMMAND='{q}' bash --norc -i -c : 2>/dev/null", "BASH_ENV=<(echo '{q}') bash -c :", "shopt -s expand_aliases; alias go='{q}'\ngo",
    "command eval '{q}'", "builtin eval '{q}'", "mapfile -C '{q};:' -c 1 x <<< y", "a='{q}'; ${a:+eval} \"$a\"", "bash -c \"$(cat <<'E'\n{q}\nE\n)\"", "unset 'x[$({q})]'",
    "f() { eval \"$1\"; }; f '{q}'", "set -- '{q}'; eval \"$1\"", "awk 'BEGIN { system(\"{q}\") }'", "find . -maxdepth 0 -exec sh -c '{q}' \\;", "env -S \"bash -c '{q}'\"",
    "command_not_found_handle() { {q}; }; nosuchthing", "timeout 5 bash -c '{q}'", "nice sh -c '{q}'", "sed '1e {q}' <<< x", "declare -n r='x[$({q})]'; echo $r", "wait -n -p 'x[$({q})]'",
    "exec bash -c '{q}'", "bash -xc '{q}' 2>/dev/null", "bash -c -- '{q}'", "bash --norc -ec '{q}'", "bash -o errexit -c '{q}'", "sh -ce '{q}' x", "[[ 'x[$({q})]' -eq 0 ]]", "echo $((x[$({q})]))",
    "getopts a 'x[$({q})]'", "echo $((x='$({q})'))", "((x='$({q})'))", "echo ${x['$({q})']}", "x=abc; echo ${x:'$({q})'}", "declare x['$({q})']=1", "x=(['$({q})']=1)", "echo $[ '$({q})' ]", "i=0; i+='x[$({q})]'; : $(( ${i#0} ))", "export 'x=$({q})'; echo $x", "typeset -i n; n='x[$({q})]'", "x='x[$({q})]' ; echo ${a:x}", "x='x[$({q})]'; ((x++))",
)  # fmt: skip
"""Ways that read a text once more."""

BARE = (
    "{w}", "{w} x y", "\\{w}", "'{w}'", "\"{w}\"", "$'{w}'", "$\"{w}\"", "env {w}", "env -i {p}/{w}", "env A=1 {w}", "command {w}", "exec {w}", "nohup {w}", "nice -n 1 {w}", "timeout 5 {w}",
    "setsid -w {w}", "stdbuf -o0 {w}", "xargs {w} < /dev/null", "echo x | xargs -n1 {w}", "find . -maxdepth 0 -exec {w} {} \\;", "find . -maxdepth 0 -exec {w} {} +", "{p}/{w}", "x={w}; $x",
    "x={w}; \"$x\" y", "a=({w} x); \"${a[@]}\"", "set -- {w}; \"$@\"", "set -- {w} x; $*", "{{w},x}", "{p}/{w:0:3}*", "{p}/[{w0}]{w1}", "x={w0}; $x{w1}", "${nosuch:-{w}}", "${nosuch-{w}} x", "$(echo {w})",
    "`echo {w}`", "$(printf '%s' {w})", "x={w}x; ${x%x}", "x=q{w}; ${x#q}", "x={w}; y=x; ${!y}", "declare -n r=x; x={w}; $r", "{w0}\"\"{w1}", "{w0}''{w1}", "{w0}\\{w1}", "A=1 {w}", "A=1 B=2 {w} x >/dev/null",
    ">/dev/null {w}", "2>&1 {w} <<< x", "command -p env {w}", "hash -p {p}/{w} go; go", "{w}() { :; }; unset -f {w}; {w}", "{w}() { command {w}; }; {w}", "shopt -s expand_aliases; alias go={w}\ngo",
    "PATH={p} {w}", "echo {w} > s; read x < s; $x", "IFS=_; x={w}_y; $x", ": {w}; $_", "true {w} && $_", "coproc {w} { :; }; {w}", "time {w}", "exec -a other {w}", "env -- {w}", "nice -10 {w}", "nice {w}",
    "timeout --signal=TERM 5 {w}", "timeout -k 1 5 env {w}", "printf -v x %s {w}; $x", "read x <<< {w}; $x", "mapfile -t a <<< {w}; ${a[0]}", "x=({w}); ${x}", "x={W}; ${x,,}", "x={w}; ${x@L}",
    "builtin command {w}", "command -- {w}", "xargs -a /dev/null {w}", "find . -maxdepth 0 -execdir {p}/{w} \\;", "busybox_() { \"$@\"; }; busybox_ {w}", "f() { $1; }; f {w}", "f() { \"$@\"; }; f env {w}",
    "for x in {w}; do $x; done", "while read x; do $x; done <<< {w}", "case {w} in *) {w};; esac", "x=$(type -P {w}); $x", "cd {p}; ./{w}", "~+/../bin/{w}", "{p}/../bin/{w}", "{p}//{w}", "env -C {p} ./{w}",
    "x={w}; eval \\$x", "echo $((x='$({w})'))", "((x='`{w}`'))", "for ((i='$({w})'; i < 1; i++)); do :; done", "echo ${x['$({w})']}", "x=abc; echo ${x:'$({w})'}", "declare x['$({w})']=1",
    "x=(['$({w})']=1)", "x['$({w})']=1", "read x['$({w})'] <<< y", "test -v x['$({w})']", "x=abc; echo ${x:0:$'\\x60{w}\\x60'}", "test -v 'x[1+$({w})]'", "echo \"$((x='$({w})'))\"", "echo $[ '$({w})' ]", "{w} | {w} |& {w}", "! {w}", "! ! {w}", "{w} &\nwait", "select x in {w}; do $x; break; done <<< 1", "env -u HOME {w}", "LC_ALL=C {w}", "setarch $(uname -m) {w}", "flock s {w}", "ionice {w}",
    "chrt -o 0 {w}", "taskset 1 {w}", "script -qec {w} /dev/null", "unshare {w}", "watch -g -n 1 {w}", "sg root {w}", "start-stop-daemon -S -x {p}/{w}", "run-parts {p} --regex '^{w}$'", "chroot / {p}/{w}", "nsenter {w}",
)  # fmt: skip
"""Ways that name the marker themselves."""


def hostile_line(chance: random.Random, folder: str, depth: int = 0) -> str:
    """One line. `folder` is where the markers are."""
    turn = chance.random()
    if depth < 3 and turn < (0.55 if depth else 0.75):
        way = chance.choice(AROUND)
        while "{h}" in way:
            way = way.replace("{h}", hostile_line(chance, folder, depth + 1), 1)
        return way
    if depth < 3 and turn < 0.85:
        inner = plain_line(chance, folder) if chance.random() < 0.6 else hostile_line(chance, folder, depth + 2)
        way = chance.choice(QUOTED)
        return way.replace(
            "{q}", plain_line(chance, folder) if needs_plain(way, inner) else inner.replace("'", "'\\''")
        )
    return bare(chance, folder)


def needs_plain(way: str, inner: str) -> bool:
    """Whether a text cannot stand there: inside more than one kind of quotes, or in a subscript."""
    return "\n" in inner or any(char in inner for char in "\"\\'%]{}") or ("E\n" in way and "<<" in inner)


def plain_line(chance: random.Random, folder: str) -> str:
    word = chance.choice(MARKERS)
    return chance.choice((word, f"{folder}/{word}", f"env {word}", f"true; {word}", f"{word} x", f"nice {word}"))


def bare(chance: random.Random, folder: str) -> str:
    word = chance.choice(MARKERS)
    text = chance.choice(BARE)
    for name, value in (
        ("{w:0:3}", word[:3]),
        ("{w0}", word[0]),
        ("{w1}", word[1:]),
        ("{W}", word.upper()),
        ("{w}", word),
        ("{p}", folder),
    ):
        text = text.replace(name, value)
    if chance.random() < 0.2 and text.startswith(word):
        text = respelt(word, chance) + text[len(word) :]
    return text


def respelt(word: str, chance: random.Random) -> str:
    """The same word to a shell."""
    made = ""
    for char in word:
        octal = f"$'\\{ord(char):03o}'"
        made += chance.choice(
            (
                char,
                char,
                f"\\{char}",
                f"'{char}'",
                f'"{char}"',
                f"$'\\x{ord(char):02x}'",
                octal,
                f"{char}''",
                f"$'\\u{ord(char):04x}'",
            )
        )
    return made


assert all(set(word) <= set(string.ascii_lowercase) for word in MARKERS)
