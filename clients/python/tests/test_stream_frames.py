"""What the client makes of frames, sound and unsound."""

from __future__ import annotations

import contextlib
import copy
import gc
import hashlib
import json
import pickle
import time
from collections.abc import Callable, Iterator

import grpc
import pytest

import loraloop
from loraloop import Client
from loraloop.export.v1 import export_service_pb2 as pb
from loraloop.torch import StreamingDataset
from tests.conftest import Scripted
from tests.scripted import IDENTITY, ScriptedError, Step, batch, footer, header, line, references

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
WHOLE = [header(), batch(0, 3), batch(3, 2), footer([batch(0, 3), batch(3, 2)], 5)]
TEXTS = [f"sample {index}" for index in range(5)]


def test_samples_are_dicts_with_the_weight_last(scripted: Scripted) -> None:
    client, _ = scripted(WHOLE)
    samples = list(client.stream("d"))
    assert [sample["text"] for sample in samples] == TEXTS
    assert list(samples[0].items()) == [("text", "sample 0"), ("weight", 1.5)]


def test_lines_carry_the_weight_and_a_line_feed(scripted: Scripted) -> None:
    client, _ = scripted(WHOLE)
    assert list(client.stream("d").lines())[4] == b'{"text":"sample 4","weight":1.5}\n'


def test_batches_name_ids_indices_and_weights(scripted: Scripted) -> None:
    client, _ = scripted(WHOLE)
    batches = list(client.stream("d").batches())
    assert [(list(b.indices), list(b.ids), b.weights) for b in batches] == [
        ([0, 1, 2], ["id-0", "id-1", "id-2"], [1.5] * 3),
        ([3, 4], ["id-3", "id-4"], [1.5] * 2),
    ]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda batch: pickle.loads(pickle.dumps(batch))])
@pytest.mark.parametrize("cache", [None, loraloop.BlockCache()])
def test_batches_go_to_other_processes(
    scripted: Scripted,
    copied: Callable[[loraloop.SampleBatch], loraloop.SampleBatch],
    cache: loraloop.BlockCache | None,
) -> None:
    block = line(0)
    digest = hashlib.sha256(block).digest()
    end = footer([], 1)
    end.footer.sample_count = 1
    client, server = scripted(WHOLE if cache is None else [header(), references([digest]), end])
    server.blocks = {digest: block}
    sent = next(client.stream("d", cache=cache, with_ids=True).batches())
    received = copied(sent)
    assert received.samples(with_ids=True) == sent.samples(with_ids=True)
    assert (received.lines(), received.ids, received.weights) == (sent.lines(), sent.ids, sent.weights)
    assert (list(received.indices), received.next_index) == (list(sent.indices), sent.next_index)


def test_a_cache_with_compression_is_refused_at_once(scripted: Scripted) -> None:
    client, server = scripted()
    refusal = "compression='zstd' packs lines, and with a cache only references"
    with pytest.raises(loraloop.ConfigurationError, match=refusal):
        client.stream("d", cache=loraloop.BlockCache(), compression="zstd")
    with pytest.raises(loraloop.ConfigurationError, match=refusal):
        StreamingDataset("d", client=client, cache=loraloop.BlockCache(), compression="zstd")
    assert server.requests == []


def test_position_names_the_sample_given_last(scripted: Scripted) -> None:
    client, _ = scripted(WHOLE)
    stream = client.stream("d")
    for index, _ in enumerate(stream):
        assert stream.position == loraloop.Position(index, f"id-{index}")
        assert stream.state_dict()["next_index"] == index + 1


@pytest.mark.parametrize(
    "broken",
    [
        [header(), batch(0, 3)],
        [header(), batch(0, 3), ScriptedError(UNAVAILABLE, "STORE_UNAVAILABLE", retry_after=0.01)],
        [
            header(),
            batch(0, 3),
            ScriptedError(grpc.StatusCode.RESOURCE_EXHAUSTED, "STREAMS_EXHAUSTED", retry_after=0.01),
        ],
        [header(), batch(0, 3), ScriptedError(grpc.StatusCode.INTERNAL)],
        [header(), batch(0, 3), footer([batch(0, 3)], 3, pb.Footer.REASON_DRAIN)],
    ],
    ids=["cut off", "unavailable", "exhausted", "reset", "drain"],
)
def test_goes_on_after_the_last_sample_received(scripted: Scripted, broken: list[Step]) -> None:
    client, export = scripted(broken, [header(3), batch(3, 2), footer([batch(3, 2)], 5)])
    assert [sample["text"] for sample in client.stream("d")] == TEXTS
    assert not export.requests[0].HasField("resume")
    assert export.requests[1].resume == pb.ResumePoint(**IDENTITY, next_index=3)


def test_breaks_again_and_again(scripted: Scripted) -> None:
    scripts = [[header(index), batch(index, 1)] for index in range(5)]
    client, export = scripted(*scripts, [header(5), footer([], 5)])
    assert [sample["text"] for sample in client.stream("d")] == TEXTS
    assert len(export.requests) == 6


def test_a_rank_goes_on_inside_of_a_global_batch(scripted: Scripted) -> None:
    plan = pb.Plan(spec=pb.PlanSpec(global_batch_size=8), sample_count=16)
    begin, again = header(0), header(7)
    begin.header.plan.CopyFrom(plan)
    again.header.plan.CopyFrom(plan)
    rest = [batch(7, 1), batch(12, 4)]
    client, export = scripted([begin, batch(4, 3)], [again, *rest, footer(rest, 16)])
    stream = client.stream("d", rank=1, world_size=2)
    assert [index for b in stream.batches() for index in b.indices] == [4, 5, 6, 7, 12, 13, 14, 15]
    assert export.requests[1].resume.next_index == 7


def without_last_line(frame: pb.StreamSamplesResponse) -> pb.StreamSamplesResponse:
    lines = frame.batch.lines.splitlines(keepends=True)
    frame.batch.lines = b"".join(lines[:-1])
    frame.batch.segment_bytes[1] -= len(lines[-1])
    return frame


@pytest.mark.parametrize(
    ("frames", "problem"),
    [
        ([header(), batch(0, 3), footer([batch(0, 2)], 3)], "2 samples were sent, 3 came"),
        ([header(), batch(0, 3), footer([batch(3, 3)], 3)], "digest"),
        ([header(), batch(1, 3)], "index 1 came where 0 was due"),
        ([header(), batch(0, 3), batch(2, 1)], "index 2 came where 3 was due"),
        ([batch(0, 3)], "header"),
        ([header(3), batch(3, 1)], "begins at 3 where 0 was due"),
        ([header(), without_last_line(batch(0, 3))], "a batch of 3 samples has 2 lines"),
    ],
)
def test_refuses_what_was_not_sent(scripted: Scripted, frames: list[pb.StreamSamplesResponse], problem: str) -> None:
    client, export = scripted(frames)
    with pytest.raises(loraloop.ContentDamagedError, match=problem):
        list(client.stream("d"))
    assert len(export.requests) == 1


def test_final_errors_are_typed_and_not_retried(scripted: Scripted) -> None:
    client, export = scripted([ScriptedError(grpc.StatusCode.NOT_FOUND, "DATASET_NOT_FOUND", dataset="d")])
    with pytest.raises(loraloop.NotFoundError) as caught:
        list(client.stream("d"))
    error = caught.value
    assert (error.code, error.reason, error.metadata, error.retryable) == (
        "NOT_FOUND",
        "DATASET_NOT_FOUND",
        {"dataset": "d"},
        False,
    )
    assert len(export.requests) == 1


def test_patience_ends(scripted: Scripted) -> None:
    client, _ = scripted([header(), batch(0, 1)], *[[ScriptedError(UNAVAILABLE)] for _ in range(50)], patience=0.3)
    stream = client.stream("d")
    assert next(stream)["text"] == "sample 0"
    with pytest.raises(loraloop.UnavailableError):
        next(stream)
    assert stream.state_dict()["next_index"] == 1


def test_a_state_goes_on_in_another_stream(scripted: Scripted) -> None:
    client, export = scripted(WHOLE, [header(2), batch(2, 3), footer([batch(2, 3)], 5)], [header(5), footer([], 5)])
    first = client.stream("d")
    next(first), next(first)
    state = json.loads(json.dumps(first.state_dict()))
    assert state == {**IDENTITY, "next_index": 2}
    second = client.stream("d", resume=state)
    assert second.state_dict() == state
    assert [sample["text"] for sample in second] == TEXTS[2:]
    assert list(client.stream("d", resume=second.state_dict())) == []
    assert export.requests[1].resume.next_index == 2


def test_a_stream_that_was_not_read_yet_has_a_state(scripted: Scripted) -> None:
    client, _ = scripted(WHOLE)
    stream = client.stream("d")
    assert stream.state_dict() == {**IDENTITY, "next_index": 0}
    assert len(list(stream)) == 5


def test_changing_form_in_the_middle_of_a_frame_loses_nothing(scripted: Scripted) -> None:
    client, _ = scripted(WHOLE, [header(1), batch(1, 4), footer([batch(1, 4)], 5)])
    stream = client.stream("d")
    next(stream)
    assert [index for b in stream.batches() for index in b.indices] == [1, 2, 3, 4]


def test_another_loop_goes_on_where_the_last_one_was_left(scripted: Scripted) -> None:
    client, _ = scripted(WHOLE, [header(3), batch(3, 2), footer([batch(3, 2)], 5)])
    stream = client.stream("d")
    for sample in stream:
        if sample["text"] == "sample 1":
            break
    assert [sample["text"] for sample in stream] == TEXTS[2:]


@pytest.mark.parametrize("copied", [copy.copy, lambda stream: pickle.loads(pickle.dumps(stream))])
def test_a_copy_is_a_stream_of_its_own(
    scripted: Scripted, copied: Callable[[loraloop.SampleStream], loraloop.SampleStream]
) -> None:
    client, _ = scripted(WHOLE, [header(1), batch(1, 4), footer([batch(1, 4)], 5)])
    stream = client.stream("d")
    next(stream)
    other = copied(stream)
    assert [sample["text"] for sample in other] == TEXTS[1:]
    assert [sample["text"] for sample in stream] == TEXTS[1:]


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"store": "other"}, loraloop.ResumeOtherStoreError),
        ({"incarnation": "other"}, loraloop.ResumeOtherIncarnationError),
        ({"request_hash": "other"}, loraloop.ResumeOtherRequestError),
        ({"plan": "other"}, loraloop.ResumePlanUnknownError),
        ({"format": "other"}, loraloop.ResumeFormatError),
    ],
)
def test_a_state_of_another_stream_is_refused_with_both_values(
    scripted: Scripted, changed: dict[str, str], kind: type[loraloop.ResumeError]
) -> None:
    client, _ = scripted(WHOLE)
    stream = client.stream("d")
    next(stream)
    with pytest.raises(kind) as caught:
        stream.load_state_dict({**stream.state_dict(), **changed})
    assert caught.value.actual == "other"
    assert caught.value.expected == str(IDENTITY[next(iter(changed))])


@pytest.mark.parametrize("changed", [{"next_index": -1}, {"next_index": "3"}, {"plan": None}, {"extra": 1}])
def test_a_malformed_state_is_refused(changed: dict[str, object]) -> None:
    stream = Client("127.0.0.1:1", "token").stream("d")
    with pytest.raises(loraloop.ResumeFormatError):
        stream.load_state_dict({**IDENTITY, "next_index": 0, **changed})


def test_a_header_of_another_stream_is_refused(scripted: Scripted) -> None:
    client, _ = scripted([header(3, plan="other")])
    with pytest.raises(loraloop.ResumePlanUnknownError, match="other"):
        next(client.stream("d", resume={**IDENTITY, "next_index": 3}))


def endless() -> Iterator[Step]:
    yield header()
    for index in range(10_000_000):
        yield batch(index, 2) if index % 2 == 0 else pb.StreamSamplesResponse(checkpoint=pb.Checkpoint())


@pytest.mark.parametrize("ending", ["break", "close", "exception", "garbage", "with"])
def test_leaving_cancels_the_call(scripted: Scripted, ending: str) -> None:
    client, export = scripted(endless())
    stream = client.stream("d")
    leave(stream, ending)
    if ending == "garbage":
        del stream
        gc.collect()
    deadline = time.monotonic() + 5
    while export.ended == 0 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert export.ended == 1


def leave(stream: loraloop.SampleStream, ending: str) -> None:
    if ending == "break":
        for _ in stream:
            break
    elif ending == "exception":
        with contextlib.suppress(KeyError):
            raise_inside(stream)
    elif ending == "with":
        with stream:
            next(stream)
    else:
        next(stream)
        if ending == "close":
            stream.close()


def raise_inside(stream: loraloop.SampleStream) -> None:
    for _ in stream:
        raise KeyError


def test_a_closed_stream_says_so(scripted: Scripted) -> None:
    client, _ = scripted(WHOLE)
    with client.stream("d") as stream:
        next(stream)
    with pytest.raises(loraloop.ClosedError):
        list(stream)
