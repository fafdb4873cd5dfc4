import type { VerifyVersionResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Caller } from "../../kit/call.ts";
import { shortened } from "../../kit/shortened.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { Micros, TenantId } from "../../store/store.ts";
import { versionDeleted } from "../adapters/adapter-errors.ts";
import { changeVersion, type VersionChange } from "../adapters/change-version.ts";
import { type Examined, examineVersion } from "../adapters/examine-version.ts";
import type { VersionReference } from "../adapters/names.ts";
import { getVersion, type KeptVersion } from "../adapters/stored-versions.ts";
import { findBaseModel, useOfBaseModel } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import { versionOfBaseKey } from "../keys.ts";

/**
 * Reads a version's files again. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND, ADAPTER_NOT_FOUND, and STORE_UNAVAILABLE where the place of the files
 * cannot be read now; what is wrong with the files is an answer.
 */
export async function verifyVersion(
  context: RegistryContext,
  caller: Caller,
  reference: VersionReference,
  signal: AbortSignal,
): Promise<VerifyVersionResponse> {
  const { tenant } = caller;
  const version = await getVersion(context.store, tenant, reference);
  if (version.state.deleteTimeMicros !== 0n) throw versionDeleted(version.name);
  const examined = await examineVersion(context, caller, version, signal);
  const verified = await changeVersion(context, tenant, version.name, (now) =>
    changeOf(context, tenant, now, examined),
  );
  return { version: verified, problems: examined.problems };
}

/** Of an import that was found right, its base model is known from now on. */
async function changeOf(
  { store, clock }: RegistryContext,
  tenant: TenantId,
  version: KeptVersion,
  examined: Examined,
): Promise<VersionChange> {
  const state = stateAfter(version, examined, clock.now());
  const base = state.found?.baseModel;
  if (base === undefined) return { state };
  const { mutation, expectation } = useOfBaseModel(await findBaseModel(store, tenant, base));
  const found = { put: versionOfBaseKey(base.name, base.revision, version.name), value: new Uint8Array() };
  return { state, mutations: [mutation, found], expectations: [expectation] };
}

/** A version with a fault is taken out of service, and after its release is no more than declared until its files are right again. */
function stateAfter({ stored, state }: KeptVersion, { problems, found }: Examined, now: Micros): StoredVersionState {
  const [problem] = problems;
  const verified = { ...state, checked: problem === undefined, verifyTimeMicros: now };
  if (problem === undefined) return stored.version?.declared === undefined ? verified : { ...verified, found };
  const reason = shortened(`${problem.reason}: ${problem.message}`);
  return { ...verified, quarantine: state.quarantine ?? { reason, actor: "", time: toTimestamp(now) } };
}
