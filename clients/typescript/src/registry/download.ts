import { homedir } from "node:os";
import { join } from "node:path";
import type { Client as ServiceClient } from "nice-grpc";
import type {
  Artifact,
  ArtifactServiceDefinition,
  DownloadArtifactResponse,
} from "../../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { ConnectionError, LoraloopError, TruncatedStreamError } from "../errors.ts";
import { untilAnswered } from "../retry.ts";
import { artifactDigest } from "./artifact-digest.ts";
import { makeRoom, type Place, settle } from "./download-place.ts";
import { holdsFiles } from "./holds-files.ts";
import { IncomingFolder } from "./incoming-folder.ts";
import type { TransferOptions } from "./upload.ts";

export interface DownloadOptions extends TransferOptions {
  /**
   * The folder to make; it must not be there, be empty or hold these files already. One that is there stays the same folder: it gets the files when all have come. By
   * default a folder of the cache.
   */
  readonly directory?: string;
  /** Where folders are kept by the digest of their files, for every process that names it; `$XDG_CACHE_HOME/loraloop/adapters` by default. */
  readonly cache?: string;
  /** Also where the version may not be served. */
  readonly allowUnservable?: boolean;
}

/** A version's files on this machine, as they were registered. */
export interface DownloadedVersion {
  /** `<adapter>@<number>`. */
  readonly version: string;
  readonly folder: string;
  readonly artifact: Artifact;
}

/** Where downloads go unless told otherwise. */
export function defaultCache(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "loraloop", "adapters");
}

/** Fetches the files of a version, unless they are there already, and checks each: they appear whole and right, or not at all. */
export async function downloadVersion(
  service: ServiceClient<typeof ArtifactServiceDefinition>,
  version: string,
  options: DownloadOptions = {},
): Promise<DownloadedVersion> {
  const { signal, allowUnservable = false, reconnectSeconds = 300 } = options;
  const request = { version, allowUnservable };
  const call = signal ? { signal } : {};
  return await untilAnswered(reconnectSeconds, () => receive(service.downloadArtifact(request, call), options), signal);
}

async function receive(
  messages: AsyncIterable<DownloadArtifactResponse>,
  options: DownloadOptions,
): Promise<DownloadedVersion> {
  const iterator = messages[Symbol.asyncIterator]();
  try {
    const { version, artifact } = startOf(await iterator.next());
    const place = placeOf(artifact, options);
    const downloaded = { version, folder: place.folder, artifact };
    if (await holdsFiles(place.folder, artifact, { signal: options.signal })) return downloaded;
    await using incoming = new IncomingFolder(place.folder, await makeRoom(place), artifact);
    const totalBytes = Number(artifact.byteCount);
    await fill(incoming, iterator, (doneBytes) => options.onProgress?.({ doneBytes, totalBytes }));
    options.signal?.throwIfAborted();
    await settle(place, incoming, artifact);
    return downloaded;
  } finally {
    await iterator.return?.();
  }
}

function startOf({ value }: IteratorResult<DownloadArtifactResponse, unknown>): {
  readonly version: string;
  readonly artifact: Artifact;
} {
  const { message } = (value ?? {}) as Partial<DownloadArtifactResponse>;
  if (message?.$case !== "start" || message.value.artifact === undefined)
    throw new LoraloopError("The registry did not say what comes.");
  const { version, artifact } = message.value;
  if (artifactDigest(artifact.files) !== artifact.digest)
    throw new TruncatedStreamError(`The files of ${version} are not those of the artifact ${artifact.digest}.`);
  return { version, artifact };
}

async function fill(
  incoming: IncomingFolder,
  messages: AsyncIterator<DownloadArtifactResponse>,
  onBytes: (doneBytes: number) => void,
): Promise<void> {
  let doneBytes = 0;
  while (true) {
    const { value, done } = await messages.next();
    if (done === true) throw new ConnectionError("The server ended the download early.");
    const { message } = value as DownloadArtifactResponse;
    if (message?.$case === "end") return;
    if (message?.$case === "file") await incoming.begin(message.value);
    if (message?.$case !== "data") continue;
    await incoming.write(message.value);
    doneBytes += message.value.length;
    onBytes(doneBytes);
  }
}

function placeOf({ digest }: Artifact, { directory, cache = defaultCache() }: DownloadOptions): Place {
  if (directory === undefined) return { folder: join(cache, digest), ours: true };
  return { folder: directory || ".", ours: false };
}
