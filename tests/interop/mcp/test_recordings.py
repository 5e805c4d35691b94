"""Calls of tools that a policy wants recorded: the official SDK's client through the gateway to a server made with it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.interop.http.recorded import RULES, Kept, asked, done, shown
from tests.interop.http.running import gateway_before
from tests.interop.mcp.shop import CARD, POLICY, Shop, client_of, text_of


async def test_a_call_its_result_and_its_outcome_are_recorded_masked(shop: Shop, tmp_path: Path) -> None:
    with gateway_before(
        tmp_path, f"127.0.0.1:{shop.port}", policy=POLICY, protocol="mcp", more={"kept.rego": RULES}
    ) as running:
        kept = Kept(running)
        async with client_of(running) as client:
            await client.call_tool("look", {"sku": "a-1"})
            assert CARD not in text_of(await client.call_tool("customer", {"number": 7}))
        running.gateway.recordings.close()
        found = kept.lines(len(kept.names()))
        plain = kept.plain()
    assert CARD.encode() not in plain
    assert running.token.encode() not in plain
    calls = {json.loads(one.text)["params"]["name"]: one for one in asked(found) if '"tools/call"' in one.text}
    assert {name: one.verdict for name, one in calls.items()} == {"look": "allow", "customer": "mask"}
    assert '"price"' in shown(found, calls["look"].id)
    assert "[redacted]" in shown(found, calls["customer"].id)
    assert done(found, calls["look"].id).bytes > 0


async def test_a_call_that_cannot_be_recorded_is_not_made(shop: Shop, tmp_path: Path) -> None:
    only = RULES.replace('"value": "results"}', '"value": true} if input.command.mcp.tool == "look"')
    with gateway_before(
        tmp_path, f"127.0.0.1:{shop.port}", policy=POLICY, protocol="mcp", more={"kept.rego": only}
    ) as running:
        running.gateway.recordings._low_water = 1 << 62
        async with client_of(running) as client:
            result = await client.call_tool("look", {"sku": "a-1"})
    assert result.is_error
    assert "has to be recorded" in text_of(result)
    assert shop.called == []
