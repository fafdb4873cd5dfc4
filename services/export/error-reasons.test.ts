import { Status } from "nice-grpc";
import { expect, test } from "vitest";
import { StoredSnapshot } from "../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { documentedReasons, expectDocumentedError } from "../../test/support/error-reasons.ts";
import { type Reason, statusOf } from "../kit/errors.ts";
import { fieldInvalid, limitExceeded } from "../kit/field.ts";
import { checkReadable } from "../store/checks.ts";
import { StoreError } from "../store/store.ts";
import * as ingests from "./corpus/ingest-errors.ts";
import { datasetNotFound } from "./dataset/datasets.ts";
import * as runs from "./runs/run-errors.ts";
import * as snapshots from "./snapshot/snapshot-errors.ts";
import { resumeBeyondEnd } from "./stream/resume-point.ts";

const key = new Uint8Array(32);

function failed(failureReason: string): StoredSnapshot {
  return StoredSnapshot.fromPartial({ snapshot: { failure: "It did." }, failureReason });
}

test("every reason's comment begins with its status", () => {
  const documented = [...documentedReasons].filter(([reason]) => reason !== "UNSPECIFIED");
  expect(documented.length).toBeGreaterThan(40);
  for (const [reason, { statuses }] of documented) expect(statuses).toContain(Status[statusOf(reason as Reason)]);
});

test.each<[Reason, () => unknown]>([
  ["INTERNAL", () => new Error("x")],
  ["FIELD_INVALID", () => fieldInvalid("a", "b", "c")],
  ["LIMIT_EXCEEDED", () => limitExceeded("record_bytes", 1, "x")],
  ["DATASET_NOT_FOUND", () => datasetNotFound("a")],
  ["INGEST_CLOSED", () => ingests.ingestClosed("a", "committed")],
  ["INGEST_CHUNK_CHANGED", () => ingests.chunkChanged("a", 1n)],
  ["INGEST_CHUNK_OUT_OF_ORDER", () => ingests.chunkOutOfOrder("a", 1n, 2n)],
  ["INGEST_COMMIT_MISMATCH", () => ingests.commitMismatch("a", "digest", "b", "c")],
  ["CONFLICT", () => ingests.continuedElsewhere("a")],
  ["CONFLICT", () => new StoreError("ABORTED", "x")],
  ["STORE_UNAVAILABLE", () => new StoreError("UNAVAILABLE", "x")],
  ["CONTENT_DAMAGED", () => new StoreError("DATA_LOSS", "x")],
  ["CONTENT_DAMAGED", () => snapshots.contentDamaged(key, 1)],
  ["SNAPSHOT_NOT_FOUND", () => snapshots.snapshotNotFound("00")],
  ["SNAPSHOT_EXPIRED", () => snapshots.snapshotExpired(key)],
  ["SNAPSHOT_FAILED", () => snapshots.snapshotFailed(key, failed("LIMIT_EXCEEDED"))],
  ["TOO_MANY_ERRORS", () => snapshots.snapshotFailed(key, failed("TOO_MANY_ERRORS"))],
  ["SNAPSHOT_BUILDING", () => snapshots.buildInterrupted(key, new Error("x"))],
  ["SNAPSHOT_IN_USE", () => snapshots.snapshotInUse(key, 1)],
  ["SNAPSHOT_IN_USE", () => snapshots.snapshotHeld(key, "run/a")],
  ["SNAPSHOT_IN_USE", () => snapshots.snapshotHeld(key, "registry/law@3")],
  ["SNAPSHOT_IN_USE", () => snapshots.snapshotHeld(key, "registry/law@3")],
  ["RUN_NOT_FOUND", () => runs.runNotFound("a")],
  ["RUN_CONFLICT", () => runs.runConflict("a", "is closed")],
  ["EPOCH_NOT_OPEN", () => runs.epochNotOpen("a", 1)],
  ["RESUME_BEYOND_END", () => resumeBeyondEnd(2, 1)],
  ["REVISION_COMPACTED", () => thrown(() => checkReadable(1n, 2n, 3n))],
  ["REVISION_UNKNOWN", () => thrown(() => checkReadable(4n, 2n, 3n))],
])("%s carries what its comment says", (expected, make) => {
  expectDocumentedError(expected, make());
});

function thrown(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}
