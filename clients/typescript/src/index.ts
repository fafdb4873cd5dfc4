export type { Collection, Record, RecordError } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
export type { Dataset } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
export { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
export type { Header, SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
export {
  RejectReason,
  type Snapshot,
  Snapshot_State,
  type Statistics,
} from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
export type { IngestError, RecordInput } from "./chunks.ts";
export { Client, type Source } from "./client.ts";
export { type ConnectionOptions, findServer, localServerFile } from "./connection.ts";
export { ConnectionError, LoraloopError, RpcError, StateError, TruncatedStreamError } from "./errors.ts";
export type { IngestOptions, IngestProgress, IngestResult } from "./ingest.ts";
export { type Sample, SampleBatch } from "./sample-batch.ts";
export { SampleStream, type StreamOptions } from "./sample-stream.ts";
export type { StreamState } from "./stream-state.ts";
export { weightText, withWeight } from "./weight.ts";
