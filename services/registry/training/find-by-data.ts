import { FindSnapshotsResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { FindVersionsRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { MessageRoom } from "../../kit/message-room.ts";
import { versionsAt } from "../adapters/versions-at.ts";
import type { RegistryContext } from "../context.ts";
import type { ExportClient } from "./export-client.ts";
import { hasReason } from "./export-errors.ts";
import type { Owner } from "./holds.ts";
import { versionsOf } from "./versions-of.ts";

/** A record or a subject: the export service knows in which snapshots they are. */
export type DataOrigin = Extract<NonNullable<FindVersionsRequest["origin"]>, { $case: "record" | "subject" }>;

export interface FindByData {
  readonly origin: DataOrigin;
  readonly limit: number;
  /** `next` of the page before. */
  readonly position: Uint8Array | undefined;
}

/** Where a search goes on. */
interface Position {
  /** Page of the export service's snapshots. */
  readonly pageToken: string;
  /** The snapshot of that page whose versions come next, and where they go on; from the first one where empty. */
  readonly snapshot: string;
  readonly start: Uint8Array | undefined;
}

const beginning: Position = { pageToken: "", snapshot: "", start: undefined };

/** Versions that were trained on a record or a subject, each once a page; by snapshot, then by adapter and number. Rejects as ExportClient does. */
export async function findByData(
  { store, exportClient }: RegistryContext,
  owner: Owner,
  { origin, limit, position: given }: FindByData,
): Promise<{ versions: AdapterVersion[]; next: Uint8Array | undefined }> {
  const position = given === undefined ? beginning : decode(given);
  const page = await snapshotsOf(exportClient, owner, origin, position.pageToken);
  const found = new Map<string, AdapterVersion>();
  const room = new MessageRoom();
  for (const { snapshot } of page.snapshots.filter((one) => one.snapshot >= position.snapshot)) {
    const index = versionsOf.snapshot(snapshot);
    const start = snapshot === position.snapshot ? position.start : undefined;
    const left = { limit: limit - found.size, start, room };
    const { versions, next } = await versionsAt(store, owner.tenant, index, left);
    for (const version of versions) found.set(version.name, version);
    if (next !== undefined || found.size === limit) {
      const rest = encode({ pageToken: position.pageToken, snapshot, start: next ?? index.range.end });
      return { versions: [...found.values()], next: rest };
    }
  }
  const next = page.nextPageToken === "" ? undefined : encode({ ...beginning, pageToken: page.nextPageToken });
  return { versions: [...found.values()], next };
}

async function snapshotsOf(
  exportClient: ExportClient,
  { tenantName }: Owner,
  origin: DataOrigin,
  pageToken: string,
): Promise<FindSnapshotsResponse> {
  const asked = { origin, pageToken };
  try {
    return await exportClient.call(tenantName, ({ exports }, call) => exports.findSnapshots(asked, call));
  } catch (error) {
    // Nothing can have been trained on the data of a tenant that has none.
    if (hasReason(error, "TENANT_NOT_FOUND")) return FindSnapshotsResponse.create();
    throw error;
  }
}

function encode({ pageToken, snapshot, start }: Position): Uint8Array {
  return Buffer.from(JSON.stringify([pageToken, snapshot, start && Buffer.from(start).toString("hex")]));
}

function decode(bytes: Uint8Array): Position {
  const [pageToken, snapshot, start] = JSON.parse(Buffer.from(bytes).toString()) as [string, string, string | null];
  return { pageToken, snapshot, start: start === null ? undefined : Buffer.from(start, "hex") };
}
