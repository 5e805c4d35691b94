"""Very many server-sent events, as two programs of their own: `serve` is the target, `listen` the clients. Numbers as lines of JSON.

python -m tests.interop.http.many_events serve SECONDS
python -m tests.interop.http.many_events listen PORT COUNT      (the token is in TOKEN)
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import sys
import time
from dataclasses import dataclass

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset

STREAMS = 100
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


async def serve(seconds: float) -> None:
    """A target that sends an event to each of its clients every so many seconds."""
    writers: set[asyncio.StreamWriter] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        writers.add(writer)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writers.discard(writer)
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    number = 0
    while True:
        await asyncio.sleep(seconds)
        number += 1
        event = b"data: " + json.dumps({"n": number, "text": "x" * 100}).encode() + b"\n\n"
        for writer in list(writers):
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))


@dataclass
class Counts:
    begun: int = 0
    bytes: int = 0
    lost: int = 0


async def connection(port: int, streams: int, token: str, counts: Counts) -> None:
    """One connection with its streams, read for ever."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    h2 = H2Connection(H2Configuration(client_side=True))
    h2.initiate_connection()
    for _ in range(streams):
        fields = [(":method", "GET"), (":scheme", "https"), (":authority", "shop"), (":path", "/stream")]
        h2.send_headers(h2.get_next_available_stream_id(), [*fields, ("authorization", f"Bearer {token}")], True)
    writer.write(h2.data_to_send())
    while data := await reader.read(65536):
        for event in h2.receive_data(data):
            match event:
                case ResponseReceived():
                    counts.begun += dict(event.headers)[b":status"] == b"200"
                case DataReceived():
                    counts.bytes += len(event.data)
                    h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case StreamEnded() | StreamReset():
                    counts.lost += 1
                case _:
                    pass
        writer.write(h2.data_to_send())
    counts.lost += streams


async def listen(port: int, count: int, token: str) -> None:
    counts = Counts()
    tasks = []
    for left in range(count, 0, -STREAMS):
        tasks.append(asyncio.create_task(connection(port, min(left, STREAMS), token, counts)))
        while counts.begun < (len(tasks) - 1) * STREAMS:
            await asyncio.sleep(0.01)
    began = time.monotonic()
    while not any(task.done() for task in tasks):
        said = {"seconds": time.monotonic() - began, **vars(counts)}
        print(json.dumps(said), flush=True)
        await asyncio.sleep(1)
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(float(sys.argv[2])))
    else:
        asyncio.run(listen(int(sys.argv[2]), int(sys.argv[3]), os.environ["TOKEN"]))
