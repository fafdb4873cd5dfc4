import { join } from "node:path";
import type { TenantId } from "../../../store/store.ts";

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

/** A block in the making; its name is its builder's own, so that one that lost its lease touches nobody else's file. */
export interface BuildingBlock {
  readonly tenant: TenantId;
  readonly snapshot: Uint8Array;
  readonly firstSample: number;
  /** Who builds it. */
  readonly holder: string;
}

export function buildingPath(dataDirectory: string, block: BuildingBlock): string {
  const name = `${buildingPrefix(block.tenant, block.snapshot)}${block.firstSample}-${block.holder}`;
  return join(buildingFolder(dataDirectory), name);
}

/** How the names of all blocks begin that are in the making for one snapshot. */
export function buildingPrefix(tenant: TenantId, snapshot: Uint8Array): string {
  return `${tenant}-${Buffer.from(snapshot).toString("hex")}-`;
}
