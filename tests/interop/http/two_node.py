"""Node's own HTTP/2 on both sides of a gateway: a server that says what stood behind a request's body, and a client that sends such fields."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from playwright._impl._driver import compute_driver_executable

_SERVER = """
const server = require("http2").createServer();
server.on("stream", (stream, headers) => {
  let size = 0, behind = {};
  stream.on("trailers", fields => { behind = {...fields}; });
  stream.on("data", data => { size += data.length; });
  stream.on("end", () => {
    stream.respond({":status": 200, "content-type": "application/json"});
    stream.end(JSON.stringify({size, behind, path: headers[":path"], names: Object.keys(headers)}));
  });
  stream.on("error", () => {});
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
"""
_CLIENT = """
const [port, head, size, behind] = JSON.parse(process.argv[1]);
const session = require("http2").connect(`http://127.0.0.1:${port}`);
const request = session.request(head, {waitForTrailers: true});
let status = 0, said = "";
request.on("wantTrailers", () => request.sendTrailers(behind));
request.on("response", fields => { status = fields[":status"]; });
request.setEncoding("utf8").on("data", data => { said += data; });
request.on("error", () => {});
request.on("close", () => { console.log(JSON.stringify([status, said])); session.destroy(); });
request.end(Buffer.alloc(size, "a"));
"""


def _node() -> str:
    found = compute_driver_executable()
    return str(found[0] if isinstance(found, tuple) else found)


@contextmanager
def node_server() -> Iterator[int]:
    """The port of a server that speaks HTTP/2 without TLS."""
    process = subprocess.Popen([_node(), "-e", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def node_client(port: int, head: Mapping[str, str], size: int, behind: Mapping[str, str]) -> tuple[int, str]:
    """The status of and what came to one request with a body of so many bytes, and fields behind it."""
    asked = json.dumps([port, head, size, behind])
    said = subprocess.run([_node(), "-e", _CLIENT, asked], capture_output=True, text=True, timeout=60, check=True)
    status, body = json.loads(said.stdout)
    return status, body
