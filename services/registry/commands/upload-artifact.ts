import type { Artifact, UploadArtifactRequest } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import type { TenantId } from "../../store/store.ts";
import { checkDigest } from "../artifacts/artifact-digest.ts";
import { artifactInvalid } from "../artifacts/artifact-errors.ts";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { StagedArtifact } from "../artifacts/staged-artifact.ts";
import type { RegistryContext } from "../context.ts";

type Message = UploadArtifactRequest["message"];

/** Keeps the files that come. Where the messages end otherwise than with a commit that fits, nothing is left. */
export async function uploadArtifact(
  { artifacts }: Pick<RegistryContext, "artifacts">,
  tenant: TenantId,
  messages: AsyncGenerator<Message>,
): Promise<Artifact> {
  const { value: first } = await messages.next();
  if (first?.$case !== "start") throw artifactInvalid("The first message is not start.");
  await using staged = await artifacts.begin();
  for await (const message of messages) {
    if (message?.$case === "commit") return await commit(artifacts, tenant, staged, message.value.digest);
    await stage(staged, message);
  }
  throw artifactInvalid("The messages ended without commit.");
}

function commit(artifacts: Artifacts, tenant: TenantId, staged: StagedArtifact, digest: string): Promise<Artifact> {
  checkDigest(digest);
  return artifacts.keep(tenant, staged, digest);
}

async function stage(staged: StagedArtifact, message: Message): Promise<void> {
  switch (message?.$case) {
    case "file":
      return staged.begin(message.value.path, message.value.byteCount);
    case "data":
      return staged.write(checkData(message.value));
    default:
      throw artifactInvalid("A message is none of file, data and commit.");
  }
}

function checkData(data: Uint8Array): Uint8Array {
  if (data.length <= limits.upload_data_bytes) return data;
  throw limitExceeded("upload_data_bytes", data.length, "The length of data in one message");
}
