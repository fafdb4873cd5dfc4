"""Records, datasets and snapshots on the real server."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

import loraloop
from loraloop import Client, Record
from tests.server import LoraloopServer

SPEC = {"collection": "recipes", "format": "instruction", "mapping": {"instruction": "question", "output": "answer"}}


def test_a_record_comes_back_whole(client: Client) -> None:
    record = Record(
        {"text": "ä\n", "list": [1, {"a": None}]}, id="x", source="s", quality_score=0.5, subject="me", group="g"
    )
    assert client.upsert("whole", [record, {"text": "no id"}])[0] == "x"
    stored = client.get("whole", "x")
    assert stored == record
    assert stored.create_time is not None
    assert len(stored.content_sha256) == 64


def test_lists_every_page_and_deletes(client: Client) -> None:
    client.ingest("pages", ({"id": f"{index:04d}"} for index in range(1_201)))
    assert [record.id for record in client.list("pages")] == [f"{index:04d}" for index in range(1_201)]
    assert [record.id for record in client.list("pages", id_prefix="120")] == ["1200"]
    assert client.delete("pages", ["0000", "nothing"]) == 1
    assert "pages" in [collection.name for collection in client.collections()]


def test_bad_records_of_an_ingest_are_told_by_their_place(client: Client) -> None:
    given: list[dict[str, object]] = [{"id": str(index)} for index in range(600)]
    given[3] = {"id": "three", "n": 2**60}
    given[10] = {"id": "large", "text": "x" * 16_000_000}
    given[550] = {"id": "x" * 300}
    result = client.ingest("bad", given)
    assert sorted((error.index, error.id) for error in result.errors) == [(3, "three"), (10, "large"), (550, "")]
    assert (result.record_count, result.kept_count) == (600, 597)


def test_the_same_ingest_again_changes_nothing(client: Client) -> None:
    records = [Record({"n": index}, id=str(index), quality_score=index / 1e7) for index in range(700)]
    first = client.ingest("again", records, ingest_id="one")
    again = client.ingest("again", records, ingest_id="one")
    other = client.ingest("again", records)
    assert (again.record_count, again.kept_count, again.revision) == (700, 700, first.revision)
    assert (other.kept_count, other.unchanged_count) == (700, 700)


FAILING: dict[str, tuple[Callable[[Client], object], type[loraloop.RpcError]]] = {
    "COLLECTION_NOT_FOUND": (lambda c: c.get("nowhere", "x"), loraloop.NotFoundError),
    "FIELD_INVALID": (lambda c: c.upsert("Bad Name", [{}]), loraloop.InvalidArgumentError),
    "RECORD_INVALID": (lambda c: c.upsert("c", [{"n": 2**60}]), loraloop.InvalidArgumentError),
    "DATASET_NOT_FOUND": (lambda c: next(c.stream("nothing")), loraloop.NotFoundError),
    "SNAPSHOT_NOT_FOUND": (lambda c: next(c.snapshots.watch("0" * 64)), loraloop.NotFoundError),
    "SCHEMA_INVALID": (lambda c: c.validate({}, schema="{"), loraloop.InvalidArgumentError),
}


@pytest.mark.parametrize("reason", FAILING)
def test_errors_are_typed(client: Client, reason: str) -> None:
    call, kind = FAILING[reason]
    with pytest.raises(kind) as caught:
        call(client)
    assert caught.value.reason == reason
    assert not caught.value.retryable


def test_a_wrong_token(server: LoraloopServer) -> None:
    with pytest.raises(loraloop.AuthenticationError):
        Client(server.address, "ll_wrong").get("c", "x")


def test_datasets_have_versions(client: Client) -> None:
    client.upsert("recipes", [{"id": "1", "question": "q", "answer": "a"}])
    assert client.datasets.put("recipe", SPEC).version == 1
    assert client.datasets.put("recipe", SPEC).version == 1
    changed = {**SPEC, "adapter_metadata": {"lora_rank": 16}, "quality": {"min_text_length": 1}}
    assert client.datasets.put("recipe", changed, expected_version=1).version == 2
    with pytest.raises(loraloop.ConflictError) as caught:
        client.datasets.put("recipe", SPEC, expected_version=1)
    assert caught.value.metadata["actual_version"] == "2"
    newest = client.datasets.get("recipe")
    assert client.datasets.put("recipe", newest.spec).version == 2
    assert newest.spec["adapter_metadata"] == {"lora_rank": 16}
    assert "recipe" in [dataset.name for dataset in client.datasets.list()]
    client.datasets.delete("recipe")
    with pytest.raises(loraloop.NotFoundError):
        client.datasets.get("recipe")


def test_preview_explains_weights_and_rejects(client: Client) -> None:
    client.upsert("weights", [{"id": "1", "text": "long enough", "w": 1.2}, {"id": "2", "text": "no"}])
    spec = {
        "collection": "weights",
        "format": "text",
        "weighting": {"weight_field": "w"},
        "quality": {"min_text_length": 5},
    }
    preview = client.preview(spec=spec)
    assert preview.samples[0].line == '{"text":"long enough","weight":1.2}'
    assert preview.samples[0].weight_explanation is not None
    assert preview.samples[0].weight_explanation.explicit == 1.2
    assert [(reject.record_id, reject.reason) for reject in preview.rejects] == [("2", "TEXT_TOO_SHORT")]
    assert preview.complete


def test_validation_says_what_is_missing(client: Client) -> None:
    validation = client.validate({"a": 1}, schema={"type": "object", "required": ["field1"]})
    assert not validation
    assert validation.problems[0].problem == "Missing required field: field1"


def test_snapshots(client: Client) -> None:
    client.ingest("snaps", ({"id": str(index), "text": f"text {index}"} for index in range(50)))
    client.datasets.put("snap", {"collection": "snaps", "format": "text"})
    built = client.snapshots.build("snap")
    seen: list[loraloop.Snapshot] = []
    sealed = client.snapshots.wait(built.key, progress=seen.append)
    assert (sealed.state, sealed.statistics.sample_count, sealed.dataset) == ("SEALED", 50, "snap")
    assert seen[-1] == sealed
    assert client.snapshots.get(sealed.key[:8]).digest == sealed.digest
    assert [snapshot.key for snapshot in client.snapshots.list(dataset="snap")] == [sealed.key]
    stream = client.stream(snapshot=sealed.key)
    assert stream.sample_count == 50
    assert len(list(stream)) == 50
    assert stream.snapshot_digest == sealed.digest
    delete_when_free(client, sealed.key)
    with pytest.raises((loraloop.NotFoundError, loraloop.SnapshotExpiredError)):
        client.snapshots.get(sealed.key)


def delete_when_free(client: Client, snapshot: str) -> None:
    """The server may notice the end of a stream a little later than its reader."""
    deadline = time.monotonic() + 5
    while True:
        try:
            client.snapshots.delete(snapshot)
            return
        except loraloop.FailedPreconditionError as error:
            if error.reason != "SNAPSHOT_IN_USE" or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def test_a_build_that_fails_says_why(client: Client) -> None:
    client.upsert("broken", [{"id": "1", "text": 3}])
    spec = {"collection": "broken", "format": "text", "error_handling": {"stop_on_error": True}}
    built = client.snapshots.build(spec=spec)
    with pytest.raises(loraloop.SnapshotFailedError) as caught:
        client.snapshots.wait(built.key)
    assert caught.value.metadata["snapshot"] == built.key
