import type { Collection } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import type { ListPosition } from "../../kit/list-position.ts";
import { prefixRange } from "../../store/range.ts";
import type { Key, TenantId } from "../../store/store.ts";
import { toCollection } from "../corpus/collections.ts";
import type { CorpusContext } from "../corpus/corpus-context.ts";
import { collectionKey } from "../keys.ts";

export interface ListCollections extends ListPosition {
  readonly limit: number;
}

export interface CollectionPage {
  readonly collections: Collection[];
  readonly next: Key | undefined;
}

export async function listCollections(
  context: CorpusContext,
  tenant: TenantId,
  { limit, at, start }: ListCollections,
): Promise<CollectionPage> {
  const all = prefixRange(collectionKey(""));
  const { entries, next } = await context.store.scan(tenant, { ...all, start: start ?? all.start }, { at, limit });
  const collections = await Promise.all(entries.map((entry) => toCollection(context, tenant, entry, at)));
  return { collections, next };
}
