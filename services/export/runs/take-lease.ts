import { Environment } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { StoredRun } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { runKey } from "../keys.ts";
import { changeRun } from "./change-run.ts";
import type { OpenRun } from "./create-run.ts";
import { runConflict } from "./run-errors.ts";
import { withLease } from "./run-lease.ts";
import { requestDigest } from "./run-request.ts";
import { getRun } from "./stored-runs.ts";

/** Opens a run again: with a lease of its own and in its new environment. Rejects with RUN_CONFLICT. */
export async function takeLease(context: ExportContext, tenant: TenantId, command: OpenRun): Promise<void> {
  const { run, leaseSeconds, environment } = command;
  const digest = requestDigest(command);
  await changeRun(context, tenant, run, async (state) => {
    const { value: stored, revision } = await getRun(context.store, tenant, run);
    if (Buffer.compare(stored.requestDigest, digest) !== 0) {
      throw runConflict(run, "was opened with another source, plan or adaptive sampling");
    }
    if (state.result !== undefined) throw runConflict(run, "is closed");
    const leased = { state: withLease(state, context.clock.now(), leaseSeconds) };
    if (isSameEnvironment(stored.environment, environment)) return leased;
    const value = StoredRun.encode({ ...stored, environment }).finish();
    return { ...leased, mutations: [{ put: runKey(run), value }], expectations: [{ key: runKey(run), revision }] };
  });
}

function isSameEnvironment(one: Environment | undefined, other: Environment | undefined): boolean {
  const bytes = (environment: Environment | undefined): Uint8Array =>
    environment === undefined ? new Uint8Array() : Environment.encode(environment).finish();
  return Buffer.compare(bytes(one), bytes(other)) === 0;
}
