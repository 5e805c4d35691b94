"""`build`, `verify` and `signing-key`: policies in one file, signed, and what such a file holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from engine.compiler.stages import CompiledPolicies, compile_policies
from engine.errors import PolicyRefused
from engine.source import Severity
from engine.suite.report import report_text
from gateway.cli.diagnostics import tell
from gateway.cli.options import AsJson
from gateway.cli.output import complain, say, say_json
from gateway.cli.testing import report_of
from gateway.errors import PolicyUnusable
from gateway.policy_store.bundle import Bundle, Tested, check_revision, pack, unpack
from gateway.policy_store.checkout import commit_of, committed_at
from gateway.policy_store.folder import deciding_files, read_files
from gateway.policy_store.origins import read_bundle_file
from gateway.policy_store.signing import make_key, read_signer, read_trusted

MAX_SHOWN = 3_000


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(build)
    app.command()(verify)
    app.command(name="signing-key")(signing_key)


def build(
    folder: Annotated[Path, typer.Argument(help="The policy folder.")] = Path("policies"),
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle.")] = Path("policies.bundle"),
    sign: Annotated[Path | None, typer.Option(help="PEM file of an Ed25519 private key.")] = None,
    sequence: Annotated[
        int | None, typer.Option(min=0, help="A number that grows with each bundle; else the time of the git commit.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check strictly, test, and put policies and data into one file: the same contents, the same bytes."""
    signer = None if sign is None else read_signer(sign)
    files = deciding_files(folder)
    compiled = _compiled_strictly(folder, files)
    tested = _tested(folder)
    number = committed_at(folder) if sequence is None else sequence
    if number is None:
        complain("this folder has no git commit whose time could number the bundle", help="give `--sequence N`")
        raise typer.Exit(2)
    raw = pack(
        files, revision=compiled.revision, sequence=number, commit=commit_of(folder), tested=tested, signer=signer
    )
    try:
        output.write_bytes(raw)
    except OSError as error:
        complain(f"`{output}` cannot be written ({error.strerror})")
        raise typer.Exit(3) from None
    _show(output, unpack(raw, None), None if signer is None else signer.id, as_json)


def verify(
    file: Annotated[Path, typer.Argument(help="The bundle.")],
    key: Annotated[
        list[Path] | None, typer.Option(help="PEM file of a public key that is trusted; may be given more than once.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a bundle holds, or why it must not decide: altered, unsigned, of an unknown key, not compiling."""
    trusted = read_trusted(key) if key else None
    raw = read_bundle_file(file)
    try:
        bundle = unpack(raw, trusted)
        loaded = read_files(file, bundle.files.items())
        check_revision(bundle, compile_policies(loaded.sources, loaded.data).revision)
    except PolicyRefused as error:
        tell(error.diagnostics)
        raise typer.Exit(1) from None
    except PolicyUnusable as error:
        complain(f"{file}: {error} ({error.code})", help=error.help)
        raise typer.Exit(1) from None
    _show(file, bundle, bundle.key, as_json)


def signing_key(
    private: Annotated[Path, typer.Argument(help="File for the private key; it must not be there yet.")],
    public: Annotated[Path, typer.Argument(help="File for the public key.")],
) -> None:
    """Make a pair of keys: `build --sign` wants the private one, `[policies] key` the public one."""
    secret, known = make_key()
    try:
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
        public.write_bytes(known)
    except OSError as error:
        complain(f"`{error.filename}` cannot be written ({error.strerror})")
        raise typer.Exit(3) from None
    say(f"{public}: key {read_signer(private).id}")


def _compiled_strictly(folder: Path, files: dict[str, bytes]) -> CompiledPolicies:
    """The policies without a single warning; else everything wrong with them is told, and that was all."""
    loaded = read_files(folder, files.items())
    try:
        compiled = compile_policies(loaded.sources, loaded.data)
    except PolicyRefused as error:
        tell(error.diagnostics)
        raise typer.Exit(1) from None
    warnings = compiled.warnings
    if warnings:
        tell(warnings)
        complain("a bundle is built of policies without warnings", help=f"`sallyport check --strict {folder}`")
        raise typer.Exit(1)
    return compiled


def _tested(folder: Path) -> Tested:
    report = report_of(folder)
    if not report.is_green:
        tell(one for one in report.mistakes if one.severity is Severity.ERROR)
        complain(report_text(report, 0.0).removesuffix("\n")[:MAX_SHOWN], help=f"`sallyport test {folder}`")
        raise typer.Exit(1)
    return Tested(passed=len(report.outcomes))


def _show(file: Path, bundle: Bundle, key: str | None, as_json: bool) -> None:
    manifest = bundle.manifest
    if as_json:
        say_json({"file": str(file), "signed_by": key, "manifest": manifest})
        return
    say(f"{file}: {len(manifest.files)} files, revision {manifest.revision[:12]}, sequence {manifest.sequence}")
    say(f"  commit {manifest.commit or 'unknown'}, {manifest.tested.passed} tests passed, {_signed(key)}")


def _signed(key: str | None) -> str:
    return "no signature checked" if key is None else f"signed by {key}"
