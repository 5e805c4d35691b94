"""`audit verify`, `audit prove`, `audit key`: that the log is whole, that an entry is in it, who signs it."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, TextColumn

from gateway.audit.checkpoint import PublicKey, SigningKey
from gateway.audit.export.shapes import notes_in
from gateway.audit.keys import KEY_FILE, former_keys, log_name, make_pem, own_key, write_new
from gateway.audit.proving import Proof, check_entry, prove_entry, prove_growth
from gateway.audit.verify import Report, verify_log
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import complain, say, say_json
from gateway.config import Config, load_config
from gateway.errors import AuditUnavailable

LogFolder = Annotated[Path | None, typer.Option("--dir", help="The log's folder, instead of the configuration's.")]
Keys = Annotated[
    list[str] | None, typer.Option("--key", help="A public key that may sign, in one line or as a file with it.")
]


def register(group: typer.Typer) -> None:
    """Add these commands to those of `audit`."""
    group.command()(verify)
    group.command()(prove)
    group.command()(key)


def verify(
    config: ConfigFile = DEFAULT_CONFIG,
    directory: LogFolder = None,
    key: Keys = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="A checkpoint noted down earlier, or lines an export wrote: the log must still continue it."),
    ] = None,
    proof: Annotated[Path | None, typer.Option(help="Check this proof of one entry instead of the log.")] = None,
    entry: Annotated[Path | None, typer.Option(help="The file with the entry of --proof.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check every entry against the signed checkpoints; with --proof, one entry against a proof, without the log."""
    if proof is not None:
        _verify_proof(proof, entry, key, as_json)
        return
    place, loaded = _place(config, directory)
    trusted = _given(key) or _own(place, loaded)
    kept = [note for path in checkpoint or () for note in notes_in(path.read_text())]
    with Progress(TextColumn("{task.completed:,} entries"), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("verify", total=None)
        report = verify_log(place, trusted, kept=kept, progress=lambda done: progress.update(task, completed=done))
    if as_json:
        say_json(msgspec.to_builtins(report))
    else:
        _say_report(report, place)
    if not report.is_whole:
        raise typer.Exit(1)


def _say_report(report: Report, place: Path) -> None:
    say(f"{place}: {report.entries:,} entries, {report.covered:,} of them under {report.checkpoints:,} checkpoints")
    if report.unchained:
        say(
            f"  {report.unchained:,} checkpoints are of an older version: the entries under them are proven, and not that none"
        )
        say("  of those checkpoints was taken out")
    if report.entries > report.covered and report.is_whole:
        say(f"  {report.entries - report.covered:,} entries came after the last checkpoint")
    if report.shredded:
        say(f"  the contents of {report.shredded:,} entries were shredded; the entries are proven")
    if report.closed:
        say(f"  the contents of {report.closed:,} entries are closed, and their keys are not here")
    if report.torn:
        say(f"  a torn tail of {report.torn} bytes: a line that was being written")
    for finding in report.findings:
        say(f"  wrong: {finding.code}: {finding.message}")
    say("  whole: nothing was changed, taken out or moved" if report.is_whole else "  NOT whole: keep it as evidence")


def _verify_proof(proof: Path, entry: Path | None, key: list[str] | None, as_json: bool) -> None:
    trusted = _given(key)
    if entry is None or not trusted:
        complain("a proof is checked with the entry and the log's key", help="add --entry FILE and --key KEY")
        raise typer.Exit(2)
    try:
        seq = check_entry(Proof.parse(proof.read_text()), entry.read_bytes().removesuffix(b"\n"), trusted)
    except ValueError as error:
        complain(f"not proven: {error}")
        raise typer.Exit(1) from None
    if as_json:
        say_json({"seq": seq, "proven": True})
    else:
        say(f"proven: this is entry {seq} of {trusted[0].name}")


def prove(
    seq: Annotated[int | None, typer.Argument(help="The number of the entry.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    directory: LogFolder = None,
    since: Annotated[
        int | None, typer.Option(help="Prove that the log of this size only grew, instead of one entry.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write FILE.tlog-proof and FILE.entry; standard output when not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a proof that an entry is in the log, for somebody who cannot see the log."""
    if (seq is None) == (since is None):
        complain("say what to prove", help="the number of an entry, or --since SIZE")
        raise typer.Exit(2)
    place, _ = _place(config, directory)
    if since is not None:
        growth = prove_growth(place, since)
        say_json(
            {"old": growth.old, "new": growth.new, "path": [base64.b64encode(one).decode() for one in growth.path]}
        )
        return
    assert seq is not None
    proof, line = prove_entry(place, seq)
    if as_json:
        say_json({"proof": proof.print(), "entry": line.decode()})
    elif out is None:
        say(proof.print().removesuffix("\n"))
    else:
        out.with_suffix(".tlog-proof").write_text(proof.print())
        out.with_suffix(".entry").write_bytes(line + b"\n")
        say(f"{out.with_suffix('.tlog-proof')} and {out.with_suffix('.entry')} prove entry {seq}")


def key(
    config: ConfigFile = DEFAULT_CONFIG,
    directory: LogFolder = None,
    new: Annotated[Path | None, typer.Option(help="Make a new private key in this file (mode 600).")] = None,
) -> None:
    """Print the public keys that may sign the log's checkpoints, or make a new private one."""
    if new is not None:
        try:
            write_new(new, make_pem())
        except OSError as error:
            complain(f"`{new}` cannot be made ({error.strerror})", help="name a file that does not exist yet")
            raise typer.Exit(3) from None
        complain(f"made {new}", help=f'put "file:{new}" first into `[audit] keys`, the old one behind it, then SIGHUP')
        return
    place, loaded = _place(config, directory)
    for one in _own(place, loaded):
        say(one.print())


def _place(config: Path, directory: Path | None) -> tuple[Path, Config | None]:
    if directory is not None:
        return directory, None
    loaded = load_config(config, os.environ)
    return loaded.at(loaded.audit.dir), loaded


def _given(keys: list[str] | None) -> list[PublicKey]:
    found = []
    for text in keys or ():
        try:
            found.append(PublicKey.parse(Path(text).read_text() if Path(text).is_file() else text))
        except (ValueError, OSError):
            complain("a --key is no public key of a log", help="`sallyport audit key` prints it")
            raise typer.Exit(2) from None
    return found


def _own(place: Path, loaded: Config | None) -> list[PublicKey]:
    """The keys that this machine's configuration has for the log, or the one beside it."""
    if not place.is_dir():
        raise AuditUnavailable(f"there is no audit in {place}", help="see `[audit] dir`")
    found: list[SigningKey] = []
    if loaded is not None and loaded.audit.keys:
        # WHY here: it loads what reads every kind of credential, a second's work that few commands of the log need.
        from gateway.app.secrets import Secrets

        found = Secrets(loaded, os.environ).audit_keys(log_name(place))
    elif (place / KEY_FILE).is_file():
        found = [own_key(place, log_name(place))]
    if not found:
        complain("there is no key to check the log with", help="add --key KEY")
        raise typer.Exit(2)
    return [*(one.public for one in found), *former_keys(() if loaded is None else loaded.audit.former_keys)]
