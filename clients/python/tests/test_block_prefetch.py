"""What streams with a block cache fetch ahead, and when they stop."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, cast

import pytest

import loraloop
from loraloop import BlockCache
from loraloop._blocks import Blocks, OpenCalls
from loraloop.export.v1 import export_service_pb2 as pb
from tests.conftest import Scripted
from tests.scripted import footer, header, line, references

MIB = 1 << 20


class Requests:
    """In place of a cache: what is asked for."""

    def __init__(self, prefetch_bytes: int) -> None:
        self.prefetch_bytes = prefetch_bytes
        self.read_digests: list[bytes] = []

    def __contains__(self, digest: bytes) -> bool:
        return False

    def read(self, digest: bytes, _fetch: object) -> bytes:
        self.read_digests.append(digest)
        return digest * 4


@pytest.mark.parametrize(("prefetch_bytes", "ahead"), [(0, 0), (8 << 20, 1), (64 << 20, 8)])
def test_no_more_is_fetched_ahead_than_allowed(prefetch_bytes: int, ahead: int) -> None:
    digests = [bytes([number]) * 32 for number in range(20)]
    frame = pb.ReferenceBatch(
        block_digests=digests, blocks=[*range(20), 0], offsets=[1] * 21, lengths=[3] * 21, ids=["id"] * 21
    )
    requests: Any = Requests(prefetch_bytes)
    with ThreadPoolExecutor(1) as executor:
        blocks = Blocks(cast("Any", None), requests, executor, OpenCalls(), ["key"], 10)
        blocks.prefetch(frame)
        executor.submit(int).result()
        assert requests.read_digests == digests[:ahead]
        assert not blocks.wants_more(0)
        expected = b"".join(digest[:3] for digest in [*digests, digests[0]])
        assert b"".join(lines for _, lines in blocks.pieces(frame)) == expected
    assert requests.read_digests == digests


def make_blocks(count: int, size: int = 1_000) -> dict[bytes, bytes]:
    blocks = [line(index).ljust(size, b" ") for index in range(count)]
    return {hashlib.sha256(block).digest(): block for block in blocks}


def end_of(count: int) -> pb.StreamSamplesResponse:
    end = footer([], count)
    end.footer.sample_count = count
    return end


@pytest.mark.parametrize(("size", "count", "limit"), [(6 * MIB, 8, 16 * MIB), (20 * MIB, 4, 24 * MIB)])
@pytest.mark.parametrize("kept", [True, False])
def test_what_waits_for_the_reader_is_bounded_in_bytes(
    scripted: Scripted, tmp_path: Path, size: int, count: int, limit: int, kept: bool
) -> None:
    blocks = make_blocks(count, size)
    client, server = scripted([header(), references(list(blocks)), end_of(count)])
    server.blocks = blocks
    cache = BlockCache(tmp_path, size if kept else 0, prefetch_bytes=limit)
    waiting = []
    with client.stream("d", cache=cache) as stream:
        for index, sample in enumerate(stream):
            assert sample["text"] == f"sample {index}"
            assert stream._call is not None
            assert stream._call._blocks is not None
            blocks_ahead = stream._call._blocks
            wait(blocks_ahead._coming.values())
            waiting.append(blocks_ahead.waiting_bytes)
    assert len(waiting) == count
    assert max(waiting) <= limit
    assert len(cache) == (1 if kept else 0)


def test_the_first_sample_does_not_wait_for_other_blocks_and_closing_ends_their_calls(scripted: Scripted) -> None:
    blocks = make_blocks(20)
    client, server = scripted([header(), references(list(blocks))])
    server.blocks = dict(list(blocks.items())[:2])
    stream = client.stream("d", cache=BlockCache(), with_ids=True)
    assert [next(stream)["index"] for _ in range(2)] == [0, 1]
    assert stream.state_dict()["next_index"] == 2
    assert server.blocks_missed.wait(10)
    assert not server.blocks_given_up.is_set()
    stream.close()
    assert server.blocks_given_up.wait(10)
    for thread in threading.enumerate():
        if thread.name.startswith("loraloop-blocks"):
            thread.join(10)
            assert not thread.is_alive()


def test_a_block_that_changes_on_disk_while_it_is_read_is_fetched_again(scripted: Scripted, tmp_path: Path) -> None:
    ((digest, block),) = make_blocks(1).items()
    again = references([digest])
    again.references.index_runs[0].first = 1
    client, server = scripted([header(), references([digest]), again, end_of(2)])
    server.blocks = {digest: block}
    stream = client.stream("d", cache=BlockCache(tmp_path))
    assert next(stream)["text"] == "sample 0"
    (file,) = tmp_path.glob("*/*")
    with file.open("r+b") as written:
        written.write(block.replace(b"sample 0", b"sample 9"))
    assert next(stream)["text"] == "sample 0"
    assert file.read_bytes() == block


def test_a_block_that_never_comes_lets_go_of_the_folder(scripted: Scripted, tmp_path: Path) -> None:
    blocks = make_blocks(1)
    ((digest, block),) = blocks.items()
    client, server = scripted([header(), references([digest])], patience=0.5)
    with pytest.raises(loraloop.DeadlineError):
        next(client.stream("d", cache=BlockCache(tmp_path, prefetch_bytes=0)))
    assert server.blocks_given_up.wait(10)
    assert bytes(BlockCache(tmp_path).read(digest, lambda: block)) == block


def test_blocks_that_cannot_be_read_end_the_patience(scripted: Scripted) -> None:
    ((digest, _),) = make_blocks(1).items()
    script = [header(), references([digest]), end_of(1)]
    client, server = scripted(*[script for _ in range(30)], patience=0.5)
    server.blocks_given_up.set()
    with pytest.raises(loraloop.RpcError, match="UNKNOWN"):
        next(client.stream("d", cache=BlockCache()))
    assert 2 <= len(server.requests) <= 15
