import type { CallOptions } from "nice-grpc";
import type {
  DeepPartial,
  WatchAdaptersRequest,
  WatchAdaptersResponse,
} from "../../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ConnectionError, RevisionCompactedError, RpcError } from "../errors.ts";
import { Backoff } from "../retry.ts";

/** An adapter that was put, deleted or restored; a version that was registered or changed; an alias that was moved. */
export type AdapterChange = Exclude<WatchAdaptersResponse["change"], { $case: "checkpoint" } | undefined>;

/** Everything that one commit changed. */
export interface AdapterCommit {
  /** Watch again after this revision to go on without a gap. */
  readonly revision: bigint;
  /** In order; none where the revision only says that all before it was seen. */
  readonly changes: readonly AdapterChange[];
}

export interface WatchAdaptersOptions {
  /** Changes after this revision; those from now on by default. */
  readonly afterRevision?: bigint;
  /** Only of this adapter; of all by default. */
  readonly adapter?: string;
  readonly signal?: AbortSignal;
  /** How long to reconnect without progress; 300 by default. */
  readonly reconnectSeconds?: number;
}

/** Opens a watch. */
export type OpenWatch = (
  request: DeepPartial<WatchAdaptersRequest>,
  call: CallOptions,
) => AsyncIterable<WatchAdaptersResponse>;

/** Commits in order, none twice and none left out, whatever happens to the connection. Throws RevisionCompactedError where some are no longer kept. */
export async function* watchAdapters(open: OpenWatch, options: WatchAdaptersOptions): AsyncGenerator<AdapterCommit> {
  const { adapter = "", signal } = options;
  const backoff = new Backoff(options.reconnectSeconds ?? 300, signal);
  let after = options.afterRevision;
  while (true) {
    try {
      const request = { adapter, ...(after !== undefined && { afterRevision: after }) };
      for await (const commit of commitsOf(open(request, signal ? { signal } : {}))) {
        backoff.progress();
        if (commit.changes.length === 0 && commit.revision === after) continue;
        after = commit.revision;
        yield commit;
      }
      throw new ConnectionError("The server ended the watch early.");
    } catch (error) {
      await backoff.wait(told(error, after));
    }
  }
}

/** A commit is whole when a later one comes, or a checkpoint; what a call that broke off began comes again. */
async function* commitsOf(messages: AsyncIterable<WatchAdaptersResponse>): AsyncGenerator<AdapterCommit> {
  let changes: AdapterChange[] = [];
  let last = 0n;
  for await (const { revision, change } of messages) {
    if (change === undefined) continue;
    if (changes.length > 0 && revision > last) {
      yield { revision: last, changes };
      changes = [];
    }
    last = revision;
    if (change.$case !== "checkpoint") changes.push(change);
    else {
      yield { revision, changes };
      changes = [];
    }
  }
}

function told(error: unknown, after: bigint | undefined): unknown {
  if (!(error instanceof RpcError) || error.reason !== "REVISION_COMPACTED") return error;
  return new RevisionCompactedError(after, error);
}
