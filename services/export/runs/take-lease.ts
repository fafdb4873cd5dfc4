import { Environment } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { StoredRun, type StoredRunState } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { encoded } from "../../kit/encoded.ts";
import type { Changes } from "../../store/commit-changes.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { runKey } from "../keys.ts";
import { changeRun, type RunChange } from "./change-run.ts";
import type { OpenRun } from "./create-run.ts";
import { runConflict } from "./run-errors.ts";
import { holdSnapshots } from "./run-holds.ts";
import { withLease } from "./run-lease.ts";
import { requestDigest } from "./run-request.ts";
import { getRun, type Written } from "./stored-runs.ts";

/**
 * Opens a run again: takes it from its holder, into a new environment. Holds its snapshots again where a run that was lost for long
 * holds none. Rejects with RUN_CONFLICT, SNAPSHOT_EXPIRED.
 */
export async function takeLease(context: ExportContext, tenant: TenantId, command: OpenRun): Promise<void> {
  await context.runTurns.hold(tenant, () =>
    changeRun(context, tenant, command.run, (state) => take(context, tenant, command, state)),
  );
}

async function take(
  { store, clock }: ExportContext,
  tenant: TenantId,
  command: OpenRun,
  state: StoredRunState,
): Promise<RunChange> {
  const { run, lease, leaseSeconds, environment } = command;
  const { value: stored, revision } = await getRun(store, tenant, run);
  if (Buffer.compare(stored.requestDigest, requestDigest(command)) !== 0) {
    throw runConflict(run, "was opened with another source, plan or adaptive sampling");
  }
  if (state.result !== undefined) throw runConflict(run, "is closed");
  const now = clock.now();
  const snapshots = state.lease === "" ? stored.sources.map(({ snapshot }) => snapshot) : [];
  const holds = await holdSnapshots(store, tenant, run, snapshots, now);
  const moved = inEnvironment(run, { value: stored, revision }, environment);
  return {
    state: withLease({ ...state, lease }, now, leaseSeconds),
    mutations: [...holds.mutations, ...moved.mutations],
    expectations: [...holds.expectations, ...moved.expectations],
  };
}

function inEnvironment(
  run: string,
  { value: stored, revision }: Written<StoredRun>,
  environment: Environment | undefined,
): Changes {
  if (isSameEnvironment(stored.environment, environment)) return { mutations: [], expectations: [] };
  const value = encoded(StoredRun, { ...stored, environment });
  return { mutations: [{ put: runKey(run), value }], expectations: [{ key: runKey(run), revision }] };
}

function isSameEnvironment(one: Environment | undefined, other: Environment | undefined): boolean {
  const bytes = (environment: Environment | undefined): Uint8Array =>
    environment === undefined ? new Uint8Array() : encoded(Environment, environment);
  return Buffer.compare(bytes(one), bytes(other)) === 0;
}
