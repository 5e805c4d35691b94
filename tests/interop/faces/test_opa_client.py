"""opa-python-client, unmodified, against a whole gateway; and AuthZEN's calls over plain HTTP beside it."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.app.assembly import Gateway
from gateway.audit.read import read
from gateway.config import load_config
from tests.conftest import missing
from tests.strategies.gateways import ENVIRONMENT, settle_in

try:
    from opa_client.errors import ConnectionsError
    from opa_client.opa import OpaClient
except ImportError:
    OpaClient = None


@dataclass
class Served:
    gateway: Gateway
    port: int
    token: str = field(repr=False)

    def client(self, token: str | None = None) -> OpaClient:
        return OpaClient(host="127.0.0.1", port=self.port, token=token or self.token, retries=0, timeout=20)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if OpaClient is None:
        missing("opa-python-client")
    folder: Path = tmp_path_factory.mktemp("faces")
    file, token = settle_in(folder), secrets.token_hex(20)
    text = file.read_text().replace(
        'name = "app"\nkind = "service"', 'name = "app"\nkind = "service"\ntoken = "env:APP"'
    )
    text += '\n[[identity.principal]]\nname = "robot"\nkind = "agent"\ngroups = ["data-readers"]\ntoken = "env:ROBOT"\n'
    file.write_text(text + '\n[faces]\nbind = "127.0.0.1:0"\n')
    gateway = Gateway(load_config(file, {}), {**ENVIRONMENT, "APP": token, "ROBOT": f"{token}-robot"})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    places = asyncio.run_coroutine_threadsafe(gateway.start(listeners=False), loop).result(20)
    port = next(int(place.rpartition(":")[2]) for place in places if place.startswith("faces"))
    yield Served(gateway, port, token)
    asyncio.run_coroutine_threadsafe(gateway.stop(1), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    gateway.close()


def question(text: str) -> dict[str, object]:
    return {
        "principal": {"name": "ana", "kind": "agent", "groups": ["data-readers"]},
        "resource": {"name": "orders", "protocol": "postgres"},
        "command": {"protocol": "postgres", "text": text},
    }


def test_it_connects_and_is_healthy(served: Served) -> None:
    with served.client() as client:
        assert client.check_connection()
        assert client.check_health()
        assert client.get_policies_list() == []


def test_a_wrong_token_connects_to_nothing(served: Served) -> None:
    with served.client("wrong") as client, pytest.raises(ConnectionsError):
        client.check_connection()


def test_a_rule_is_asked_for_and_the_decision_stands_in_the_audit(served: Served) -> None:
    with served.client() as client:
        yes = client.query_rule(input_data=question("SELECT 1"), package_path="sallyport", rule_name="allow")
        no = client.query_rule(
            input_data=question("CREATE TABLE a (b int)"), package_path="sallyport", rule_name="allow"
        )
        held = client.query_rule(input_data=question("DELETE FROM a"), package_path="sallyport")
        nothing = client.query_rule(
            input_data=question("SELECT 1"), package_path="some.other.package", rule_name="allow"
        )
    assert (yes["result"], no["result"], nothing) == (True, False, {})
    assert (held["result"]["allow"], held["result"]["decision"]["verdict"]) == (False, "hold")
    entries = [
        entry for entry in read(served.gateway.config.at(served.gateway.config.audit.dir)) if entry.caller == "app"
    ]
    assert [(entry.verdict, entry.principal) for entry in entries][:3] == [
        ("allow", "ana"),
        ("deny", "ana"),
        ("hold", "ana"),
    ]
    assert entries[0].decision_id == yes["decision_id"]


def test_who_asks_for_itself_states_neither_whose_session_it_is_nor_where_from(served: Served) -> None:
    asked = {name: value for name, value in question("SELECT 1").items() if name != "principal"}
    with served.client(f"{served.token}-robot") as client:
        for forged in ({"id": "s-of-a-victim"}, {"client_address": "10.0.0.1"}):
            with pytest.raises(Exception, match="403"):
                client.query_rule(
                    input_data={**asked, "session": forged}, package_path="sallyport", rule_name="decision"
                )
        said = {"job": "quarterly-close", "application": "DBA console"}
        found = client.query_rule(input_data={**asked, "session": said}, package_path="sallyport", rule_name="decision")
    assert found["result"]["verdict"] == "allow"
    entries = list(read(served.gateway.config.at(served.gateway.config.audit.dir)))
    assert not [entry for entry in entries if entry.session == "s-of-a-victim" or entry.client_address == "10.0.0.1"]
    entry = next(entry for entry in entries if entry.decision_id == found["decision_id"])
    assert (entry.session[:2], entry.client_address) == ("q-", "127.0.0.1")
    assert (entry.job, entry.attributes["stated"]) == ("quarterly-close", ["job"])


def test_policies_cannot_be_put_in(served: Served) -> None:
    with served.client() as client, pytest.raises(Exception, match="policies and data"):
        client.update_policy_from_string("package x\n\nallow := true", "x")


def test_authzen_says_the_same(served: Served) -> None:
    def ask(path: str, document: object) -> dict[str, object]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{served.port}{path}",
            json.dumps(document).encode(),
            {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return dict(json.load(answer))

    shared = {
        "subject": {"type": "agent", "id": "ana", "properties": {"groups": ["data-readers"]}},
        "resource": {"type": "postgres", "id": "orders"},
    }
    actions = [
        {"action": {"name": "run", "properties": {"text": text}}} for text in ("SELECT 1", "CREATE TABLE a (b int)")
    ]
    assert ask("/access/v1/evaluation", {**shared, **actions[0]})["decision"] is True
    several = ask("/access/v1/evaluations", {**shared, "evaluations": actions})["evaluations"]
    assert isinstance(several, list)
    assert [one["decision"] for one in several] == [True, False]
