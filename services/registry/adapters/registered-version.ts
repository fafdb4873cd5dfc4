import { AdapterVersion, type Provenance, type Signature } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { RegisterVersionRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { BaseModel } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { Micros } from "../../store/store.ts";
import type { VersionName } from "../keys.ts";
import type { TrainingData } from "../training/training-data.ts";
import type { VerifiedAdapter } from "../verification/verify-adapter.ts";
import { checkMetrics } from "./check-fields.ts";
import { versionText } from "./names.ts";
import type { NewVersion } from "./new-versions.ts";
import { verifiedBase } from "./verified-parts.ts";

/** What a request said, and what was found of it. */
export interface RegisteredParts {
  readonly request: RegisterVersionRequest;
  readonly artifact: Artifact;
  readonly adapter: VerifiedAdapter;
  readonly baseModel: BaseModel;
  readonly parent: VersionName | undefined;
  readonly data: TrainingData;
  readonly signature: Signature | undefined;
  /** Id of the token. */
  readonly creator: string;
  readonly now: Micros;
}

/** The version that a registration makes. Throws LIMIT_EXCEEDED (version_bytes, version_metrics). */
export function registeredVersion(parts: RegisteredParts): NewVersion {
  const { request, data, signature, now } = parts;
  const version = fixedVersion(parts);
  checkVersionBytes(version);
  const metrics = metricsOf(request, data);
  checkMetrics(metrics);
  const state = StoredVersionState.create({
    checked: true,
    verifyTimeMicros: now,
    metrics: measuredAt(now, metrics),
    metadata: request.metadata,
    signature,
  });
  return { version, state, request: request.request };
}

/** What is kept of a version beside its state. Throws LIMIT_EXCEEDED (version_bytes). */
export function checkVersionBytes(version: AdapterVersion): void {
  const bytes = encoded(AdapterVersion, version).length;
  if (bytes > limits.version_bytes) throw limitExceeded("version_bytes", bytes, "The size of the version");
}

/** What never changes of it. */
function fixedVersion({ request, artifact, adapter, baseModel, ...parts }: RegisteredParts): AdapterVersion {
  const { quantization, task, domains, language, constraint, servingHintsJson, label } = request;
  const { peft, method, servability } = adapter;
  return AdapterVersion.create({
    baseModel: verifiedBase(baseModel),
    method,
    quantization,
    peft,
    artifact,
    provenance: provenanceOf(request, parts),
    task,
    domains: [...new Set(domains)],
    language,
    constraint,
    servability,
    servingHintsJson,
    label,
    creator: parts.creator,
    createTime: toTimestamp(parts.now),
  });
}

function provenanceOf(
  { dataSourceUri, training }: RegisterVersionRequest,
  { data, parent }: Pick<RegisteredParts, "data" | "parent">,
): Provenance {
  const { run, snapshots, packageVersions, seed, configurationJson } = data;
  const ofRun = { datasetName: "", sampleCount: 0n, epochs: 0, learningRate: 0, configurationJson };
  const said = training && { ...training, configurationJson: training.configurationJson || configurationJson };
  return {
    run,
    snapshots,
    parent: parent === undefined ? "" : versionText(parent),
    dataSourceUri,
    training: said ?? (configurationJson === "" ? undefined : ofRun),
    packageVersions,
    seed,
  };
}

/** The request's, and as many of the run's as fit beside them, by name. */
function metricsOf({ metrics }: RegisterVersionRequest, data: TrainingData): Record<string, number> {
  const others = Object.entries(data.metrics).filter(([name]) => !Object.hasOwn(metrics, name));
  const room = limits.version_metrics - Object.keys(metrics).length;
  return { ...Object.fromEntries(others.slice(0, room)), ...metrics };
}

function measuredAt(timeMicros: Micros, metrics: Readonly<Record<string, number>>): StoredVersionState["metrics"] {
  const summaries = Object.entries(metrics).map(([name, value]) => [name, { value, timeMicros, step: 0n }] as const);
  return Object.fromEntries(summaries);
}
