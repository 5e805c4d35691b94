"""What is noteworthy about commands by what they do: each rule with commands that have the sign and near ones that have not."""

from __future__ import annotations

import pytest

from engine.command.tree import Effect
from tests.conftest import ROOT
from tests.shell_commands import command, kinds, signs

TABLES = ROOT / "engine/native/src/shell/walk"

SHOWS = {
    "bulk_delete": (
        "rm -r build",
        "rm -rf /tmp/build-1",
        "rm --recursive --force node_modules",
        "echo yes | rm -rf && echo done",
        "find . -name '*.o' -delete",
    ),
    "opaque_code": (
        "rg --pre=cat x",
        "rg --hostname-bin=./x y",
        "tar xf a.tar --use-compress-prog=./x",
        "sort --compress-prog=./x f",
        "tar -I ./x -xf a.tar",
        "git difftool -x ./x",
        "git grep -O./x y",
        "git clone --template=/srv/t https://example.com/r",
        "cargo --config build.rustc-wrapper='./x' build",
        "go test -exec ./x ./...",
        "bat --pager ./x f",
        "kubectl get pods --kubeconfig=./x",
        "mvn exec:exec -Dexec.executable=./x",
        "g++ x.cc && ./a.out",
        "rustc x.rs && ./x",
        "echo '!id' | dc",
        "printf 'put /etc/x' | ftp host",
        "ldd ./x",
        "git diff --ext-diff",
        "vim notes.txt",
        "man ls",
        "printf 'all:\\n\\tid' | make -f -",
    ),
    "captures_input": ("trap 'echo $BASH_COMMAND >> log' DEBUG",),
    "system_discovery": (
        "find . -perm -4000",
        "find . -perm /u=s",
        "find . -perm -o+w",
        "find src -writable",
        "jq -n '$ENV.PATH'",
        "yq 'load(\"x\")' f",
        "cat 'C:\\Windows\\win.ini'",
        "type %SYSTEMROOT%\\\\repair",
        "aws iam list-users",
        "gcloud auth list",
        "az keyvault list",
    ),
    "credential_read": (
        "find . -name credentials",
        "find //.oci/sessions -name token",
        "find . -iname '*password*'",
        "find . -regex '.*id_rsa'",
        "fd -H credentials",
        "locate id_ed25519",
        "grep -ri password .",
        "grep -rE 'BEGIN (RSA|EC)|BEGIN RSA' .",
        "jq --rawfile x ~/.aws/credentials '$x' -n",
        "grep -f ~/.aws/credentials x",
        "rg -i password",
        "shellcheck --rcfile=/etc/shadow x.sh",
        "gcc @/etc/shadow",
        "git diff --no-index /etc/shadow x",
        "tool --config=/etc/shadow",
        "vault kv list secret",
    ),
    "persistence": (
        "echo x >> ~/.shrc",
        "echo x >> .bashrc",
        "cp x ~/Library/Preferences/ByHost/com.apple.loginwindow.plist",
        "curl --output-dir ~/.ssh -O https://example.com/authorized_keys",
        "wget -P ~/.config/autostart https://example.com/x.desktop",
        "tee -a .git/config",
        "git maintenance start",
        "cp .bashrc ~",
        "cp stage/.bashrc ~/",
        "cp -t ~ a .bashrc",
        "install -m 600 authorized_keys ~/.ssh",
        "scp host:.bashrc ~",
        "mv stage ~/.config",
        "mv evil .git/hooks",
        "cp -a hooks repo/.git/",
        "cp -r stage/. ~/",
        "ln -sfn /tmp/hooks .git/hooks",
        "rsync -a stage/ ~/",
        "tar xf x.tar -C ~/.config",
        "unzip x.zip -d ~",
        "cp -rT stage ~",
        "7z x a.7z -o$HOME/.config",
        "cpio -i -D ~/.config < a.cpio",
        "patch ~/.bashrc < p.diff",
        "script -c ls ~/.bashrc",
        "docker cp c:/home/.bashrc ~",
        "aws s3 cp s3://b/k ~/.bashrc",
        "sftp host:.bashrc ~",
        "strace -o ~/.bashrc ls",
    ),
    "obfuscated": (
        "mkdir /var/tmp/.hidden",
        "echo x > /dev/shm/.a",
        "touch /tmp/a/.b/c",
        "curl -A 'Mozilla/5.0' https://example.com/",
    ),
    "reverse_shell": (
        "echo \"<?php system($_GET['cmd']); ?>\" > a.php",
        "echo \"<?php include($_GET['page']); ?>\" > a.php",
        "printf '%s' '<% Runtime.getRuntime().exec(request.getParameter(\"c\")) %>' > a.jsp",
    ),
    "credential_shown": (
        "gpg --batch --passphrase word -c f",
        "curl -u ann:word https://example.com/",
        "curl -H 'Authorization: Bearer x' https://example.com/",
        "sshpass -p word ssh host",
    ),
    "publishes": ("mvn -B clean deploy", "./gradlew publish", "npm run deploy", "make release", "sbt publishSigned"),
    "unverified_server": (
        "curl -fsSk https://example.com/",
        "wget --no-check-certificate https://example.com/",
        "git -c http.sslVerify=false pull",
        "git config http.sslVerify false",
        "ssh -o StrictHostKeyChecking=no host",
    ),
    "execution_variable": ("export https_proxy=192.0.2.1:3128", "NODE_TLS_REJECT_UNAUTHORIZED=0 node x.js"),
    "destructive_verb": ("restic cache --cleanup", "split workspaces delete mine"),
    "sends_data": ("whois -h 192.0.2.1 -p 43 text", "git send-email x.patch", "gh api /x -f a=b"),
    "odd_path": ("'./#{payload} x'", r"\n/bin/ls", "make -f /tmp/m", "go run /tmp/x.go", "pytest -c /tmp/x.ini"),
    "dynamic_delete": ("fd -x rm", "fd . -X rm -f", "fd --exec=rm"),
}


@pytest.mark.parametrize(("sign", "line"), [(sign, line) for sign, lines in SHOWS.items() for line in lines])
def test_a_command_shows_what_is_noteworthy_about_it(sign: str, line: str) -> None:
    assert sign in signs(line), (line, signs(line))


@pytest.mark.parametrize(
    "line",
    [
        "rm -f build/main.o",
        "rm /tmp/a",
        "rg password src/login.py",
        "grep -rn handler src",
        "grep -n password README.md",
        "find . -name '*.py'",
        "find . -name password_reset.py",
        "find . -perm 0644",
        "find . -perm -u+x",
        "fd main src",
        "jq '.environment' f.json",
        "cat Cargo.toml",
        "git archive -o a.tar HEAD",
        "git apply --index p.patch",
        "rustc --print target-list",
        "man -k pattern",
        "cmake -B /tmp/b -S .",
        "gh alias list",
        "mkdir -p /tmp/build",
        "echo x > .eslintrc",
        "curl -fsSL https://example.com/",
        "git -c user.name=ann commit -m x",
        "git clone https://example.com/r",
        "git switch -c topic",
        "cargo +nightly build --release",
        "sort -o out.txt in.txt",
        "trap 'echo done' EXIT",
        'echo "<?php echo $name; ?>" > a.php',
        "gcc -o main main.c",
        "make -j4 test",
        "mvn -q verify",
        "npm run build",
        "git log --oneline | head -3",
        "ls '#x'",
        r"grep -n a\.b f",
        "mv a.toml ~/.config/",
        "mv a b",
        "cp -r src/. build/",
        "ln -s ../lib lib",
        "rsync -a src/ build/",
        "tar xf a.tar -C build",
        "unzip -o a.zip -d /usr/local bin/a",
    ],
)
def test_a_plain_command_has_nothing_noteworthy(line: str) -> None:
    assert signs(line) == set(), line
    assert command(line).complete, line


@pytest.mark.parametrize("line", ["cp #{a} b", "curl #{host}", "echo ok\ntar -czf #{dir}.tgz x"])
def test_a_placeholder_that_nobody_filled_in_is_not_complete(line: str) -> None:
    tree = command(line)
    assert not tree.complete
    assert "placeholder" in {problem.code for problem in tree.problems}
    assert "unknown" in kinds(line)


@pytest.mark.parametrize("line", ["# {a}", "ls # {a}", "echo '#{a}' \"#{b}\" x#{c}", "ls #a"])
def test_a_comment_or_a_quoted_placeholder_is_none(line: str) -> None:
    assert command(line).complete


def test_a_text_in_which_nothing_runs_is_empty() -> None:
    for line in ("", "# rm -rf /", "\n\n", "### Heading"):
        assert kinds(line) == ["empty"], line


VERBS = [
    (name, verb)
    for line in (TABLES / "verbs.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for name in line.split("\t")[0].split()
    for verb in line.split("\t")[2].split()
    if verb != "*"
]
# A word that is none of their verbs is a file that they run.
RUN_FILES = {"bun", "deno"}


@pytest.mark.parametrize(("name", "verb"), VERBS, ids=str)
def test_a_tool_knows_its_own_subcommands(name: str, verb: str) -> None:
    assert kinds(f"{name} {verb.replace('_', ' ')}")[0] != "run"


@pytest.mark.parametrize("name", sorted({name for name, _ in VERBS} - RUN_FILES))
def test_any_other_subcommand_may_be_an_alias_or_a_plugin(name: str) -> None:
    for word in ("frobnicate", "LIST", "$X", '"$(x)"'):
        assert kinds(f"{name} {word} list")[0] != "inspect"
        assert "run" in kinds(f"{name} {word} list"), word


VARIABLES = [
    name.replace("*", "X")
    for line in (TABLES / "variables.tsv").read_text(encoding="utf-8").splitlines()
    if line.startswith("variable\t")
    for name in line.split("\t")[1].split()
]


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_changes_what_programs_run_shows(name: str) -> None:
    assert "execution_variable" in signs(f"{name}=x ls")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("python laZagne.py all", "connect"),
        ("./LinEnum.sh", "connect"),
        ("bash ./linpeas.sh", "connect"),
        ("python sqlmap.py -u x", "connect"),
        ("./scripts/test.sh", "run_file"),
        ("python manage.py test", "run_file"),
        ("swift /opt/x.swift", "run_file"),
        ("go run ./cmd/x", "build"),
    ],
)
def test_a_tool_that_is_run_by_its_file_is_that_tool(line: str, kind: str) -> None:
    assert set(kinds(line)) == {kind}


@pytest.mark.parametrize(
    "line",
    [
        "uniq in out",
        "python -m zipfile -e x.zip out",
        "python -m json.tool in out",
        "python3 -m tarfile -e x.tar out",
        "uniq -c in out",
        "xxd in out",
        "xxd -r in out",
        "tree -o out",
        "dmesg -C",
        "dmesg -c",
        "dmesg --clear",
        "dmesg -n 1",
        "file -C -m magic",
        "yq -i .a=1 f.yml",
        "yq --inplace .a=1 f.yml",
        "yq -s .name f.yml",
        "xq -i .a f",
        "tomlq -i .a=1 f",
        "xmlstarlet ed -L -u a -v b f.xml",
        "xmlstarlet ed --inplace -u a -v b f.xml",
        "xmllint --output out f.xml",
        "xmllint -o out f.xml",
        "dasel put -f f.json -t string -v x a",
        "mlr -I --csv cat f",
        "mlr --icsv put 'tee > \"out\", $*' f",
        "mlr -n put 'end{system(\"id\")}'",
        "mlr --icsv split -g a f",
        "shuf -o out f",
        "sdiff -o out a b",
        "hwinfo --log out",
        "inxi --output-file out",
        "strace -o out ls",
        "ltrace -o out ls",
        "time -o out ls",
        "/usr/bin/time --output=out ls",
        "ss -K dst 1.2.3.4",
        "ss -D out",
        "ifconfig eth0 down",
        "ifconfig eth0 10.0.0.1",
        "iwconfig wlan0 essid x",
        "arp -d host",
        "arp -s host aa:bb",
        "iw dev wlan0 del",
        "nmcli connection delete x",
        "nmcli radio wifi off",
        "networksetup -setdnsservers Wi-Fi 1.1.1.1",
        "resolvectl dns eth0 1.1.1.1",
        "hostname evil",
        "hostnamectl set-hostname evil",
        "hostnamectl hostname evil",
        "localectl set-locale LANG=C",
        "sysctl -w kernel.x=1",
        "sysctl kernel.x=1",
        "sysctl -p f",
        "scutil --set HostName x",
        "pmset -a sleep 0",
        "profiles remove -all",
        "rfkill block all",
        "auditctl -D",
        "auditctl -e 0",
        "chage -E 0 ann",
        "loginctl terminate-user ann",
        "loginctl enable-linger ann",
        "nvidia-smi -r",
        "nvidia-smi -pl 100",
        "journalctl --vacuum-size=1M",
        "journalctl --rotate",
        "journalctl --flush",
        "atop -w out",
        "sar -o out 1 1",
        "dmidecode --dump-bin out",
        "lshw -dump out",
        "tshark -w out",
        "dumpcap -w out",
        "ngrep -O out x",
        "tcpflow -o dir",
        "arecord out",
        "parecord out",
        "scrot out",
        "screencapture out",
        "gnome-screenshot -f out",
        "xwd -out out",
        "ettercap -w out",
        "bettercap -eval 'x'",
        "snoop -o out",
        "info -o out ls",
        "fzf --history=out",
        "peco --exec 'rm x'",
        "sk -i -c 'rm {}'",
        "semgrep --output out",
        "semgrep --autofix --config x",
        "ast-grep run -p a -r b -U",
        "sg run -p a -r b --update-all",
        "ugrep --save-config=out",
        "ugrep --filter='*:sh -c id' x",
        "cloc --out=out .",
        "cloc --report-file=out .",
        "scc -o out",
        "mdutil -E /",
        "mdutil -i off /",
        "uudecode f",
        "uudecode -o out f",
        "base64 -D -i f -o out",
        "exiftool -Comment=x f.jpg",
        "exiftool -overwrite_original -all= f.jpg",
        "exiftool '-FileName<CreateDate' f.jpg",
        "exiftool -if 'system(\"id\")' f.jpg",
        "exiftool -o out f.jpg",
        "pdftotext in.pdf out",
        "docx2txt in.docx out",
        "fuser -k 80/tcp",
        "lastlog -C -u ann",
        "lastlog --clear",
        "faillog -r",
        "neofetch --config /tmp/x",
        "fastfetch -c /tmp/x",
        "mapfile -C 'rm x' -c 1 a < f",
        "readarray -C 'rm x' -c 1 a < f",
        "compgen -C 'rm x'",
        "dc -e '!rm x'",
        "mediainfo --LogFile=out f",
        "xsv split dir f",
        "xsv sort -o out f",
        "visidata -b f -o out",
        "fx f '()=>1'",
        "htmlq -o out a",
        "script -c 'rm x' out",
        "script out",
        "gcore -o out 1",
        "date -s 2020-01-01",
        "date 010100002020",
        "hwclock -w",
        "timedatectl set-time x",
        "sort f -o f",
        "less -oout f",
    ],
)
def test_what_changes_something_or_runs_another_is_not_called_a_look(line: str) -> None:
    tree = command(line)
    effects = {operation.effect for operation in tree.operations}
    assert not effects <= {Effect.READ, Effect.SESSION} or not tree.complete, line
