"""A bundle: policies and data in one file, with what they are (`Manifest`) and who vouches for them. Pure.

    sallyport-bundle 1\n
    {"key": "...", "signature": "..."}\n        {} when nobody signed it
    a ZIP without compression: manifest.json, and the files below policies/

INVARIANT: with keys configured, nothing behind the second line is looked at before its signature was checked. The
manifest's digests make an unsigned bundle whole, not trustworthy. Each refusal has its own code. The gateway makes sure
besides that the revision compiled is the manifest's, and that sequences never go back (`rollback`).
See docs/decisions/0006-policy-bundles.md. Called by `origins` and the command line.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from gateway.errors import PolicyUnusable
from gateway.policy_store.archive import read_archive, write_archive
from gateway.policy_store.folder import MAX_BYTES, is_deciding
from gateway.policy_store.signing import Signer, TrustedKeys

MAGIC = b"sallyport-bundle 1\n"
MAX_HEADER = 1_024
MAX_BUNDLE = MAX_BYTES + (8 << 20)
MANIFEST = "manifest.json"
ROOT = "policies/"


class BundleRefused(PolicyUnusable):
    """A bundle that must not decide. Codes: BUNDLE_MALFORMED, _UNSIGNED, _KEY_UNKNOWN, _ALTERED, _ROLLED_BACK."""

    code = "BUNDLE_MALFORMED"


class Tested(msgspec.Struct, frozen=True):
    """What came of the tests when the bundle was built."""

    passed: int = 0
    failed: int = 0


class Listed(msgspec.Struct, frozen=True):
    """One file."""

    name: str
    sha256: str
    size: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bundle says of itself. `revision` is the hash of contents that decisions name; `sequence` only ever grows."""

    revision: str
    sequence: int
    files: tuple[Listed, ...]
    commit: str | None = None
    tested: Tested = Tested()
    format: int = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was found whole. `key` is who signed it, None when nobody was asked to check."""

    manifest: Manifest
    files: Mapping[str, bytes]
    key: str | None = None


class _Header(msgspec.Struct, frozen=True, omit_defaults=True):
    key: str | None = None
    signature: str | None = None


def pack(
    files: Mapping[str, bytes],
    *,
    revision: str,
    sequence: int,
    commit: str | None = None,
    tested: Tested = Tested(),  # noqa: B008  # frozen
    signer: Signer | None = None,
) -> bytes:
    """The bundle of some files. The same arguments make the same bytes."""
    listed = tuple(Listed(name, hashlib.sha256(files[name]).hexdigest(), len(files[name])) for name in sorted(files))
    manifest = Manifest(revision, sequence, listed, commit, tested)
    encoded = msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1) + b"\n"
    inside = [(MANIFEST, encoded), *((ROOT + name, content) for name, content in files.items())]
    payload = write_archive(inside)
    header = _Header()
    if signer is not None:
        header = _Header(signer.id, base64.b64encode(signer.sign(payload)).decode())
    return MAGIC + msgspec.json.encode(header) + b"\n" + payload


def unpack(raw: bytes, trusted: TrustedKeys | None) -> Bundle:
    """The bundle in some bytes; `trusted` None asks for no signature. Raises BundleRefused and ArchiveRefused, nothing else."""
    if len(raw) > MAX_BUNDLE:
        raise BundleRefused(f"the bundle is longer than {MAX_BUNDLE} bytes")
    if not raw.startswith(MAGIC):
        raise BundleRefused("this is no bundle", help="`sallyport build` makes one")
    end = raw.find(b"\n", len(MAGIC), len(MAGIC) + MAX_HEADER)
    if end < 0:
        raise BundleRefused("the bundle's header has no end")
    try:
        header = msgspec.json.decode(raw[len(MAGIC) : end], type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BundleRefused("the bundle's header cannot be read") from error
    payload = raw[end + 1 :]
    key = None if trusted is None else _check_signature(header, payload, trusted)
    return _opened(payload, key)


def _check_signature(header: _Header, payload: bytes, trusted: TrustedKeys) -> str:
    if header.key is None or header.signature is None:
        raise BundleRefused(
            "the bundle is not signed, and a key is configured",
            help="build it with `--sign KEY`",
            code="BUNDLE_UNSIGNED",
        )
    if header.key not in trusted:
        raise BundleRefused(
            f"the bundle is signed by a key that nobody configured ({header.key[:32]!a})",
            help="add its public key to `[policies] key`, if you trust it",
            code="BUNDLE_KEY_UNKNOWN",
        )
    try:
        signature = base64.b64decode(header.signature, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _altered("its signature cannot be read") from error
    if not trusted.is_signed(header.key, signature, payload):
        raise _altered("its signature does not fit")
    return header.key


def _opened(payload: bytes, key: str | None) -> Bundle:
    inside = dict(read_archive(payload))
    try:
        manifest = msgspec.json.decode(inside.pop(MANIFEST, b""), type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BundleRefused("the bundle has no manifest that can be read") from error
    if manifest.format != 1 or manifest.sequence < 0:
        raise BundleRefused("the bundle is of a format that is not known here")
    files = {name.removeprefix(ROOT): content for name, content in inside.items() if name.startswith(ROOT)}
    if len(files) != len(inside) or not all(is_deciding(name) for name in files):
        raise BundleRefused("the bundle holds files that are no policies")
    listed = {one.name: (one.sha256, one.size) for one in manifest.files}
    found = {name: (hashlib.sha256(content).hexdigest(), len(content)) for name, content in files.items()}
    if listed != found or len(listed) != len(manifest.files):
        raise _altered("its files are not those that it lists")
    return Bundle(manifest, files, key)


def check_revision(bundle: Bundle, compiled: str) -> None:
    """Raise BundleRefused when what was compiled is not what the manifest says."""
    if bundle.manifest.revision != compiled:
        raise _altered("its policies compile to another revision")


def _altered(why: str) -> BundleRefused:
    return BundleRefused(
        f"the bundle was altered: {why}", help="fetch it again, or build it again", code="BUNDLE_ALTERED"
    )
