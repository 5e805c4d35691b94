"""A gateway as a process before a real API server, which writes down every request, and one node."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from gateway.demo.cluster import free_port
from tests.e2e.world import GatewayProcess
from tests.interop.kubernetes.cluster import Cluster, placed, write_kubeconfigs

METHODS = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
STATE = """[store]
url = "sqlite:///store.db"
[recording]
dir = "recordings"
low_water_bytes = 1048576
[audit]
dir = "audit"
"""
LINE = 8
"""Words of the exec that runs a line of a guarded shell: the bash, four options, what is around the line, its name, the line."""


@dataclass(slots=True)
class KubernetesWorld(GatewayProcess):
    """The gateway; `cluster` has kubectl and what is known of the target."""

    cluster: Cluster

    def environment(self) -> dict[str, str]:
        return {**GatewayProcess.environment(self), **self.cluster.environment}

    def ran(self) -> Iterator[tuple[str, str]]:
        """Every request that the API server had of the gateway: as `said` has it, and as it was written down."""
        for line in (self.folder / "cluster" / "audit.log").read_text().splitlines():
            entry = json.loads(line)
            if entry["stage"] == "RequestReceived" and entry["user"]["username"] == "sallyport-gateway":
                yield said(f"{METHODS[entry['verb']]} {entry['requestURI']}"), line


def said(text: str) -> str:
    """A request as it is compared: of what runs in a container its words, of a line of a guarded shell that line."""
    method, target = text.split(" ")[:2]
    url = urlsplit(target)
    words = parse_qs(url.query).get("command", [])
    if not url.path.endswith("/exec"):
        return f"{method} {target}"
    if "sallyport-shell: guarded" in text or (len(words) == LINE and words[-1] == ":"):
        return f"{url.path} guarded"
    return f"{url.path} {[words[0], '-c', words[-1]] if len(words) == LINE else words}"


@contextlib.contextmanager
def kubernetes_world(policy: str, more: str = "") -> Iterator[KubernetesWorld]:
    """A configured gateway, not yet started, before what it is for; gone afterwards. `more`: of the configuration."""
    with placed({"world.rego": policy}, with_gateway=False) as cluster:
        here = KubernetesWorld(cluster.folder, free_port(), cluster)
        text = here.config.read_text().replace("watch_seconds = 0\n", "").replace("[audit]\n", STATE)
        head, listener = text.rsplit('bind = "', 1)
        here.config.write_text(f'{head}bind = "127.0.0.1:{here.port}"{listener.partition(chr(34))[2]}{more}')
        cluster.port = here.port
        write_kubeconfigs(cluster)
        try:
            yield here
        finally:
            here.stop()
