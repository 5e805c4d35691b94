"""The same policies are the same bytes; a bundle that is altered, unsigned or a stranger's never opens, each with its code."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import PolicyUnusable
from gateway.policy_store import bundle as module
from gateway.policy_store.archive import write_archive
from gateway.policy_store.bundle import MAGIC, BundleRefused, Tested, check_revision, pack, unpack
from gateway.policy_store.signing import Signer, TrustedKeys

FILES = {"a.rego": b"package policies.a", "data.json": b'{"v": 1}', "b/c.gate": b"policy b"}
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER, TRUSTED = Signer(KEY), TrustedKeys([KEY.public_key()])
SIGNED = pack(FILES, revision="r1", sequence=7, commit="abc", tested=Tested(3), signer=SIGNER)
UNSIGNED = pack(FILES, revision="r1", sequence=7)


def code_of(raw: bytes, trusted: TrustedKeys | None = TRUSTED) -> str:
    with pytest.raises(PolicyUnusable) as told:
        unpack(raw, trusted)
    return told.value.code


def test_what_was_packed_is_unpacked() -> None:
    found = unpack(SIGNED, TRUSTED)
    assert found.files == FILES
    assert found.key == SIGNER.id
    assert (found.manifest.revision, found.manifest.sequence, found.manifest.commit) == ("r1", 7, "abc")
    assert found.manifest.tested == Tested(3, 0)
    assert unpack(UNSIGNED, None).key is None
    assert unpack(SIGNED, None).key is None


def test_the_same_contents_are_the_same_bytes() -> None:
    backwards = dict(reversed(list(FILES.items())))
    assert pack(backwards, revision="r1", sequence=7, commit="abc", tested=Tested(3), signer=SIGNER) == SIGNED


def test_each_refusal_has_its_own_code() -> None:
    assert code_of(UNSIGNED) == "BUNDLE_UNSIGNED"
    assert code_of(SIGNED, TrustedKeys([])) == "BUNDLE_KEY_UNKNOWN"
    stranger = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    assert code_of(pack(FILES, revision="r1", sequence=7, signer=stranger)) == "BUNDLE_KEY_UNKNOWN"
    assert code_of(SIGNED[:-1]) == "BUNDLE_ALTERED"
    assert code_of(b"PK\x03\x04") == "BUNDLE_MALFORMED"
    with pytest.raises(BundleRefused) as told:
        check_revision(unpack(SIGNED, TRUSTED), "r2")
    assert told.value.code == "BUNDLE_ALTERED"
    check_revision(unpack(SIGNED, TRUSTED), "r1")


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_no_byte_of_a_signed_bundle_can_change(place: int, by: int) -> None:
    altered = bytearray(SIGNED)
    altered[place] ^= by
    with pytest.raises(PolicyUnusable):
        unpack(bytes(altered), TRUSTED)


def test_a_signature_cannot_be_carried_to_other_policies() -> None:
    header = SIGNED.split(b"\n", 2)[1]
    other = pack({"a.rego": b"package policies.evil"}, revision="r9", sequence=8).split(b"\n", 2)[2]
    assert code_of(MAGIC + header + b"\n" + other) == "BUNDLE_ALTERED"


def test_nothing_is_opened_before_the_signature_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "read_archive", lambda raw: pytest.fail("it was opened"))
    for raw in (UNSIGNED, SIGNED[:-1], SIGNED.replace(b'"signature":"', b'"signature":"AAAA')):
        code_of(raw)


@pytest.mark.parametrize(
    "header", [b"", b"[]", b'{"key": 1}', b'{"key": "\xff"}', b"{}" + b" " * 2_000, b'{"key":"k","signature":"!"}']
)
def test_a_header_that_means_nothing_is_refused(header: bytes) -> None:
    assert code_of(MAGIC + header + b"\n" + UNSIGNED.split(b"\n", 2)[2]) in (
        "BUNDLE_MALFORMED",
        "BUNDLE_UNSIGNED",
        "BUNDLE_KEY_UNKNOWN",
    )
    signed = b'{"key":"%b","signature":"!"}' % SIGNER.id.encode()
    assert code_of(MAGIC + signed + b"\n") == "BUNDLE_ALTERED"
    assert code_of(MAGIC + b"{}") == "BUNDLE_MALFORMED"


def with_manifest(inside: dict[str, bytes], **changes: object) -> bytes:
    manifest = {"revision": "r", "sequence": 1, "format": 1, "files": [], **changes}
    all_files = [("manifest.json", json.dumps(manifest).encode()), *inside.items()]
    return MAGIC + b"{}\n" + write_archive(all_files)


def test_the_manifest_must_tell_exactly_what_is_there() -> None:
    listed = {"name": "a.rego", "sha256": "0" * 64, "size": 1}
    assert code_of(with_manifest({"policies/a.rego": b"x"}), None) == "BUNDLE_ALTERED"
    assert code_of(with_manifest({}, files=[listed]), None) == "BUNDLE_ALTERED"
    assert code_of(with_manifest({"policies/a.rego": b"x"}, files=[listed]), None) == "BUNDLE_ALTERED"
    assert code_of(with_manifest({"elsewhere/a.rego": b"x"}), None) == "BUNDLE_MALFORMED"
    assert code_of(with_manifest({"policies/program.sh": b"x"}), None) == "BUNDLE_MALFORMED"
    assert code_of(with_manifest({}, format=2), None) == "BUNDLE_MALFORMED"
    assert code_of(with_manifest({}, sequence=-1), None) == "BUNDLE_MALFORMED"
    assert code_of(with_manifest({}, more=1), None) == "BUNDLE_MALFORMED"
    assert code_of(MAGIC + b"{}\n" + write_archive([]), None) == "BUNDLE_MALFORMED"


def test_a_bundle_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BUNDLE", 10)
    assert code_of(SIGNED) == "BUNDLE_MALFORMED"
