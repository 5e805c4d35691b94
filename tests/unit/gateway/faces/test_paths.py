"""Every path of our own face is another one, in one place."""

from __future__ import annotations

from gateway.faces import paths, tokens


def test_each_path_is_its_own_and_the_server_has_the_same() -> None:
    known = (paths.TOKENS, paths.REVOKE, paths.WHO, paths.SIGN_IN)
    assert len({*known}) == len(known)
    assert all(path.startswith("/sallyport/v1/") for path in known)
    assert known == (tokens.TOKENS, tokens.REVOKE, tokens.WHO, tokens.SIGN_IN)
