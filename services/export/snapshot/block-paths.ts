import { join } from "node:path";
import type { TenantId } from "../../store/store.ts";

/** Folder of finished blocks, by tenant and digest. */
export function blocksFolder(dataDirectory: string): string {
  return join(dataDirectory, "blocks");
}

/** Folder of blocks that are being written. */
export function buildingFolder(dataDirectory: string): string {
  return join(dataDirectory, "blocks", "building");
}

export function blockPath(dataDirectory: string, tenant: TenantId, digest: Uint8Array): string {
  const name = Buffer.from(digest).toString("hex");
  return join(blocksFolder(dataDirectory), String(tenant), name.slice(0, 2), name);
}

export function buildingPath(
  dataDirectory: string,
  tenant: TenantId,
  snapshot: Uint8Array,
  firstSample: number,
): string {
  return join(buildingFolder(dataDirectory), `${tenant}-${Buffer.from(snapshot).toString("hex")}-${firstSample}`);
}
