import { AdapterVersion, type Signature } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { SignaturePolicy } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { StoredMetricSummary, StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { Micros, Revision, TenantId } from "../../store/store.ts";
import { readPolicy, trusts } from "../signatures/policy.ts";
import { versionText } from "./names.ts";
import type { Reader } from "./stored-adapters.ts";
import type { KeptVersion } from "./stored-versions.ts";
import { stateOf } from "./version-state.ts";

/** A version as clients see it, as of a revision where one is given. */
export async function showVersion(
  store: Reader,
  tenant: TenantId,
  version: KeptVersion,
  at?: Revision,
): Promise<AdapterVersion> {
  const isSigned = version.state.signature !== undefined;
  return shownVersion(version, isSigned ? await readPolicy({ store }, tenant, at) : unsigned);
}

/** For what nobody signed no policy counts. */
const unsigned: SignaturePolicy = { required: false, trustedKeys: [] };

/** A version as clients see it. @param policy says whether its signature's key is trusted */
export function shownVersion({ name, stored, state, revision }: KeptVersion, policy: SignaturePolicy): AdapterVersion {
  return {
    ...(stored.version ?? AdapterVersion.create()),
    ...foundIn(state),
    ...name,
    name: versionText(name),
    state: stateOf(state),
    metrics: newestValues(state.metrics),
    metadata: state.metadata,
    signature: state.signature && shownSignature(state.signature, policy),
    quarantine: state.quarantine,
    deletedData: state.deletedData,
    inheritedDeletedData: state.inheritedDeletedData,
    deleteTime: timestampOf(state.deleteTimeMicros),
    verifyTime: timestampOf(state.verifyTimeMicros),
    revision,
  };
}

/** The same as lists have it: without `configuration_json`, layers, files and documents. */
export function listedVersion(version: AdapterVersion): AdapterVersion {
  const { peft, artifact, provenance, signature, declared } = version;
  const training = provenance?.training;
  return {
    ...version,
    peft: peft && { ...peft, configurationJson: "", layers: [] },
    artifact: artifact && { ...artifact, files: [] },
    provenance: provenance && { ...provenance, training: training && { ...training, configurationJson: "" } },
    signature: signature && { ...signature, bundleJson: "" },
    declared: declared && { ...declared, document: "" },
  };
}

/** What VerifyVersion found of an import takes the place of what others said. */
function foundIn({ found }: StoredVersionState): Partial<AdapterVersion> {
  if (found === undefined) return {};
  const { baseModel, method, peft, artifact, servability } = found;
  return { baseModel, method, peft, artifact, servability };
}

function newestValues(metrics: Readonly<Record<string, StoredMetricSummary>>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).map(([name, { value }]) => [name, value]));
}

function shownSignature(signature: Signature, policy: SignaturePolicy): Signature {
  return { ...signature, trusted: trusts(policy, signature.keyId) };
}

function timestampOf(micros: Micros): ReturnType<typeof toTimestamp> | undefined {
  return micros === 0n ? undefined : toTimestamp(micros);
}
