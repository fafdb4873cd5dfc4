export type { Collection, Record, RecordError } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
export type { Dataset } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
export { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
export type { Header, Plan, PlanEntry, SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
export { type Run, Run_State } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
export {
  RejectReason,
  type Snapshot,
  Snapshot_State,
  type Statistics,
} from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
export {
  type Adapter,
  type AdapterVersion,
  AdapterVersion_State,
  type Alias,
  type AliasMove,
  Method,
  type MetricValue,
} from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
export {
  type GetLineageResponse,
  RenderVersionsRequest_Format,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
export type { Artifact, ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
export { type BaseModel, type Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
export { BlockCache, type BlockCacheOptions } from "./block-cache.ts";
export type { IngestError, RecordInput } from "./chunks.ts";
export { Client, type StreamOptions } from "./client.ts";
export { type ConnectionOptions, findServer, localServerFile } from "./connection.ts";
export {
  ConnectionError,
  FileError,
  LoraloopError,
  RevisionCompactedError,
  RpcError,
  StateError,
  TruncatedStreamError,
} from "./errors.ts";
export type { IngestOptions, IngestProgress, IngestResult } from "./ingest.ts";
export { type FileDigest, signatureFile, signFiles } from "./model-signature.ts";
export type { ConsumedPosition, OpenRun, Progress } from "./open-run.ts";
export type { Mixture, MixtureSource, PlanHash, PlanOptions, PlanPlace, PlanSteps } from "./plan.ts";
export type { RankBatch } from "./rank-batch.ts";
export type { BaseModelNames } from "./registry/base-model-folder.ts";
export type { FileDifference } from "./registry/compare-files.ts";
export type { DownloadedVersion, DownloadOptions } from "./registry/download.ts";
export type { RegisterVersionOptions } from "./registry/register-version.ts";
export type { ListOptions, ListVersionsOptions, MoveAliasOptions, Registry } from "./registry/registry.ts";
export type { RevisionList } from "./registry/revision-list.ts";
export type { TransferOptions, TransferProgress } from "./registry/upload.ts";
export type { AdapterChange, AdapterCommit, WatchAdaptersOptions } from "./registry/watch.ts";
export type { OpenRunOptions, Runs, SampleLoss, WatchOptions } from "./runs.ts";
export { type Sample, SampleBatch } from "./sample-batch.ts";
export type { CallOptions, ReadOptions, SampleStream } from "./sample-stream.ts";
export type { ShareOptions } from "./share.ts";
export type { RunSource, Source } from "./source.ts";
export { mergeStates, type StreamState } from "./stream-state.ts";
export type { TrainerOptions, TrainerStream } from "./trainer-stream.ts";
export { weightText, withWeight } from "./weight.ts";
