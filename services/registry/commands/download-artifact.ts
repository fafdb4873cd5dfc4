import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { DownloadArtifactResponse } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { Caller } from "../../kit/call.ts";
import type { TenantId } from "../../store/store.ts";
import type { VersionReference } from "../adapters/names.ts";
import { showVersion } from "../adapters/shown-version.ts";
import { getVersion } from "../adapters/stored-versions.ts";
import { artifactNotFound } from "../artifacts/artifact-errors.ts";
import { checkedFile } from "../artifacts/checked-file.ts";
import type { RegistryContext } from "../context.ts";
import { requireTrusted } from "../signatures/check-signature.ts";
import { resolveAlias } from "./resolve-alias.ts";

export interface DownloadArtifact {
  readonly reference: VersionReference;
  /** Also of a version that may not be served. */
  readonly allowUnservable: boolean;
}

type Message = NonNullable<DownloadArtifactResponse["message"]>;
type Context = Pick<RegistryContext, "store" | "artifacts">;

/**
 * A version's files, each as it was registered. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND, VERSION_NOT_SERVABLE, SIGNATURE_REQUIRED,
 * ARTIFACT_NOT_FOUND; ADAPTER_FILE_CHANGED where a file is another one by now, at the latest after its last byte.
 */
export async function* downloadArtifact(
  context: Context,
  caller: Caller,
  command: DownloadArtifact,
): AsyncGenerator<Message> {
  const { name, artifact } = await findVersion(context, caller.tenant, command);
  if (artifact === undefined || artifact.files.length === 0) throw artifactNotFound(name);
  const files = await context.artifacts.open(caller, artifact);
  yield { $case: "start", value: { artifact, version: name } };
  for (const file of artifact.files) {
    yield { $case: "file", value: file };
    for await (const data of checkedFile(files, file)) yield { $case: "data", value: data };
  }
  yield { $case: "end", value: {} };
}

async function findVersion(
  { store }: Context,
  tenant: TenantId,
  { reference, allowUnservable }: DownloadArtifact,
): Promise<AdapterVersion> {
  if (!allowUnservable) return resolveAlias({ store }, tenant, reference, "");
  const version = await showVersion(store, tenant, await getVersion(store, tenant, reference));
  await requireTrusted({ store }, tenant, version);
  return version;
}
