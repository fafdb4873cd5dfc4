import { AdapterVersion, Method, Quantization } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { Problem } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { BaseModel, BaseModelReference } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Caller } from "../../kit/call.ts";
import { isDigest } from "../artifacts/artifact-digest.ts";
import { filesNowhere } from "../artifacts/artifact-errors.ts";
import { readOnce } from "../artifacts/read-once.ts";
import { findBaseModel, type KeptBaseModel, unreadBase } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import { configurationReport, Faults } from "../verification/faults.ts";
import { readConfiguration } from "../verification/lora-configuration.ts";
import { methodNames } from "../verification/method.ts";
import { baseOf } from "../verification/named-base.ts";
import {
  adapterProblems,
  type DeclaredAdapter,
  isFault,
  type VerifiedAdapter,
} from "../verification/verify-adapter.ts";
import { versionText } from "./names.ts";
import { checkVersionBytes } from "./registered-version.ts";
import type { KeptVersion } from "./stored-versions.ts";
import { verifiedArtifact, verifiedBase } from "./verified-parts.ts";
import { artifactOf } from "./version-artifact.ts";

/** What reading a version's files gave. */
export interface Examined {
  readonly problems: Problem[];
  /** Absent where something is wrong. */
  readonly sound?: SoundVersion;
}

export interface SoundVersion {
  /** What the files tell. */
  readonly found: AdapterVersion;
  /** What they were checked against. */
  readonly base: KeptBaseModel;
}

/** Reads a version's files and checks them as registration does. What is wrong with them, or with what they are checked against, is told. Rejects with ARTIFACT_NOT_FOUND where nobody said where they are. */
export async function examineVersion(
  context: RegistryContext,
  caller: Caller,
  version: KeptVersion,
  signal: AbortSignal,
): Promise<Examined> {
  const artifact = artifactOf(version);
  if (artifact === undefined) throw filesNowhere(versionText(version.name));
  try {
    const files = readOnce(await context.artifacts.open(caller, artifact));
    const named = version.state.found?.baseModel ?? version.stored.version?.baseModel;
    const base = await findBaseModel(context.store, caller.tenant, await baseOf(files, named));
    const declared = {
      ...said(version, base.baseModel),
      files: artifact.files.length === 0 ? undefined : artifact.files,
      signal,
    };
    const unread = unreadBase(context.store, caller.tenant, underItsName(base, version));
    const { problems, adapter } = await adapterProblems(context, files, unread, declared);
    if (adapter === undefined) return { problems };
    const contradictions = contradictionsOf(version, adapter);
    if (contradictions.length > 0) return { problems: contradictions };
    const { method, peft, servability } = adapter;
    const baseModel = verifiedBase(base.baseModel);
    const found = { baseModel, method, peft, servability, artifact: verifiedArtifact(artifact, adapter.files) };
    checkVersionBytes({ ...(version.stored.version ?? AdapterVersion.create()), ...found });
    return { problems, sound: { found: AdapterVersion.create(found), base } };
  } catch (error) {
    if (!isFault(error)) throw error;
    return { problems: [{ reason: error.reason, message: error.message }] };
  }
}

/** With the name that the version's configuration had for it when that was verified: other names of a base model come and go. */
function underItsName(base: KeptBaseModel, { stored, state }: KeptVersion): KeptBaseModel {
  const read = (state.found ?? stored.version)?.peft?.configurationJson ?? "";
  const name = readConfiguration(Buffer.from(read), configurationReport(new Faults(false)))?.baseModel ?? "";
  const otherNames = name === "" ? base.baseModel.otherNames : [...base.baseModel.otherNames, name];
  return { ...base, baseModel: { ...base.baseModel, otherNames } };
}

/** What was said of the version when it was made. Of an import that is less than its files tell; digests of others are compared where they are of our kind. */
function said(
  { stored }: KeptVersion,
  base: BaseModel,
): Pick<DeclaredAdapter, "method" | "quantization" | "baseModel"> {
  const { declared, quantization, method = Method.METHOD_UNSPECIFIED, baseModel } = stored.version ?? {};
  if (declared === undefined) return { method, quantization, baseModel };
  const digests: BaseModelReference = {
    name: base.name,
    revision: base.revision,
    weightsDigest: ifDigest(declared.baseModelHash),
    tokenizerDigest: ifDigest(declared.tokenizerHash),
  };
  // That it was quantised is all that some say.
  const unknown = method === Method.METHOD_QLORA ? Quantization.create() : undefined;
  return { method: Method.METHOD_UNSPECIFIED, quantization: quantization ?? unknown, baseModel: digests };
}

/** Where an imported document says something else than the files. */
function contradictionsOf({ stored }: KeptVersion, { method, peft }: VerifiedAdapter): Problem[] {
  const { declared, method: saidMethod = Method.METHOD_UNSPECIFIED, peft: saidPeft } = stored.version ?? {};
  if (declared === undefined) return [];
  const rank = saidPeft?.r ?? 0;
  return [
    ...(rank !== 0 && rank !== peft.r ? [contradiction("rank", rank, peft.r)] : []),
    ...(saidMethod !== Method.METHOD_UNSPECIFIED && saidMethod !== method
      ? [contradiction("method", methodNames[saidMethod], methodNames[method])]
      : []),
  ];
}

function contradiction(field: string, said: string | number, found: string | number): Problem {
  const message = `The imported document says ${field} ${said}, its files have ${found}. Put the right files there, release the version and verify it again; or register them.`;
  return { reason: "ADAPTER_CONFIGURATION_INVALID", message };
}

/** Others write digests with their algorithm before them, or in capitals. */
function ifDigest(hash: string): string {
  const digest = hash.toLowerCase().replace(/^sha256:/, "");
  return isDigest(digest) ? digest : "";
}
