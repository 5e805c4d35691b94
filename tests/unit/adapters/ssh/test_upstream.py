"""The way to a target: only with its pinned key, only with a key of ours; trouble is told without a word of secrets."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncssh
import pytest

from adapters.core.ports import Target
from adapters.ssh.upstream import MAX_CONNECTIONS, TargetUnusable, Upstream, check_target
from tests.ssh_world import new_key, ssh_world, text_of


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


KEY = new_key()
TARGET = Target("box.internal", 22, "me", private_key=text_of(KEY), known_hosts=f"box.internal {public(KEY)}\n")


def test_a_pinned_target_is_usable() -> None:
    check_target(TARGET)
    check_target(replace(TARGET, known_hosts=f"@cert-authority *.internal {public(KEY)}\n"))
    check_target(replace(TARGET, port=2222, known_hosts=f"[box.internal]:2222 {public(KEY)}\n"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"known_hosts": ""}, "NO_HOST_KEY"),
        ({"known_hosts": f"other.internal {public(KEY)}\n"}, "NO_HOST_KEY"),
        ({"known_hosts": f"@revoked box.internal {public(KEY)}\n"}, "NO_HOST_KEY"),
        ({"known_hosts": "|9|x|y ssh-ed25519 AAAA\n"}, "NO_HOST_KEY"),
        ({"private_key": None}, "NO_CREDENTIAL"),
        ({"private_key": "hunter2"}, "NO_CREDENTIAL"),
        ({"certificate": "hunter2"}, "NO_CREDENTIAL"),
    ],
)
def test_a_target_without_pin_or_credential_is_not(changes: dict[str, str], code: str) -> None:
    with pytest.raises(TargetUnusable) as caught:
        check_target(replace(TARGET, **changes))  # type: ignore[arg-type]  # texts
    assert caught.value.code == code
    assert "hunter2" not in str(caught.value)


async def test_a_target_with_another_key_is_never_signed_in_to() -> None:
    async with ssh_world() as world:
        other = f"[127.0.0.1]:{world.target.port} {public(new_key())}\n"
        with pytest.raises(TargetUnusable) as caught:
            await Upstream(replace(world.target, known_hosts=other)).connection()
        assert caught.value.code == "WRONG_HOST_KEY"


async def test_one_connection_serves_and_is_made_again_when_it_was_lost() -> None:
    async with ssh_world() as world:
        upstream = Upstream(world.target)
        first = await upstream.connection()
        assert await upstream.connection() is first
        first.abort()
        await first.wait_closed()
        assert await upstream.connection() is not first
        upstream.close()
        with pytest.raises(TargetUnusable) as caught:
            await upstream.connection()
        assert caught.value.code == "CLOSED"


async def test_a_connection_that_comes_about_after_the_end_is_ended() -> None:
    async with ssh_world() as world:
        asked, goes_on = asyncio.Event(), asyncio.Event()

        async def fresh() -> Target:
            asked.set()
            await goes_on.wait()
            return world.target

        upstream = Upstream(replace(world.target, fresh=fresh))
        task = asyncio.create_task(upstream.connection())
        await asked.wait()
        upstream.close()
        goes_on.set()
        with pytest.raises(TargetUnusable) as caught:
            await task
        assert caught.value.code == "CLOSED"


async def test_each_try_to_connect_is_told() -> None:
    told: list[bool] = []
    async with ssh_world() as world:
        upstream = Upstream(world.target, lambda seconds, is_reached: told.append(is_reached))
        await upstream.connection()
        await upstream.connection()
        upstream.close()
    with pytest.raises(TargetUnusable):
        await Upstream(
            replace(world.target, known_hosts=""), lambda seconds, is_reached: told.append(is_reached)
        ).connection()
    assert told == [True, False]


async def test_another_connection_is_made_where_one_is_full_and_there_is_an_end_of_them() -> None:
    async with ssh_world() as world:
        upstream = Upstream(world.target)
        full = [await upstream.connection()]
        for _ in range(MAX_CONNECTIONS - 1):
            full.append(await upstream.connection(full))
        assert len(set(full)) == MAX_CONNECTIONS
        assert await upstream.connection(full[1:]) is full[0]
        with pytest.raises(TargetUnusable) as caught:
            await upstream.connection(full)
        assert caught.value.code == "TARGET_FULL"
        upstream.close()
        await asyncio.gather(*(one.wait_closed() for one in full))


async def test_nobody_there_is_told_by_its_sort_alone() -> None:
    target = replace(TARGET, host="127.0.0.1", port=1, known_hosts=f"[127.0.0.1]:1 {public(KEY)}\n")
    with pytest.raises(TargetUnusable) as caught:
        await Upstream(target).connection()
    assert (caught.value.code, "127.0.0.1" in str(caught.value)) == ("TARGET_UNREACHABLE", False)
