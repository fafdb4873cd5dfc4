import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { MessageRoom } from "../../kit/message-room.ts";
import { versionsAt } from "../adapters/versions-at.ts";
import type { RegistryContext } from "../context.ts";
import { type DataOrigin, dataSources } from "./data-origin.ts";
import { beginningOf, type DataSearch, decodePosition, encodePosition, type SearchPosition } from "./data-search.ts";
import { findHeirs } from "./find-heirs.ts";
import type { Owner } from "./holds.ts";

export interface FindByData {
  readonly origin: DataOrigin;
  readonly limit: number;
  /** `next` of the page before. */
  readonly position: Uint8Array | undefined;
}

/**
 * Versions that were trained on something, by source, then by adapter and number; then those that inherited it, below the version that they have it from. Each comes once a page, and
 * once in all where one page of the export service names all snapshots. Rejects with FIELD_INVALID, and as ExportClient does.
 */
export async function findByData(
  { store, exportClient }: RegistryContext,
  { tenant, tenantName }: Owner,
  { origin, limit, position }: FindByData,
): Promise<{ versions: AdapterVersion[]; next: Uint8Array | undefined }> {
  const sources = dataSources(exportClient, tenantName, origin);
  const search = { store, tenant, sources, limit, found: new Map<string, AdapterVersion>(), room: new MessageRoom() };
  const next = await fillPage(search, position === undefined ? beginningOf("own") : decodePosition(position));
  return { versions: [...search.found.values()], next: next && encodePosition(next) };
}

async function fillPage(search: DataSearch, start: SearchPosition): Promise<SearchPosition | undefined> {
  const position = start.pass === "own" ? await findOwn(search, start) : start;
  return position.pass === "own" ? position : findHeirs(search, position);
}

/** Finds versions that were trained on it themselves, and says where the search goes on. */
async function findOwn(search: DataSearch, position: SearchPosition): Promise<SearchPosition> {
  const { store, tenant, sources, limit, found, room } = search;
  const page = await sources.page(position.pageToken);
  for (const source of page.ids.filter((id) => id >= position.source)) {
    const index = sources.index(source);
    const start = source === position.source ? position.start : undefined;
    const left = { limit: limit - found.size, start, room };
    const { versions, next } = await versionsAt(store, tenant, index, left);
    for (const version of versions) found.set(version.name, version);
    if (next !== undefined || found.size === limit) return { ...position, source, start: next ?? index.range.end };
  }
  return page.nextPageToken === "" ? beginningOf("inherited") : beginningOf("own", page.nextPageToken);
}
