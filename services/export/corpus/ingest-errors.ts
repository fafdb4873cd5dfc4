import { ServiceError } from "../../kit/errors.ts";

export function ingestClosed(ingest: string, state: "committed" | "abandoned"): ServiceError {
  const why = state === "committed" ? "is committed" : "was abandoned after ten minutes without a message";
  const advice = "start another one; records that are there already are left as they are";
  return new ServiceError("INGEST_CLOSED", `Ingest "${ingest}" ${why}; ${advice}.`, { ingest, state });
}

export function chunkChanged(ingest: string, chunk: bigint): ServiceError {
  return new ServiceError(
    "INGEST_CHUNK_CHANGED",
    `Chunk ${chunk} of ingest "${ingest}" was acknowledged with other content; start another ingest for other records.`,
    { ingest, chunk: String(chunk) },
  );
}

export function chunkOutOfOrder(ingest: string, chunk: bigint, expected: bigint): ServiceError {
  return new ServiceError(
    "INGEST_CHUNK_OUT_OF_ORDER",
    `Chunk ${chunk} of ingest "${ingest}" came where chunk ${expected} was expected; send chunks in order, without gaps.`,
    { ingest, chunk: String(chunk), expected_chunk: String(expected) },
  );
}

export function commitMismatch(ingest: string, field: string, expected: string, actual: string): ServiceError {
  return new ServiceError(
    "INGEST_COMMIT_MISMATCH",
    `Commit of ingest "${ingest}" says ${field} ${expected}, but acknowledged is ${actual}; the ingest stays open.`,
    { ingest, field, expected, actual },
  );
}

export function continuedElsewhere(ingest: string): ServiceError {
  return new ServiceError(
    "CONFLICT",
    `Ingest "${ingest}" was continued by another stream; only the latest one may write. Start again to go on.`,
    { ingest },
  );
}
