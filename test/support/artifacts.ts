import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Client } from "nice-grpc";
import type {
  Artifact,
  ArtifactFile,
  ArtifactServiceDefinition,
  DeepPartial,
  UploadArtifactRequest,
} from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { artifactDigest } from "../../services/registry/artifacts/artifact-digest.ts";

/** The files of an artifact by their paths. */
export type Contents = Readonly<Record<string, string | Uint8Array>>;

export type UploadMessage = DeepPartial<UploadArtifactRequest>;

/** In order of their paths' bytes. */
export function filesOf(contents: Contents): ArtifactFile[] {
  return inOrder(contents).map(([path, content]) => ({
    path,
    byteCount: BigInt(content.length),
    digest: createHash("sha256").update(content).digest("hex"),
  }));
}

export function digestOf(contents: Contents): string {
  return artifactDigest(filesOf(contents));
}

export const startMessage: UploadMessage = { message: { $case: "start", value: {} } };

export function commitMessage(digest: string): UploadMessage {
  return { message: { $case: "commit", value: { digest } } };
}

export function fileMessage(path: string, byteCount: number | bigint): UploadMessage {
  return { message: { $case: "file", value: { path, byteCount: BigInt(byteCount) } } };
}

export function dataMessage(value: Uint8Array): UploadMessage {
  return { message: { $case: "data", value } };
}

/** What uploads these files, in pieces of so many bytes. */
export function* uploadMessages(contents: Contents, pieceBytes = 1024 * 1024): Generator<UploadMessage> {
  yield startMessage;
  for (const [path, content] of inOrder(contents)) {
    yield fileMessage(path, content.length);
    for (let start = 0; start < content.length; start += pieceBytes) {
      yield dataMessage(content.subarray(start, start + pieceBytes));
    }
  }
  yield commitMessage(digestOf(contents));
}

export async function upload(
  client: Pick<Client<ArtifactServiceDefinition>, "uploadArtifact">,
  contents: Contents,
): Promise<Artifact> {
  const { artifact } = await client.uploadArtifact(toStream(uploadMessages(contents)));
  if (artifact === undefined) throw new Error("The answer has no artifact.");
  return artifact;
}

export async function* toStream<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  yield* items;
}

/** Writes the files below a folder. */
export async function writeFiles(folder: string, contents: Contents): Promise<void> {
  for (const [path, content] of Object.entries(contents)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

function inOrder(contents: Contents): [string, Buffer][] {
  return Object.entries(contents)
    .map(([path, content]): [string, Buffer] => [path, Buffer.from(content)])
    .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
