import type { WatchAdaptersResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ServiceError } from "../../kit/errors.ts";
import type { ChangePage, Revision, TenantId } from "../../store/store.ts";
import type { RegistryContext } from "../context.ts";
import { shownChange } from "../watch/changed.ts";

export interface WatchAdapters {
  readonly tenant: TenantId;
  /** The only one that is watched; empty for all. */
  readonly adapter: string;
  /** Absent for what comes from now on. */
  readonly afterRevision: Revision | undefined;
  /** The client's cancel. */
  readonly signal: AbortSignal;
  /** The server is about to stop. */
  readonly drain: AbortSignal;
}

type Context = Pick<RegistryContext, "store" | "commits">;

/**
 * Every change after a revision, in order, each once, and a checkpoint first and after each commit; goes on until it is ended. Reads a page of keys ahead and
 * each value when its turn comes, so a slow reader costs no more than a fast one. Throws REVISION_COMPACTED, REVISION_UNKNOWN, DRAINING.
 */
export async function* watchAdapters(context: Context, watch: WatchAdapters): AsyncGenerator<WatchAdaptersResponse> {
  const { store, commits } = context;
  const { tenant, signal, drain } = watch;
  const ended = AbortSignal.any([signal, drain]);
  let through = watch.afterRevision ?? (await store.head(tenant)).revision;
  let page = await store.changes(tenant, through);
  yield checkpoint(through);
  for (;;) {
    for await (const message of messagesOf(context, watch, page)) {
      yield message;
      throwIfEnded(watch);
    }
    if (page.through > through) yield checkpoint(page.through);
    through = page.through;
    await commits.wait(tenant, through, ended);
    throwIfEnded(watch);
    page = await store.changes(tenant, through);
  }
}

/** Those of a page, with a checkpoint between the commits that have any. */
async function* messagesOf(
  { store }: Context,
  { tenant, adapter }: WatchAdapters,
  page: ChangePage,
): AsyncGenerator<WatchAdaptersResponse> {
  let last: Revision | undefined;
  for (const change of page.changes) {
    const message = await shownChange(store, tenant, change, adapter);
    if (message === undefined) continue;
    if (last !== undefined && last < change.revision) yield checkpoint(last);
    last = change.revision;
    yield message;
  }
}

function checkpoint(revision: Revision): WatchAdaptersResponse {
  return { revision, ordinal: 0, change: { $case: "checkpoint", value: {} } };
}

function throwIfEnded({ signal, drain }: WatchAdapters): void {
  signal.throwIfAborted();
  if (drain.aborted) throw new ServiceError("DRAINING", "The server stops; watch again from the last revision.");
}
