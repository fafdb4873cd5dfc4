import { AdapterVersion, type Provenance } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { RegisterVersionRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Caller } from "../../kit/call.ts";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { ArtifactFiles } from "../artifacts/artifact-store.ts";
import { findArtifact } from "../artifacts/stored-artifacts.ts";
import { type KeptBaseModel, readBaseModel } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import type { VersionName } from "../keys.ts";
import { checkSignature } from "../signatures/check-signature.ts";
import { type TrainingData, trainedOn } from "../training/training-data.ts";
import { namedBase } from "../verification/named-base.ts";
import { type VerifiedAdapter, verifyAdapter } from "../verification/verify-adapter.ts";
import { checkMetrics } from "./check-fields.ts";
import { parseVersionReference, versionText } from "./names.ts";
import type { NewVersion } from "./new-versions.ts";
import { nameOf } from "./stored-versions.ts";
import { verifiedArtifact, verifiedBase } from "./verified-parts.ts";

/** A version whose files were checked, ready to be made. */
export interface Registration {
  readonly version: NewVersion;
  readonly artifact: Artifact;
  readonly base: KeptBaseModel;
  readonly parent: VersionName | undefined;
}

/**
 * Reads and checks everything that a new version is made of; keeps nothing. Rejects with what is wrong: of the request (FIELD_INVALID, SCHEMA_INVALID, LIMIT_EXCEEDED), of
 * what it names (ARTIFACT_NOT_FOUND, BASE_MODEL_NOT_FOUND, ALIAS_NOT_FOUND, RUN_NOT_FOUND, SNAPSHOT_NOT_FOUND), of the files (as `verifyAdapter`), of the signature.
 */
export async function prepareRegistration(
  context: RegistryContext,
  caller: Caller,
  request: RegisterVersionRequest,
  signal: AbortSignal,
): Promise<Registration> {
  const { store, schemas } = context;
  const { tenant } = caller;
  const { constraint } = request.constraint ?? {};
  if (constraint?.$case === "jsonSchema") await schemas.check(constraint.value);
  const { files, artifact } = await openFiles(context, caller, request);
  const base = await readBaseModel(store, tenant, request.baseModel ?? (await namedBase(files)));
  const parent = request.parent === "" ? undefined : await nameOf(store, tenant, parseVersionReference(request.parent));
  const { method, quantization, baseModel } = request;
  const known = artifact.kept ? artifact.files : undefined;
  const declared = { method, quantization, baseModel, files: known, signal };
  const adapter = await verifyAdapter(context, files, base.baseModel, declared);
  const signature = await checkSignature(context, tenant, adapter.files, request.signatureBundleJson);
  const data = await trainedOn(context, caller.tenantName, request);
  const now = context.clock.now();
  const made = { adapter, artifact: verifiedArtifact(artifact, adapter.files), base, data, parent };
  const version = { ...newVersion(request, made), creator: caller.tokenId, createTime: toTimestamp(now) };
  checkSize(version);
  const metrics = firstMetrics({ ...data.metrics, ...request.metrics }, now);
  const { metadata } = request;
  const state = StoredVersionState.create({ checked: true, verifyTimeMicros: now, metrics, metadata, signature });
  return { version: { version, state, request: request.request }, artifact: made.artifact, base, parent };
}

interface Parts {
  readonly adapter: VerifiedAdapter;
  readonly artifact: Artifact;
  readonly base: KeptBaseModel;
  readonly data: TrainingData;
  readonly parent: VersionName | undefined;
}

async function openFiles(
  { store, artifacts }: RegistryContext,
  caller: Caller,
  { files }: RegisterVersionRequest,
): Promise<{ readonly files: ArtifactFiles; readonly artifact: Artifact }> {
  if (files?.$case === "artifact") {
    const artifact = await findArtifact(store, caller.tenant, files.value);
    return { files: await artifacts.open(caller, artifact), artifact };
  }
  const located = await artifacts.locate(caller.tenantName, files?.value ?? "");
  const artifact = { digest: "", uri: located.uri, files: [], byteCount: 0n, kept: false };
  return { files: located.files, artifact };
}

function newVersion(request: RegisterVersionRequest, { adapter, artifact, base, data, parent }: Parts): AdapterVersion {
  const { quantization, task, domains, language, constraint, servingHintsJson, label } = request;
  const { peft, method, servability } = adapter;
  return AdapterVersion.create({
    baseModel: verifiedBase(base.baseModel),
    method,
    quantization,
    peft,
    artifact,
    provenance: provenanceOf(request, data, parent),
    task,
    domains: [...new Set(domains)],
    language,
    constraint,
    servability,
    servingHintsJson,
    label,
  });
}

function provenanceOf(
  { dataSourceUri, training }: RegisterVersionRequest,
  { run, snapshots, packageVersions, seed, configurationJson }: TrainingData,
  parent: VersionName | undefined,
): Provenance {
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

function firstMetrics(values: Record<string, number>, now: bigint): StoredVersionState["metrics"] {
  checkMetrics(values);
  return Object.fromEntries(
    Object.entries(values).map(([metric, value]) => [metric, { value, timeMicros: now, step: 0n }]),
  );
}

function checkSize(version: AdapterVersion): void {
  const bytes = AdapterVersion.encode(version).finish().length;
  if (bytes > limits.version_bytes) throw limitExceeded("version_bytes", bytes, "The size of the version");
}
