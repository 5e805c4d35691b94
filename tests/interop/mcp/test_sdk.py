"""The official SDK's client, unchanged, through the gateway to a server made with the same SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from mcp import MCPError
from mcp_types import ElicitResult

from gateway.approvals.states import State
from tests.interop.http.running import Running, gateway_before
from tests.interop.mcp.shop import CARD, POLICY, Shop, client_of, text_of


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_session_is_opened_tools_are_listed_and_called(running: Running, shop: Shop, mode: str) -> None:
    before = len(running.decisions())
    async with client_of(running, mode=mode) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"look", "customer", "refund", "wipe"} <= names
        result = await client.call_tool("look", {"sku": "a-1"})
        assert (result.is_error, result.structured_content) == (False, {"sku": "a-1", "price": 3})
        assert (await client.read_resource("shop://terms")).contents
        assert (await client.get_prompt("greet", {"name": "ana"})).messages
    assert shop.called == ["look"]
    asked = [json.loads(entry.text) for entry in running.decisions()[before:] if entry.text.startswith("{")]
    assert [one["params"] for one in asked if one["method"] == "tools/call"] == [
        {"name": "look", "arguments": {"sku": "a-1"}}
    ]
    assert running.decisions()[-1].text == "DELETE"


async def test_a_denied_call_tells_the_model_why_and_does_nothing(running: Running, shop: Shop) -> None:
    async with client_of(running) as client:
        result = await client.call_tool("wipe", {})
        assert result.is_error
        assert "no rule allows this" in text_of(result)
        large = await client.call_tool("refund", {"order": 1, "amount": 500})
        assert text_of(large) == "denied: refunds above 100 are for the office. send the customer to the office"
    assert shop.called == []


async def test_masks_are_on_data_and_on_text_before_the_client_has_them(running: Running, shop: Shop) -> None:
    async with client_of(running) as client:
        result = await client.call_tool("customer", {"number": 7})
        hidden = {"number": 7, "card": "[redacted]", "orders": [{"id": 1, "card": "[redacted]"}]}
        assert result.structured_content == hidden
        assert json.loads(text_of(result)) == hidden
        result = await client.call_tool("note", {"number": 7})
        assert text_of(result) == "paid with [redacted], write to [redacted]"
    assert shop.called == ["customer", "note"]


async def test_masks_reach_the_progress_of_a_call_that_streams(running: Running) -> None:
    told: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async with client_of(running) as client:
        result = await client.call_tool("report", {}, progress_callback=progress)
    assert told == ["at [redacted]"] * 3
    assert CARD not in text_of(result)


async def test_a_held_call_waits_with_progress_and_is_answered_once_approved(running: Running, shop: Shop) -> None:
    told: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async with client_of(running) as client:
        call = asyncio.ensure_future(client.call_tool("refund", {"order": 1, "amount": 9}, progress_callback=progress))
        ticket = await asyncio.to_thread(running.ticket)
        assert shop.called == []
        assert '"amount":9' in ticket.text
        running.approve(ticket)
        result = await call
    assert (text_of(result), shop.called) == ("paid back 9 for 1", ["refund"])
    assert told
    assert "a lead looks at refunds" in told[0]


async def test_a_held_call_that_is_refused_tells_the_model(running: Running, shop: Shop) -> None:
    async with client_of(running) as client:
        call = asyncio.ensure_future(client.call_tool("refund", {"order": 1, "amount": 9}))
        running.refuse(await asyncio.to_thread(running.ticket))
        result = await call
    assert result.is_error
    assert "refused by lea: no" in text_of(result)
    assert shop.called == []


async def test_a_call_that_is_taken_back_while_it_waits_does_not_run_and_its_ticket_is_withdrawn(
    running: Running, shop: Shop
) -> None:
    known = {one.id for one in running.gateway.approvals.recent((), 100, None)}
    async with client_of(running) as client:
        with pytest.raises(MCPError):
            # Longer than it takes to be held: who leaves before that has no ticket that could be withdrawn.
            await client.call_tool("refund", {"order": 1, "amount": 9}, read_timeout_seconds=4)
        ticket = running.gateway.approvals.recent((), 10, None)[0]
        assert ticket.id not in known
        while (found := running.gateway.approvals.get(ticket.id)) is not None and not found.is_over:
            await asyncio.sleep(0.05)
        assert found is not None
        assert found.state is State.WITHDRAWN
        assert (await client.call_tool("look", {"sku": "a"})).structured_content == {"sku": "a", "price": 3}
    assert shop.called == ["look"]


async def test_who_has_no_token_has_no_session(running: Running, shop: Shop) -> None:
    with pytest.raises(BaseExceptionGroup):
        async with client_of(running, token="nobody", mode="legacy"):
            raise AssertionError("was let in")
    assert shop.called == []


async def test_a_server_asks_a_client_only_where_that_is_granted(
    running: Running, shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    asked: list[str] = []

    async def elicit(context: object, params: object) -> ElicitResult:
        asked.append(str(params))
        return ElicitResult(action="accept", content={"yes": True})

    async with client_of(running, elicitation_callback=elicit) as client:
        result = await client.call_tool("ask", {})
    assert result.is_error
    assert asked == []
    granted = 'server_requests = ["elicitation"]\n[resource.tls]\nmode = "disable"'
    folder = tmp_path_factory.mktemp("granted")
    policy = POLICY.replace("listen, end_session", "listen, reply, end_session")
    with gateway_before(folder, f"127.0.0.1:{shop.port}", policy=policy, protocol="mcp", resource=granted) as other:
        async with client_of(other, elicitation_callback=elicit) as client:
            result = await client.call_tool("ask", {})
    assert (text_of(result), len(asked)) == ("accept", 1)


@pytest.fixture
def changing() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.close()


async def test_a_tool_that_changes_after_it_was_approved_is_neither_shown_nor_called(
    running: Running, tmp_path_factory: pytest.TempPathFactory, changing: Shop
) -> None:
    async with client_of(running) as client:
        listed = await client.list_tools()
    folder = tmp_path_factory.mktemp("approved")
    (folder / "tools.json").write_text(listed.model_dump_json(by_alias=True, exclude_unset=True))
    approved = 'tools = "tools.json"\nlists = "permitted"\n[resource.tls]\nmode = "disable"'
    with gateway_before(
        folder, f"127.0.0.1:{changing.port}", policy=POLICY, protocol="mcp", resource=approved
    ) as other:
        async with client_of(other) as client:
            names = {tool.name for tool in (await client.list_tools(cache_mode="refresh")).tools}
            assert names == {"look", "customer", "note", "report", "refund", "ask", "grow"}, "what is permitted"
            assert not (await client.call_tool("look", {"sku": "a"})).is_error
            assert text_of(await client.call_tool("grow", {})) == "grown"
            tools = (await client.list_tools(cache_mode="refresh")).tools
            assert "look" not in {tool.name for tool in tools}
            assert "~/.ssh" not in str(tools)
            result = await client.call_tool("look", {"sku": "a"})
            assert result.is_error
            assert "not as it was approved" in text_of(result)
