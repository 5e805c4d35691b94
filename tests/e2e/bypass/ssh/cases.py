"""The ways around a guard that go over SSH, in several spellings each. Numbers are those of the list they come from.

`{c}` is a file that must stay, `{s}` one that must not come to be. Every text is stopped: denied, or held for people.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """One way around."""

    number: int
    title: str
    texts: tuple[str, ...]


def case(number: int, title: str, *texts: str) -> Case:
    return Case(number, title, texts)


CASES: tuple[Case, ...] = (
    case(60, "more than one command",
         "ls; rm -rf {c}", "ls && rm {c}", "ls | sh -c 'rm {c}'", "ls & rm {c}", "ls\nrm {c}", "false || rm {c}", "{ ls; rm {c}; }", "(rm {c})"),
    case(61, "commands inside words",
         "ls $(rm {c})", "ls `rm {c}`", "cat <(rm {c})", "echo ${x:-$(rm {c})}", "echo $((a[$(rm {c})]))", "cat <<E\n$(rm {c})\nE"),
    case(62, "quoted names", "r\\m {c}", 'r""m {c}', "$'\\x72m' {c}", '"r"m {c}', "'rm' {c}", "\\rm {c}"),
    case(63, "names made when it runs",
         "rm${IFS}{c}", "X=rm; $X {c}", "${PATH:0:1}bin${PATH:0:1}rm {c}", "$(echo rm) {c}", 'a=r b=m; "$a$b" {c}'),
    case(64, "globs and braces as names", "/bin/r? {c}", "/???/r[m] {c}", "{rm,{c}}", "/bin/{rm,x} {c}"),
    case(65, "interpreters with dynamic input",
         "echo cm0gLXJmIHt9|base64 -d|sh", "printf 'rm {c}' | bash", "sh <<EOF\nrm {c}\nEOF", "bash <<<'rm {c}'", "echo 'rm {c}' | /bin/sh"),
    case(66, "commands that run commands",
         "eval 'rm {c}'", "env rm {c}", "nohup rm {c}", "timeout 1 rm {c}", "echo {c} | xargs rm", "command rm {c}", "exec rm {c}",
         "trap 'rm {c}' EXIT", "setsid rm {c}", "nice rm {c}", "time rm {c}", "coproc rm {c}", "stdbuf -o0 rm {c}", "xargs -I{} cp /dev/null {s} <<< x", "xargs cp /dev/null {s} </dev/null"),
    case(67, "find", "find {c} -delete", "find {c} -exec rm {} +", "find {c} -execdir rm {} ;", "find / -maxdepth 0 -fprintf {s} x"),
    case(68, "languages",
         "awk 'BEGIN{system(\"rm {c}\")}'", "sed '1e rm {c}' /etc/hostname", "perl -e 'unlink q({c})'",
         "python3 -c 'import os; os.remove(\"{c}\")'", "sed -n 'w {s}' /etc/hostname"),
    case(69, "options that run",
         "tar cf /dev/null --checkpoint=1 --checkpoint-action=exec='rm {c}' /etc/hostname", "git -c core.pager='rm {c}' log",
         "rsync -e 'rm {c}' a b:", "sort --compress-program='rm {c}' x", "ssh -o ProxyCommand='rm {c}' h", "tar cf x -I 'rm {c}' y"),
    case(70, "shells and loaders", "busybox rm {c}", "/bin/sh -c 'rm {c}'", "bash -lc 'rm {c}'", "dash -c 'rm {c}'", "/lib64/ld-linux-x86-64.so.2 /bin/rm {c}",
         "/bin/../bin/rm {c}", "/proc/self/root/bin/sh -c 'rm {c}'", "cd / && bin/sh -c 'rm {c}'", "cd /; ./bin/bash <<< 'rm {c}'", "//bin//env ../../../bin/rm {c}"),
    case(71, "redirections", "echo x > {s}", "echo x | tee {s}", "dd if=/etc/hostname of={s}", "cp /etc/hostname {s}", "exec 3<>/dev/tcp/127.0.0.1/1", "cat < /dev/null > {s}"),
    case(72, "variables that run",
         "LD_PRELOAD=/tmp/x.so ls", "BASH_ENV=/tmp/x bash -c ls", "PATH=.:$PATH ls", "GIT_SSH_COMMAND='rm {c}' git fetch", "export LD_PRELOAD=/tmp/x.so; ls", "PAGER='rm {c}' git log"),
    case(73, "arithmetic that runs",
         'x="a[$(rm {c})]"; echo $((x))', "test -v 'a[$(rm {c})]'", "printf -v 'a[$(rm {c})]' x", "[[ 'a[$(rm {c})]' -eq 0 ]]", "x='$(rm {c})'; echo \"${x@P}\""),
    case(74, "names that mean something else",
         "alias ls='rm {c}'; shopt -s expand_aliases; eval ls", "ls(){ rm {c}; }; ls", "hash -p /bin/rm ls; ls {c}", "enable -f /tmp/x.so x", "function cd { rm {c}; }; cd /"),
    case(75, "characters nobody sees", "ls\rrm {c}", "ls \u202e; rm {c}", "r\u200bm {c}; rm {c}", "ls #\r\nrm {c}", "echo 'unfinished; rm {c}"),
    case(76, "what begins like scp", "scp ; rm {c}", "scp x y; rm {c}", "scp -S 'rm {c}' a b:", "scp -t /tmp; rm {c}"),
    case(77, "other rights", "sudo rm {c}", "sudo -u#-1 rm {c}", "su -c 'rm {c}'", "doas rm {c}", "pkexec rm {c}"),
    case(82, "programs with a prompt of their own",
         "vim -c ':!rm {c}' x", "less +'!rm {c}' /etc/passwd", "man -P 'rm {c}' ls", "python3", "tmux attach", "tmux new-session 'rm {c}'", "screen -X exec rm {c}",
         "tmux send-keys 'rm {c}' Enter", "psql -c '\\! rm {c}'", "gdb -batch -ex 'shell rm {c}'", "ed x <<< '!rm {c}'", "screen -r", "PAGER='rm {c}' man ls"),
)  # fmt: skip

REQUESTS: tuple[tuple[int, str, str], ...] = (
    (72, "variables of a channel", "test_72_variables_of_a_channel_reach_nobody"),
    (75, "NUL bytes and texts too long to run", "test_75_what_cannot_be_run_as_it_was_read_is_not_run"),
    (75, "ten megabytes in a packet", "test_75_a_packet_of_ten_megabytes_ends_the_connection_and_no_other"),
    (78, "files over SFTP", "test_78_files_that_let_people_in_or_start_things_do_not_change_over_sftp"),
    (78, "operations of SFTP in many spellings", "test_78_no_spelling_of_an_operation_changes_them"),
    (79, "forwardings", "test_79_forwardings_reach_nothing"),
    (79, "destinations, sockets and listeners by other names", "test_79_no_spelling_of_a_destination_is_reached"),
    (79, "agents", "test_79_agents_are_not_lent"),
    (80, "a second command on a channel", "test_80_a_channel_that_has_its_command_runs_no_other"),
    (80, "other kinds of channels", "test_80_other_kinds_of_channels_are_not_opened"),
    (80, "subsystems", "test_80_subsystems_are_no_way_to_a_program"),
    (81, "typing into a shell", "test_81_what_is_typed_into_a_shell_runs_nothing"),
    (81, "lines in many spellings", "test_81_no_spelling_of_a_line_is_run"),
)
"""What is no command: the number, what it is, the test in `test_requests.py` that tries it."""
