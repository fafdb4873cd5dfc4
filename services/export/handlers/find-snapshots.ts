import type {
  FindSnapshotsRequest,
  FindSnapshotsResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { pageSize } from "../../kit/page-token.ts";
import { findSnapshots as command, type SearchPosition } from "../commands/find-snapshots.ts";
import type { ExportContext } from "../context.ts";
import type { Origin } from "../corpus/origin-records.ts";
import { checkCollectionName, checkRecordId } from "../corpus/request-checks.ts";

type Handler = (request: FindSnapshotsRequest, call: Call) => Promise<FindSnapshotsResponse>;

export function findSnapshots(context: ExportContext): Handler {
  return async ({ origin, pageToken, ...request }, { caller }) => {
    const { tenant } = caller;
    checkOrigin(origin);
    const scope = { tenant, method: "FindSnapshots", fields: [origin.$case, ...Object.values(origin.value)] };
    const position = decodePosition(context.pageTokens.read(scope, pageToken));
    const limit = pageSize(request.pageSize);
    const { snapshots, next } = await command(context, tenant, { origin, limit, position });
    return { snapshots, nextPageToken: next === undefined ? "" : context.pageTokens.make(scope, encodePosition(next)) };
  };
}

function checkOrigin(origin: Origin | undefined): asserts origin is Origin {
  if (origin === undefined) throw fieldInvalid("origin", "", "a record or a subject");
  if (origin.$case === "record") {
    checkCollectionName(origin.value.collection);
    checkRecordId("record", origin.value.record);
    return;
  }
  const { collection, subject } = origin.value;
  if (collection !== "") checkCollectionName(collection);
  const bytes = Buffer.byteLength(subject);
  if (bytes === 0 || bytes > limits.subject_bytes || subject.includes("\0")) {
    throw fieldInvalid("subject", subject, `1 to ${limits.subject_bytes} bytes (subject_bytes) without NUL`);
  }
}

const keyBytes = 32;

function encodePosition({ snapshot, record = new Uint8Array() }: SearchPosition): Uint8Array {
  return Buffer.concat([snapshot, record]);
}

function decodePosition(bytes: Uint8Array | undefined): SearchPosition | undefined {
  if (bytes === undefined) return undefined;
  const record = bytes.length === keyBytes ? undefined : bytes.subarray(keyBytes);
  return { snapshot: bytes.subarray(0, keyBytes), record };
}
