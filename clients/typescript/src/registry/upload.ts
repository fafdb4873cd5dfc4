import type { Client as ServiceClient } from "nice-grpc";
import type {
  Artifact,
  ArtifactServiceDefinition,
  DeepPartial,
  UploadArtifactRequest,
} from "../../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { RpcError } from "../errors.ts";
import { untilAnswered } from "../retry.ts";
import { answered } from "./answered.ts";
import { artifactDigest } from "./artifact-digest.ts";
import { type FolderFile, piecesOf } from "./folder-files.ts";

/** How far a transfer of files is. */
export interface TransferProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
  /** How long to begin again while the server is away; 300 by default. */
  readonly reconnectSeconds?: number | undefined;
}

type ArtifactService = ServiceClient<typeof ArtifactServiceDefinition>;

/** Sends the files of a folder, unless the registry has them already. What changes while it is sent is refused by the registry. */
export async function uploadFiles(
  service: ArtifactService,
  folder: string,
  files: readonly FolderFile[],
  { signal, onProgress, reconnectSeconds = 300 }: TransferOptions = {},
): Promise<Artifact> {
  const call = signal ? { signal } : {};
  const digest = artifactDigest(files);
  const send = async (): Promise<Artifact> => {
    const kept = await findArtifact(service, digest);
    if (kept !== undefined) return kept;
    return answered((await service.uploadArtifact(messagesOf(folder, files, digest, onProgress), call)).artifact);
  };
  return await untilAnswered(reconnectSeconds, send, signal);
}

async function findArtifact(service: ArtifactService, digest: string): Promise<Artifact | undefined> {
  try {
    return (await service.getArtifact({ digest })).artifact;
  } catch (error) {
    if (error instanceof RpcError && error.reason === "ARTIFACT_NOT_FOUND") return undefined;
    throw error;
  }
}

async function* messagesOf(
  folder: string,
  files: readonly FolderFile[],
  digest: string,
  onProgress: TransferOptions["onProgress"],
): AsyncGenerator<DeepPartial<UploadArtifactRequest>> {
  const totalBytes = files.reduce((sum, { byteCount }) => sum + byteCount, 0);
  let doneBytes = 0;
  yield { message: { $case: "start", value: {} } };
  for (const { path, byteCount } of files) {
    yield { message: { $case: "file", value: { path, byteCount: BigInt(byteCount) } } };
    for await (const data of piecesOf(`${folder}/${path}`)) {
      yield { message: { $case: "data", value: data } };
      doneBytes += data.length;
      onProgress?.({ doneBytes, totalBytes });
    }
  }
  yield { message: { $case: "commit", value: { digest } } };
}
