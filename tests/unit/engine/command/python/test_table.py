"""What is known of modules and functions, and that no module of the tables leads to another one unseen."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import types
import warnings
from collections.abc import Iterator

import pytest

from engine.command.python.table import (
    BUILTINS,
    canonical,
    is_data_method,
    is_inside,
    is_known_module,
    is_module,
    is_private,
    method_row,
    row_of,
    tables,
)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("posix.system", "os.system"),
        ("random._os.system", "os.system"),
        ("json.codecs.builtins.eval", "builtins.eval"),
        ("os.path.os.system", "os.system"),
        ("enum.bltns.exec", "builtins.exec"),
        ("io.open", "builtins.open"),
        ("xml.etree.ElementTree.parse", "xml.etree.ElementTree.parse"),
        ("http.client.HTTPConnection", "http.client.HTTPConnection"),
        ("socket.socket", "socket.socket"),
        ("datetime.datetime.now", "datetime.datetime.now"),
        ("time.time", "time.time"),
        ("base64.re.enum.bltns.exec", "builtins.exec"),
        ("shutil.copy", "shutil.copy"),
        ("os.stat", "os.stat"),
    ],
)
def test_one_name_for_what_has_several(path: str, name: str) -> None:
    assert canonical(path) == name
    assert canonical(name) == name


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("os.system", "run_process"),
        ("os.nothing", "call_unknown"),
        ("os.O_RDONLY", "compute"),
        ("ctypes.CDLL", "native_code"),
        ("json.loads", "compute"),
        ("json._default_decoder", "reflect"),
        ("json.loads.__globals__", "reflect"),
        ("typing.get_type_hints", "run_code"),
        ("helper.run", "call_unknown"),
        ("subprocess.CalledProcessError", "compute"),
        ("pandas.read_csv().groupby().agg", "compute"),
        ("pandas.read_csv().to_csv", "write_file"),
        ("pathlib.Path().unlink", "delete_file"),
        ("socket.socket()", "call_unknown"),
        ("numpy.lib.format", "call_unknown"),
        ("builtins.__name__", "compute"),
        ("builtins.ValueError", "compute"),
    ],
)
def test_what_a_function_does(path: str, kind: str) -> None:
    assert row_of(path).kind == kind


def test_methods_by_their_name_alone() -> None:
    assert method_row("strip") is not None
    assert method_row("whatever") is None
    row = method_row("__globals__")
    assert row is not None
    assert row.kind == "reflect"
    row = method_row("sendall")
    assert row is not None
    assert row.kind == "send"
    assert is_data_method("append")
    assert not is_data_method("unlink")


def test_names_of_insides_and_private_ones() -> None:
    assert is_inside("__subclasses__")
    assert is_inside("f_back")
    assert not is_inside("__name__")
    assert is_private("_os")
    assert not is_private("os")
    assert not is_private("__init__")


def test_modules() -> None:
    assert is_module("os")
    assert not is_module("os.system")
    assert is_known_module("email.mime.image")
    assert not is_known_module("helper")


def test_every_builtin_is_in_a_table_or_unknown_on_purpose() -> None:
    unknown = {name for name in BUILTINS if row_of(canonical(f"builtins.{name}")).kind == "call_unknown"}
    assert unknown <= {
        "True",
        "False",
        "None",
        "builtins",
        "copyright",
        "__builtins__",
        "WindowsError",
        "aiter",
        "anext",
    }


PLAIN = [name for name, sort in tables().sorts.items() if sort == "plain" and name in sys.stdlib_module_names]


def leads(module: types.ModuleType, path: str, seen: set[int], depth: int = 0) -> Iterator[str]:
    """Modules that can be reached from a plain one by a name that the tables take for one that computes."""
    for name, value in vars(module).items():
        if not isinstance(value, types.ModuleType) or id(value) in seen or depth > 4:
            continue
        whole = f"{path}.{name}"
        made = canonical(whole)
        if row_of(made).kind != "compute" or (is_module(made) and made != whole):
            continue
        if tables().sorts.get(value.__name__) != "plain" and value.__name__.partition(".")[0] != path.partition(".")[0]:
            yield f"{whole} is {value.__name__}"
        seen.add(id(value))
        yield from leads(value, whole, seen, depth + 1)


@pytest.mark.parametrize("name", PLAIN)
def test_no_plain_module_leads_to_another_one_unseen(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module(name)
        # WHY all parts: a program may import any of them, and then its names stand in the package.
        for part in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
            if not part.name.endswith("__main__"):
                importlib.import_module(part.name)
        assert list(leads(module, name, set())) == []


def test_the_builtins_are_found_when_a_module_hides_them() -> None:
    # The check above sees what it is for.
    module = types.ModuleType("json")
    module.__dict__["quiet"] = importlib.import_module("os")
    assert list(leads(module, "json", set())) != []
