import { type Run, run_StateToJSON } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Provenance, TrainingSnapshot } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  type GetLineageResponse,
  LineageRecord,
  type LineageRun,
  type LineageSnapshot,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { encoded } from "../../kit/encoded.ts";
import type { MessageRoom } from "../../kit/message-room.ts";
import type { RegistryContext } from "../context.ts";
import { knownHold } from "./deleted-data.ts";
import { hasReason } from "./export-errors.ts";
import type { Owner } from "./holds.ts";
import { readDeletions } from "./snapshot-deletions.ts";

/** What the export service knows of what a version came from. */
type DataLineage = Pick<GetLineageResponse, "run" | "snapshots" | "unavailable">;

const noData: DataLineage = { run: undefined, snapshots: [], unavailable: "" };

export interface LineageRecords {
  /** Of each snapshot, at most. */
  readonly limit: number;
  /** What is left of the answer for them: they end where it is full. */
  readonly room: MessageRoom;
}

/** Follows a version to its run and snapshots, and to the first records of these. Where the export service is away, or what it keeps is damaged, it tells what the registry knows. */
export async function dataLineage(
  context: RegistryContext,
  owner: Owner,
  provenance: Provenance | undefined,
  records: LineageRecords,
): Promise<DataLineage> {
  const { run = "", snapshots = [] } = provenance ?? {};
  if (run === "" && snapshots.length === 0) return noData;
  try {
    const found = run === "" ? undefined : await lineageRun(context, owner, run);
    return { ...noData, run: found, snapshots: await lineageSnapshots(context, owner, snapshots, records) };
  } catch (error) {
    if (!hasReason(error, "EXPORT_UNAVAILABLE", "TENANT_NOT_FOUND", "CONTENT_DAMAGED")) throw error;
    const known = await Promise.all(snapshots.map((snapshot) => goneSnapshot(context, owner, snapshot)));
    return { ...noData, snapshots: known, unavailable: error.message };
  }
}

/** Undefined where the export service does not have it. */
async function lineageRun(
  { exportClient }: RegistryContext,
  owner: Owner,
  run: string,
): Promise<LineageRun | undefined> {
  try {
    const found = await exportClient.call(owner.tenantName, ({ runs }, call) => runs.getRun({ run }, call));
    return found.run && shownRun(found.run);
  } catch (error) {
    if (hasReason(error, "RUN_NOT_FOUND")) return undefined;
    throw error;
  }
}

function shownRun({ id, state, createTime, endTime }: Run): LineageRun {
  return { run: id, state: run_StateToJSON(state).replace("STATE_", ""), createTime, endTime };
}

async function lineageSnapshots(
  context: RegistryContext,
  owner: Owner,
  snapshots: readonly TrainingSnapshot[],
  { limit, room }: LineageRecords,
): Promise<LineageSnapshot[]> {
  const shown: LineageSnapshot[] = [];
  for (const snapshot of snapshots) {
    const found = await lineageSnapshot(context, owner, snapshot, limit);
    const fitting = found.records.filter((record) => room.take(encoded(LineageRecord, record).length));
    shown.push({ ...found, records: fitting });
  }
  return shown;
}

async function lineageSnapshot(
  context: RegistryContext,
  owner: Owner,
  snapshot: TrainingSnapshot,
  records: number,
): Promise<LineageSnapshot> {
  try {
    const { hold } = await knownHold(context.store, owner.tenant, snapshot.snapshot);
    const read = await readDeletions(context.exportClient, owner.tenantName, snapshot.snapshot, hold);
    const deletedRecordCount = read.deletedData?.recordCount ?? 0n;
    return {
      snapshot,
      available: true,
      deletedRecordCount,
      records: await recordsOf(context, owner, snapshot, records),
    };
  } catch (error) {
    if (hasReason(error, "SNAPSHOT_NOT_FOUND", "SNAPSHOT_EXPIRED")) return goneSnapshot(context, owner, snapshot);
    throw error;
  }
}

async function recordsOf(
  { exportClient }: RegistryContext,
  owner: Owner,
  { snapshot }: TrainingSnapshot,
  pageSize: number,
): Promise<LineageRecord[]> {
  if (pageSize === 0) return [];
  const asked = { snapshot, pageSize };
  const page = await exportClient.call(owner.tenantName, ({ exports }, call) =>
    exports.listSnapshotRecords(asked, call),
  );
  return page.records.map(({ record, subject, deleted }) => ({ record, subject, deleted }));
}

/** As far as the registry knows. */
async function goneSnapshot(
  { store }: RegistryContext,
  owner: Owner,
  snapshot: TrainingSnapshot,
): Promise<LineageSnapshot> {
  const { hold } = await knownHold(store, owner.tenant, snapshot.snapshot);
  return { snapshot, available: false, deletedRecordCount: hold.deletedData?.recordCount ?? 0n, records: [] };
}
