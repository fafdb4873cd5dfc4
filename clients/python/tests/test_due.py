from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loraloop._due import Due
from loraloop._plan import Share
from loraloop.export.v1 import export_service_pb2 as pb


def header(next_index: int, batch_size: int, sample_count: int) -> pb.Header:
    plan = pb.Plan(spec=pb.PlanSpec(global_batch_size=batch_size), sample_count=sample_count)
    return pb.Header(resume=pb.ResumePoint(next_index=next_index), plan=plan)


def walk(due: Due, index: int, sample_count: int) -> list[int]:
    found = []
    while (index := due.from_index(index)) < sample_count:
        found.append(index)
        index += 1
    return found


@given(st.integers(1, 9), st.integers(0, 70), st.integers(0, 70), st.integers(1, 4), st.integers(1, 4))
def test_shares_are_a_partition_by_the_rule(batch: int, count: int, start: int, world: int, workers: int) -> None:
    start, world = min(start, count), min(world, batch)
    seen: list[int] = []
    for rank in range(world):
        for worker in range(workers):
            due = Due.of(Share(rank, world, worker, workers), header(start, batch, count))
            indices = walk(due, start, count)
            assert all((index // batch - start // batch) % workers == worker for index in indices)
            for index in indices:
                size = min(batch, count - index // batch * batch)
                assert rank * size // world <= index % batch < (rank + 1) * size // world
            seen += indices
    assert sorted(seen) == list(range(start, count))


@given(st.integers(1, 9), st.integers(0, 70), st.integers(0, 70), st.integers(0, 70))
def test_a_call_that_goes_on_is_due_what_was_left(batch: int, count: int, start: int, cut: int) -> None:
    start = min(start, count)
    share = Share(1, 2, 1, 3)
    first = Due.of(share, header(start, batch, count))
    whole = walk(first, start, count)
    left = whole[min(cut, len(whole)) :]
    again = Due.of(Share(1, 2, 0, 3), header(left[0] if left else count, batch, count))
    assert walk(again, left[0] if left else count, count) == left


def test_takes_what_is_due_and_nothing_else() -> None:
    due = Due.of(Share(1, 2, 0, 1), header(0, 8, 30))
    assert due.take(4, [pb.IndexRun(first=4, count=4), pb.IndexRun(first=12, count=2)]) == 14
    for runs in ([pb.IndexRun(first=5, count=1)], [pb.IndexRun(first=4, count=5)], [pb.IndexRun(first=12, count=1)]):
        with pytest.raises(ValueError, match="due"):
            due.take(4, runs)
