"""sftp, scp (both ways of it) and git, unmodified: each file asked about where it is, refusals told in the client."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from tests.interop.ssh.place import Place

MIB = 1 << 20


def copy(place: Place, *words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[bytes]:
    base = place.command()[1:-3]
    return subprocess.run(
        ["scp", *options, *base, "-P", str(place.port), *words], capture_output=True, timeout=60, check=False
    )


def sftp(place: Place, batch: str) -> subprocess.CompletedProcess[bytes]:
    base = place.command()[1:-3]
    return subprocess.run(
        ["sftp", *base, "-P", str(place.port), "-b", "-", "ana+box@127.0.0.1"],
        input=batch.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("-O",)], ids=["sftp", "legacy"])
def test_scp_copies_ten_megabytes_there_and_back(place: Place, options: tuple[str, ...]) -> None:
    source, there, back = (place.folder / f"{name}{len(options)}" for name in ("source", "there", "back"))
    source.write_bytes(os.urandom(10 * MIB))
    up = copy(place, str(source), f"ana+box@127.0.0.1:{there}", options=options)
    assert (up.returncode, up.stderr) == (0, b"")
    down = copy(place, f"ana+box@127.0.0.1:{there}", str(back), options=options)
    assert (down.returncode, down.stderr) == (0, b"")
    assert source.read_bytes() == there.read_bytes() == back.read_bytes()
    texts = [entry.text for entry in place.decisions()]
    if options:
        assert f"scp -t {there}" in texts
    else:
        assert f'sftp write "{there}"' in texts
        assert f'sftp read "{there}"' in texts


def test_scp_copies_folders(place: Place) -> None:
    source = place.folder / "tree"
    (source / "inner").mkdir(parents=True)
    (source / "inner" / "a").write_text("a")
    (source / "b").write_text("b")
    done = copy(place, "-r", str(source), f"ana+box@127.0.0.1:{place.folder}/copied")
    assert done.returncode == 0, done.stderr
    assert (place.folder / "copied" / "inner" / "a").read_text() == "a"


def test_a_denied_file_is_told_in_scp_and_does_not_come_to_be(place: Place) -> None:
    source = place.folder / "plain"
    source.write_text("x")
    denied = place.folder / "x#deny"
    done = copy(place, str(source), f"ana+box@127.0.0.1:{denied}")
    assert done.returncode != 0
    assert b"denied: the mark says no" in done.stderr or b"ermission denied" in done.stderr
    assert not denied.exists()


def test_a_session_of_sftp_does_what_is_granted(place: Place) -> None:
    folder = place.folder / "session"
    (place.folder / "upload").write_text("hello")
    done = sftp(
        place,
        f"mkdir {folder}\nput {place.folder}/upload {folder}/a\nrename {folder}/a {folder}/b\nls -l {folder}\n"
        f"ln -s b {folder}/l\nchmod 600 {folder}/b\nget {folder}/b {place.folder}/download\nrm {folder}/l\ndf {folder}\n",
    )
    assert done.returncode == 0, done.stderr
    assert (place.folder / "download").read_text() == "hello"
    assert [path.name for path in folder.iterdir()] == ["b"]
    assert b" b\n" in done.stdout


def test_a_device_takes_what_is_put_into_it(place: Place) -> None:
    (place.folder / "upload").write_text("hello")
    done = sftp(place, f"put {place.folder}/upload /dev/null\n")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_symbolic_link_is_judged_by_where_it_leads(place: Place) -> None:
    secret, link = place.folder / "deep#deny", place.folder / "harmless"
    secret.write_text("s3cret")
    link.symlink_to(secret)
    done = sftp(place, f"get {link} {place.folder}/stolen\n")
    assert done.returncode != 0
    assert not (place.folder / "stolen").exists()
    done = sftp(place, f"put {place.folder}/ana.pub {link}\n")
    assert done.returncode != 0
    assert secret.read_text() == "s3cret"


def test_a_held_file_waits_and_says_so_on_standard_error(place: Place) -> None:
    held = place.folder / "y#hold"
    held.write_text("x")
    result: list[subprocess.CompletedProcess[bytes]] = []
    working = threading.Thread(target=lambda: result.append(sftp(place, f'rm "{held}"\n')), daemon=True)
    working.start()
    # The client looks at a file before it removes it; each look is a question too.
    while working.is_alive():
        found = place.gateway.approvals.pending(0)
        if found:
            place.decide_hold(granted=True)
        working.join(0.05)
    assert result[0].returncode == 0, result[0].stderr
    assert b"sallyport: held: ticket" in result[0].stderr
    assert not held.exists()
