import { StoredRunState } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { encoded } from "../../kit/encoded.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Expectation, Mutation, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { runStateKey } from "../keys.ts";
import { getRunState } from "./stored-runs.ts";

/** What a change leaves, and what else its commit holds. */
export interface RunChange {
  readonly state: StoredRunState;
  readonly mutations?: readonly Mutation[];
  readonly expectations?: readonly Expectation[];
}

/**
 * Changes the state of a run in one commit; again where another commit came between. Gives what is stored then: unchanged where
 * `change` gives undefined. Rejects with RUN_NOT_FOUND.
 */
export function changeRun(
  { store, runTurns }: Pick<ExportContext, "store" | "runTurns">,
  tenant: TenantId,
  run: string,
  change: (state: StoredRunState) => Promise<RunChange | undefined> | RunChange | undefined,
): Promise<StoredRunState> {
  const attempt = async (): Promise<StoredRunState> => {
    const { value, revision } = await getRunState(store, tenant, run);
    const changed = await change(value);
    if (changed === undefined) return value;
    const { state, mutations = [], expectations = [] } = changed;
    await store.commit(
      tenant,
      [{ put: runStateKey(run), value: encoded(StoredRunState, state) }, ...mutations],
      [{ key: runStateKey(run), revision }, ...expectations],
    );
    return state;
  };
  return runTurns.take(tenant, run, "change", () => retryAborted(attempt));
}
