import { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { type GetLineageResponse, LineageSnapshot } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { encoded } from "../../kit/encoded.ts";
import { limits } from "../../kit/limits.ts";
import { MessageRoom } from "../../kit/message-room.ts";
import type { TenantId } from "../../store/store.ts";
import { parseVersionName, type VersionReference } from "../adapters/names.ts";
import { listedVersion, showVersion } from "../adapters/shown-version.ts";
import { findVersion, getVersion } from "../adapters/stored-versions.ts";
import { versionsAt } from "../adapters/versions-at.ts";
import type { RegistryContext } from "../context.ts";
import { dataLineage } from "../training/data-lineage.ts";
import type { Owner } from "../training/holds.ts";
import { versionsOf } from "../training/versions-of.ts";

/** What a version came from and what came from it, as much as one answer takes. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND. @param records records of each snapshot to tell, at most */
export async function getLineage(
  context: RegistryContext,
  owner: Owner,
  reference: VersionReference,
  records: number,
): Promise<GetLineageResponse> {
  const { store } = context;
  const { tenant } = owner;
  const kept = await getVersion(store, tenant, reference);
  const version = await showVersion(store, tenant, kept);
  const room = roomBeside(version);
  const parents = await parentsOf(context, tenant, version, room);
  const asked = { limit: limits.lineage_children, start: undefined, room };
  const { versions: children } = await versionsAt(store, tenant, versionsOf.parent(kept.name), asked);
  const data = await dataLineage(context, owner, version.provenance, { limit: records, room });
  return { version, ...data, parents, children };
}

/** What is left of an answer that tells a version and its snapshots. */
function roomBeside(version: AdapterVersion): MessageRoom {
  const room = new MessageRoom();
  room.take(bytesOf(version));
  for (const snapshot of version.provenance?.snapshots ?? []) {
    const told = { snapshot, available: true, deletedRecordCount: snapshot.sampleCount, records: [] };
    room.take(encoded(LineageSnapshot, told).length);
  }
  return room;
}

/** The parent first, then its parent, and so on. */
async function parentsOf(
  { store }: RegistryContext,
  tenant: TenantId,
  version: AdapterVersion,
  room: MessageRoom,
): Promise<AdapterVersion[]> {
  const parents: AdapterVersion[] = [];
  let name = version.provenance?.parent ?? "";
  while (name !== "" && parents.length < limits.lineage_parents) {
    const kept = await findVersion(store, tenant, parseVersionName(name));
    if (kept === undefined) break;
    const parent = listedVersion(await showVersion(store, tenant, kept));
    if (!room.take(bytesOf(parent))) break;
    parents.push(parent);
    name = parent.provenance?.parent ?? "";
  }
  return parents;
}

function bytesOf(version: AdapterVersion): number {
  return encoded(AdapterVersion, version).length;
}
