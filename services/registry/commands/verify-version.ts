import type { Problem, VerifyVersionResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Caller } from "../../kit/call.ts";
import { shortened } from "../../kit/shortened.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Micros } from "../../store/store.ts";
import { versionDeleted } from "../adapters/adapter-errors.ts";
import { changeVersion, type VersionChange } from "../adapters/change-version.ts";
import { type Examined, examineVersion } from "../adapters/examine-version.ts";
import type { VersionReference } from "../adapters/names.ts";
import { getVersion, type KeptVersion } from "../adapters/stored-versions.ts";
import { useOfBaseModel } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import { versionOfBaseKey } from "../keys.ts";

/**
 * Reads a version's files again, and once more where the version or its base model changed meanwhile. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND, ADAPTER_NOT_FOUND, ARTIFACT_NOT_FOUND where an import said no place, and STORE_UNAVAILABLE where the place of the files
 * cannot be read now; what is wrong with the files is an answer.
 */
export function verifyVersion(
  context: RegistryContext,
  caller: Caller,
  reference: VersionReference,
  signal: AbortSignal,
): Promise<VerifyVersionResponse> {
  const { tenant } = caller;
  return retryAborted(async () => {
    const version = await getVersion(context.store, tenant, reference);
    if (version.state.deleteTimeMicros !== 0n) throw versionDeleted(version.name);
    const examined = await examineVersion(context, caller, version, signal);
    const verified = await changeVersion(context, tenant, version.name, (now) => changeOf(context, now, examined));
    return { version: verified, problems: examined.problems };
  });
}

/** Of an import that was found right, what its files tell is known from now on, and its base model. */
function changeOf({ clock }: RegistryContext, version: KeptVersion, { problems, sound }: Examined): VersionChange {
  const state = stateAfter(version, problems, clock.now());
  if (sound === undefined || version.stored.version?.declared === undefined) return { state };
  const { found, base } = sound;
  const { name, revision } = base.baseModel;
  const { mutation, expectation } = useOfBaseModel(base);
  const ofBase = { put: versionOfBaseKey(name, revision, version.name), value: new Uint8Array() };
  return { state: { ...state, found }, mutations: [mutation, ofBase], expectations: [expectation] };
}

/** A version with a fault is taken out of service, and after its release is no more than declared until its files are right again. */
function stateAfter({ state }: KeptVersion, [problem]: readonly Problem[], now: Micros): StoredVersionState {
  const verified = { ...state, checked: problem === undefined, verifyTimeMicros: now };
  if (problem === undefined) return verified;
  const reason = shortened(`${problem.reason}: ${problem.message}`);
  return { ...verified, quarantine: state.quarantine ?? { reason, actor: "", time: toTimestamp(now) } };
}
