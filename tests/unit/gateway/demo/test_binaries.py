from __future__ import annotations

from pathlib import Path

import pytest

from gateway.demo.binaries import FOLDER_VARIABLE, DemoUnavailable, find_binaries


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def server(folder: Path) -> Path:
    program(folder / "initdb")
    program(folder / "postgres")
    return folder


def test_a_folder_named_in_the_environment_wins(tmp_path: Path) -> None:
    named, on_path = server(tmp_path / "named"), server(tmp_path / "path")
    found = find_binaries({FOLDER_VARIABLE: str(named), "PATH": str(on_path)}, ())
    assert found.initdb == named / "initdb"
    assert found.postgres == named / "postgres"


def test_a_wrong_folder_in_the_environment_is_an_error_even_when_the_path_would_do(tmp_path: Path) -> None:
    on_path = server(tmp_path / "path")
    with pytest.raises(DemoUnavailable) as refused:
        find_binaries({FOLDER_VARIABLE: str(tmp_path / "nowhere"), "PATH": str(on_path)}, ())
    assert FOLDER_VARIABLE in str(refused.value)
    assert "pg_config --bindir" in refused.value.help


def test_a_link_in_the_path_leads_to_its_own_folder(tmp_path: Path) -> None:
    real = server(tmp_path / "real")
    links = tmp_path / "links"
    links.mkdir()
    (links / "postgres").symlink_to(real / "postgres")
    assert find_binaries({"PATH": str(links)}, ()).initdb == real / "initdb"


def test_the_newest_major_version_of_a_package_folder_is_taken(tmp_path: Path) -> None:
    for major in ("9", "15", "16"):
        server(tmp_path / "postgresql" / major / "bin")
    found = find_binaries({"PATH": ""}, (str(tmp_path / "postgresql"),))
    assert found.postgres == tmp_path / "postgresql" / "16" / "bin" / "postgres"


def test_a_folder_with_only_half_of_a_server_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "postgresql" / "17" / "bin" / "initdb")
    server(tmp_path / "postgresql" / "15" / "bin")
    found = find_binaries({"PATH": ""}, (str(tmp_path / "postgresql"),))
    assert found.initdb.parent.parent.name == "15"


def test_psql_beside_the_server_is_preferred_to_the_one_in_the_path(tmp_path: Path) -> None:
    folder = server(tmp_path / "server")
    program(tmp_path / "path" / "psql")
    environment = {FOLDER_VARIABLE: str(folder), "PATH": str(tmp_path / "path")}
    assert find_binaries(environment, ()).psql == tmp_path / "path" / "psql"
    program(folder / "psql")
    assert find_binaries(environment, ()).psql == folder / "psql"


def test_without_any_psql_there_is_none(tmp_path: Path) -> None:
    assert find_binaries({FOLDER_VARIABLE: str(server(tmp_path / "server")), "PATH": ""}, ()).psql is None


def test_without_a_server_the_message_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(DemoUnavailable) as refused:
        find_binaries({"PATH": str(tmp_path)}, (str(tmp_path / "postgresql"),))
    assert "initdb" in str(refused.value)
    assert "apt-get install postgresql" in refused.value.help
