import { limits } from "../../kit/limits.ts";
import { entries } from "../../store/entries.ts";
import { prefixRange } from "../../store/range.ts";
import type { Clock, Micros, Store, TenantId } from "../../store/store.ts";
import { snapshotHoldKey } from "../keys.ts";
import { runHolder } from "../snapshot/holds.ts";
import { changeRun, type RunChange } from "./change-run.ts";
import { releaseSnapshots } from "./run-holds.ts";
import { RunTurns } from "./run-turns.ts";
import { getRun } from "./stored-runs.ts";

/** Ends the holds of runs whose lease ended long ago. Nobody holds such a run then, until it is opened again. */
export async function releaseLostRuns(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  tenant: TenantId,
  signal: AbortSignal,
): Promise<void> {
  const context = { store, runTurns: new RunTurns() };
  for await (const run of holdingRuns(store, tenant)) {
    if (signal.aborted) return;
    await changeRun(context, tenant, run, async (state): Promise<RunChange | undefined> => {
      const now = clock.now();
      if (state.result !== undefined || state.leaseExpireMicros + holdMicros > now) return undefined;
      const { sources } = (await getRun(store, tenant, run)).value;
      const snapshots = sources.map(({ snapshot }) => snapshot);
      return { state: { ...state, lease: "" }, ...(await releaseSnapshots(store, tenant, run, snapshots, now)) };
    });
  }
}

const holdMicros: Micros = BigInt(limits.lost_run_hold_seconds) * 1_000_000n;

/** Each once for every snapshot it holds. */
async function* holdingRuns(store: Store, tenant: TenantId): AsyncGenerator<string> {
  const none = snapshotHoldKey(new Uint8Array(), "");
  const holderAt = snapshotHoldKey(new Uint8Array(32), "").length;
  for await (const { key } of entries(store, tenant, prefixRange(none))) {
    const holder = Buffer.from(key).toString("utf8", holderAt);
    if (holder.startsWith(runHolder(""))) yield holder.slice(runHolder("").length);
  }
}
