import type { RegisterVersionRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { Caller } from "../../kit/call.ts";
import { type Reason, ServiceError } from "../../kit/errors.ts";
import type { ArtifactFiles } from "../artifacts/artifact-store.ts";
import { readOnce } from "../artifacts/read-once.ts";
import { findArtifact, markDamaged } from "../artifacts/stored-artifacts.ts";
import { findBaseModel, type KeptBaseModel, unreadBase } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import type { VersionName } from "../keys.ts";
import { checkSignature } from "../signatures/check-signature.ts";
import { trainedOn } from "../training/training-data.ts";
import { baseOf } from "../verification/named-base.ts";
import { type VerifiedAdapter, verifyAdapter } from "../verification/verify-adapter.ts";
import { parseVersionReference } from "./names.ts";
import type { NewVersion } from "./new-versions.ts";
import { registeredVersion } from "./registered-version.ts";
import { nameOf } from "./stored-versions.ts";
import { verifiedArtifact } from "./verified-parts.ts";

/** A version whose files were checked, ready to be made. */
export interface Registration {
  readonly version: NewVersion;
  readonly artifact: Artifact;
  readonly base: KeptBaseModel;
  readonly parent: VersionName | undefined;
}

/**
 * Reads and checks everything that a new version is made of; keeps nothing. Rejects with what is wrong: of the request (FIELD_INVALID, SCHEMA_INVALID,
 * LIMIT_EXCEEDED), of what it names (ARTIFACT_NOT_FOUND, BASE_MODEL_NOT_FOUND, ALIAS_NOT_FOUND, RUN_NOT_FOUND, SNAPSHOT_NOT_FOUND), of the files (as
 * `verifyAdapter`), of the signature; with EXPORT_UNAVAILABLE.
 */
export async function prepareRegistration(
  context: RegistryContext,
  caller: Caller,
  request: RegisterVersionRequest,
  signal: AbortSignal,
): Promise<Registration> {
  const { store, schemas, patterns } = context;
  const { tenant, tenantName, tokenId: creator } = caller;
  const { constraint } = request.constraint ?? {};
  if (constraint?.$case === "jsonSchema") await schemas.check(constraint.value);
  if (constraint?.$case === "pattern") await patterns.check(constraint.value);
  const parent = request.parent === "" ? undefined : await nameOf(store, tenant, parseVersionReference(request.parent));
  const { adapter, artifact, base } = await verifyFiles(context, caller, request, signal);
  const signature = await checkSignature(context, tenant, adapter.files, request.signatureBundleJson);
  const data = await trainedOn(context, tenantName, request);
  const { baseModel } = base;
  const now = context.clock.now();
  const parts = { request, artifact, adapter, baseModel, parent, data, signature, creator, now };
  return { version: registeredVersion(parts), artifact, base, parent };
}

interface VerifiedFiles {
  readonly adapter: VerifiedAdapter;
  readonly artifact: Artifact;
  readonly base: KeptBaseModel;
}

async function verifyFiles(
  context: RegistryContext,
  caller: Caller,
  request: RegisterVersionRequest,
  signal: AbortSignal,
): Promise<VerifiedFiles> {
  try {
    return await verifyOpened(context, caller, request, signal);
  } catch (error) {
    const { files } = request;
    if (files?.$case === "artifact" && isDamage(error)) await markDamaged(context.store, caller.tenant, files.value);
    throw error;
  }
}

const damage: ReadonlySet<Reason> = new Set<Reason>([
  "ADAPTER_FILE_CHANGED",
  "ADAPTER_FILE_MISSING",
  "ARTIFACT_NOT_FOUND",
]);

/** Whether what the registry keeps may not be what it was. */
function isDamage(error: unknown): boolean {
  return error instanceof ServiceError && damage.has(error.reason);
}

async function verifyOpened(
  context: RegistryContext,
  caller: Caller,
  request: RegisterVersionRequest,
  signal: AbortSignal,
): Promise<VerifiedFiles> {
  const { artifact, ...opened } = await openFiles(context, caller, request);
  // What the registry keeps is what was uploaded.
  const known = artifact.kept ? artifact.files : undefined;
  const files = readOnce(opened.files, known);
  const base = await findBaseModel(context.store, caller.tenant, await baseOf(files, request.baseModel));
  const { method, quantization, baseModel } = request;
  const declared = { method, quantization, baseModel, files: known, signal };
  const adapter = await verifyAdapter(context, files, unreadBase(context.store, caller.tenant, base), declared);
  return { adapter, artifact: verifiedArtifact(artifact, adapter.files), base };
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
