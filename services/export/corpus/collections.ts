import type { Collection } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import { StoredCollection } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { encoded } from "../../kit/encoded.ts";
import { ServiceError } from "../../kit/errors.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import { uint32 } from "../../store/key-parts.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Entry, Revision, StoreReader, TenantId } from "../../store/store.ts";
import { collectionKey, collectionNumberKey, touchedKey } from "../keys.ts";
import type { CorpusContext } from "./corpus-context.ts";

/** The collection's internal number, part of the keys of its records. Throws COLLECTION_NOT_FOUND. */
export async function findCollection({ store }: CorpusContext, tenant: TenantId, name: string): Promise<number> {
  const entry = await store.get(tenant, collectionKey(name));
  if (!entry) {
    throw new ServiceError(
      "COLLECTION_NOT_FOUND",
      `Collection "${name}" does not exist; writing records into it makes it.`,
      { collection: name },
    );
  }
  return StoredCollection.decode(entry.value).number;
}

/** The collection's number; makes the collection where it does not exist. */
export function ensureCollection(context: CorpusContext, tenant: TenantId, name: string): Promise<number> {
  return retryAborted(async () => {
    const entry = await context.store.get(tenant, collectionKey(name));
    return entry ? StoredCollection.decode(entry.value).number : makeCollection(context, tenant, name);
  });
}

async function makeCollection({ store, clock }: CorpusContext, tenant: TenantId, name: string): Promise<number> {
  const last = await store.get(tenant, collectionNumberKey);
  const number = (last ? Buffer.from(last.value).readUInt32BE() : 0) + 1;
  const value = encoded(StoredCollection, { number, createTimeMicros: clock.now() });
  await store.commit(
    tenant,
    [
      { put: collectionKey(name), value },
      { put: collectionNumberKey, value: uint32(number) },
      { put: touchedKey(number), value: new Uint8Array() },
    ],
    [
      { key: collectionKey(name), revision: 0n },
      { key: collectionNumberKey, revision: last?.revision ?? 0n },
    ],
  );
  return number;
}

/** The last commit, up to `at`, that changed one of the collection's records; the commit that made it where there was none. */
export async function collectionRevision(
  { store }: { readonly store: StoreReader },
  tenant: TenantId,
  collection: number,
  at?: Revision,
): Promise<Revision> {
  const touched = await store.get(tenant, touchedKey(collection), at);
  return touched?.revision ?? 0n;
}

/** A collection as it is shown, from its entry at a revision. */
export async function toCollection(
  context: CorpusContext,
  tenant: TenantId,
  { key, value }: Entry,
  at: Revision,
): Promise<Collection> {
  const { number, createTimeMicros } = StoredCollection.decode(value);
  return {
    name: Buffer.from(key).toString("utf8", collectionKey("").length),
    createTime: toTimestamp(createTimeMicros),
    revision: await collectionRevision(context, tenant, number, at),
  };
}
