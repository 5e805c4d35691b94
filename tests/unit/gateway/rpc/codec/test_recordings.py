"""Who is about to look at recordings, through messages and back."""

from __future__ import annotations

import pytest

from gateway.recording.shelf import Wanted
from gateway.rpc.codec import recordings
from gateway.rpc.limits import MAX_NAME, MAX_SOUGHT
from gateway.rpc.refusals import CallRefused
from gateway.viewing import Look, Playing, Searching
from grpc_proto.sallyport.recording.v1 import recording_pb2 as pb


@pytest.mark.parametrize(
    "look",
    [
        Playing("r-1"),
        Playing("r-1", is_export=True),
        Searching("", Wanted()),
        Searching("ünï", Wanted("ana", "box", "build-1", None, 0, 7)),
    ],
)
def test_what_somebody_is_about_to_look_at_comes_through(look: Look) -> None:
    assert recordings.read_announce(recordings.write_announce_request(look)) == look


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (pb.AnnounceRequest(), "INPUT_INVALID"),
        (pb.AnnounceRequest(playing=pb.Playing()), "INPUT_INVALID"),
        (pb.AnnounceRequest(playing=pb.Playing(recording="r" * (MAX_NAME + 1))), "INPUT_INVALID"),
        (pb.AnnounceRequest(searching=pb.Searching(text="x" * (MAX_SOUGHT + 1))), "TOO_LARGE"),
        (pb.AnnounceRequest(searching=pb.Searching(job="")), "INPUT_INVALID"),
        (pb.AnnounceRequest(searching=pb.Searching(until=-1)), "INPUT_INVALID"),
    ],
)
def test_what_says_nothing_or_too_much_is_refused(request_: pb.AnnounceRequest, code: str) -> None:
    with pytest.raises(CallRefused) as refused:
        recordings.read_announce(request_.SerializeToString())
    assert refused.value.code == code


def test_an_answer_without_an_entry_is_none() -> None:
    assert recordings.read_announced(recordings.write_announced(7)) == 7
    with pytest.raises(CallRefused):
        recordings.read_announced(b"")
