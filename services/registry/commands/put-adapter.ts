import type { Adapter } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredAdapter } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Caller } from "../../kit/call.ts";
import { encoded } from "../../kit/encoded.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Revision } from "../../store/store.ts";
import { adapterDeleted, revisionConflict } from "../adapters/adapter-errors.ts";
import type { ChangeContext } from "../adapters/change-version.ts";
import { newAdapter } from "../adapters/new-versions.ts";
import { sameMetadata } from "../adapters/same-metadata.ts";
import { showAdapter } from "../adapters/shown-adapter.ts";
import { findAdapter, isDeleted, type KeptAdapter } from "../adapters/stored-adapters.ts";
import { adapterKey } from "../keys.ts";

export interface PutAdapter {
  readonly adapter: string;
  readonly description: string;
  readonly metadata: Record<string, string>;
  /** What the adapter's revision must be, 0 for none; not checked where absent. */
  readonly expectedRevision: Revision | undefined;
}

/**
 * Makes an adapter or replaces what it says of itself; what is there already is written no second time, whatever revision is expected. Rejects with
 * CONFLICT, and ADAPTER_NOT_FOUND where it is deleted.
 */
export async function putAdapter(
  context: ChangeContext,
  { tenant, tokenId }: Caller,
  put: PutAdapter,
): Promise<Adapter> {
  const { store } = context;
  const attempt = async (): Promise<KeptAdapter> => {
    const adapter = await findAdapter(store, tenant, put.adapter);
    if (adapter !== undefined && isDeleted(adapter)) throw adapterDeleted(put.adapter);
    if (adapter !== undefined && isSame(adapter, put)) return adapter;
    const revision = adapter?.revision ?? 0n;
    checkExpected(put, revision);
    const now = context.clock.now();
    const { description, metadata } = put;
    const stored = { ...(adapter?.stored ?? newAdapter(tokenId, now)), description, metadata, updateTimeMicros: now };
    const key = adapterKey(put.adapter);
    const value = encoded(StoredAdapter, stored);
    const head = await store.commit(tenant, [{ put: key, value }], [{ key, revision }]);
    return { name: put.adapter, stored, revision: head.revision };
  };
  const adapter = await context.turns.take(`${tenant}/${put.adapter}`, () => retryAborted(attempt));
  return showAdapter(store, tenant, adapter);
}

function isSame({ stored }: KeptAdapter, { description, metadata }: PutAdapter): boolean {
  return stored.description === description && sameMetadata(stored.metadata, metadata);
}

function checkExpected({ adapter, expectedRevision }: PutAdapter, actual: Revision): void {
  if (expectedRevision !== undefined && expectedRevision !== actual) {
    throw revisionConflict(`Adapter "${adapter}"`, expectedRevision, actual);
  }
}
