"""What a client of Kubernetes asks while lines are cut."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from urllib.parse import quote

import aiohttp
from aiohttp import ClientSession, WSMsgType

from tests.e2e.behind.kubernetes import KubernetesWorld, kubernetes_world, said
from tests.e2e.cuts.cutting import Cut, End, Step, Talk, cut_lines
from tests.e2e.soak.kubernetes_clients import ERROR, POD, SPACE, STDOUT
from tests.e2e.soak.kubernetes_place import POLICY

FAILED = (502, 504)
LARGE = 300_000


class KubernetesTalk(Talk):
    """Objects, a watch, commands in a container."""

    kept = 1

    def __init__(self, world: KubernetesWorld) -> None:
        super().__init__(world)
        self._world = world

    def ran(self) -> Iterable[tuple[str, str]]:
        return self._world.ran()

    def said(self, text: str) -> str:
        return said(text)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Iterable[Step]]:
        context = ssl.create_default_context(cafile=str(self._world.folder / "gateway.pem"))
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        headers = {"Authorization": f"Bearer {self._world.cluster.token}", "Accept": "application/json"}
        connector = aiohttp.TCPConnector(ssl=context)
        name = self.mark()
        maps = f"{SPACE}/configmaps"
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "x" * 5000}}
        async with ClientSession(f"https://127.0.0.1:{self.port}", headers=headers, connector=connector) as session:
            yield (
                lambda: self._ask(session, "GET", f"{SPACE}/pods?labelSelector=mark!%3D{self.mark()}"),
                lambda: self._ask(session, "POST", f"{maps}?fieldManager={name}", made),
                lambda: self._ask(session, "GET", f"{SPACE}/secrets"),
                lambda: self._ask(
                    session, "GET", f"{maps}?watch=true&timeoutSeconds=1&fieldSelector=metadata.name%3D{name}"
                ),
                lambda: self._exec(session, "echo", self.mark()),
                lambda: self._exec(session, "head", "-c", str(LARGE), "/dev/zero", size=LARGE),
                lambda: self._exec(session, "sh", "-c", f"echo ann@example.org; : mask-me {self.mark()}"),
                lambda: self._leave(session, f"{maps}?watch=true&fieldSelector=metadata.name%3D{name}"),
            )

    async def _ask(self, session: ClientSession, method: str, path: str, body: object = None) -> End:
        try:
            async with session.request(method, path, json=body) as answer:
                try:
                    got = await answer.read()
                except aiohttp.ClientPayloadError:
                    return End.CUT
        except aiohttp.ClientConnectionError:
            return End.GONE
        if answer.status in FAILED:
            assert json.loads(got)["kind"] == "Status", got
            return End.TOLD
        # A name that is there already, or is not there any more, is so because an answer was cut off.
        assert answer.status in (200, 201, 404, 409), (answer.status, got)
        return End.OK

    async def _leave(self, session: ClientSession, path: str) -> End:
        """Go away from a watch that has no end: the target goes on with it for as long as nobody ends it there."""
        try:
            async with session.get(path) as answer:
                return End.TOLD if answer.status in FAILED else End.OK
        except aiohttp.ClientConnectionError:
            return End.GONE

    async def _exec(self, session: ClientSession, *words: str, size: int = 0) -> End:
        query = "&".join([*(f"command={quote(word, safe='')}" for word in words), "stdout=true", "stderr=true"])
        way, got = f"{POD}/exec?{query}", 0
        try:
            async with session.ws_connect(way, protocols=("v5.channel.k8s.io",), compress=0, max_msg_size=0) as socket:
                async for message in socket:
                    if message.type is not WSMsgType.BINARY:
                        return End.CUT
                    got += len(message.data) - 1 if message.data[0] == STDOUT else 0
                    if message.data[0] == ERROR:
                        status = json.loads(message.data[1:])
                        assert status["status"] == "Failure" or not size or got == size
                        return End.OK if status["status"] == "Success" else End.TOLD
                # It is seen to break off: no status came.
                return End.CUT
        except aiohttp.WSServerHandshakeError as error:
            if error.status not in FAILED:
                raise
            return End.TOLD
        except aiohttp.ClientConnectionError:
            return End.GONE


@contextlib.contextmanager
def prepared() -> Iterator[Cut]:
    with kubernetes_world(POLICY) as world:
        address = (world.folder / "cluster" / "address").read_text().strip()
        with cut_lines(KubernetesTalk(world), int(address.rpartition(":")[2])) as cut:
            yield cut
