import type {
  ExportServiceImplementation,
  StreamSamplesResponse,
} from "../../proto/gen/loraloop/export/v1/export_service.ts";
import type { CallExtension } from "../kit/call.ts";
import type { Service } from "../kit/service.ts";
import type { ExportContext } from "./context.ts";
import { buildSnapshot } from "./handlers/build-snapshot.ts";
import { deleteDataset } from "./handlers/delete-dataset.ts";
import { deleteSnapshot } from "./handlers/delete-snapshot.ts";
import { explainPlan } from "./handlers/explain-plan.ts";
import { findSnapshots } from "./handlers/find-snapshots.ts";
import { getDataset } from "./handlers/get-dataset.ts";
import { getPlan } from "./handlers/get-plan.ts";
import { getSnapshot } from "./handlers/get-snapshot.ts";
import { holdSnapshots } from "./handlers/hold-snapshots.ts";
import { listDatasets } from "./handlers/list-datasets.ts";
import { listHolds } from "./handlers/list-holds.ts";
import { listSnapshotDeletions } from "./handlers/list-snapshot-deletions.ts";
import { listSnapshotRecords } from "./handlers/list-snapshot-records.ts";
import { listSnapshots } from "./handlers/list-snapshots.ts";
import { previewSamples } from "./handlers/preview-samples.ts";
import { putDataset } from "./handlers/put-dataset.ts";
import { readBlocks } from "./handlers/read-blocks.ts";
import { releaseSnapshots } from "./handlers/release-snapshots.ts";
import { streamSamples } from "./handlers/stream-samples.ts";
import { validateSample } from "./handlers/validate-sample.ts";
import { watchSnapshot } from "./handlers/watch-snapshot.ts";
import { encodeFrame } from "./stream/encode-frame.ts";

/** Every method of `ExportService` with its handler. */
export function exportService(context: ExportContext): ExportServiceImplementation<CallExtension> {
  return {
    putDataset: putDataset(context),
    getDataset: getDataset(context),
    listDatasets: listDatasets(context),
    deleteDataset: deleteDataset(context),
    previewSamples: previewSamples(context),
    validateSample: validateSample(context),
    buildSnapshot: buildSnapshot(context),
    getSnapshot: getSnapshot(context),
    listSnapshots: listSnapshots(context),
    deleteSnapshot: deleteSnapshot(context),
    watchSnapshot: watchSnapshot(context),
    // Batches come encoded; `encoders` knows both kinds of frames.
    streamSamples: streamSamples(context) as (
      ...call: Parameters<ReturnType<typeof streamSamples>>
    ) => AsyncGenerator<StreamSamplesResponse>,
    getPlan: getPlan(context),
    explainPlan: explainPlan(context),
    readBlocks: readBlocks(context),
    holdSnapshots: holdSnapshots(context),
    releaseSnapshots: releaseSnapshots(context),
    listHolds: listHolds(context),
    findSnapshots: findSnapshots(context),
    listSnapshotRecords: listSnapshotRecords(context),
    listSnapshotDeletions: listSnapshotDeletions(context),
  };
}

export const encoders: Service["encoders"] = { streamSamples: encodeFrame };
