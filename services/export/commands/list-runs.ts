import { Run } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { encoded } from "../../kit/encoded.ts";
import { mapInOrder } from "../../kit/map-in-order.ts";
import { MessageRoom } from "../../kit/message-room.ts";
import { afterKey, prefixRange } from "../../store/range.ts";
import type { Key, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { runTimeKey } from "../keys.ts";
import { showListedRun } from "../runs/shown-run.ts";

export interface ListRuns {
  readonly limit: number;
  /** `next` of the page before. */
  readonly end: Key | undefined;
}

export interface RunPage {
  /** Newest first; fewer than asked for where they are large. */
  readonly runs: Run[];
  readonly next: Key | undefined;
}

const READS_AT_ONCE = 16;
const prefixBytes = runTimeKey(0n, "").length;
const all = prefixRange(runTimeKey(0n, "").subarray(0, prefixBytes - 8));

export async function listRuns(context: ExportContext, tenant: TenantId, { limit, end }: ListRuns): Promise<RunPage> {
  const runs: Run[] = [];
  const room = new MessageRoom();
  const range = { start: all.start, end: end ?? all.end };
  const { entries, next } = await context.store.scan(tenant, range, { reverse: true, limit });
  const listed = mapInOrder(entries.values(), READS_AT_ONCE, async ({ key }) => {
    const id = Buffer.from(key).toString("utf8", prefixBytes);
    return { key, run: await showListedRun(context, tenant, id) };
  });
  for await (const { key, run } of listed) {
    if (!room.take(encoded(Run, run).length)) return { runs, next: afterKey(key) };
    runs.push(run);
  }
  return { runs, next };
}
