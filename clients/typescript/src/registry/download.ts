import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Client as ServiceClient } from "nice-grpc";
import type {
  Artifact,
  ArtifactServiceDefinition,
  DownloadArtifactResponse,
} from "../../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { ConnectionError, FileError, LoraloopError, TruncatedStreamError } from "../errors.ts";
import { untilAnswered } from "../retry.ts";
import { artifactDigest } from "./artifact-digest.ts";
import { holdsFiles, IncomingFolder, UNFINISHED } from "./incoming-folder.ts";
import type { TransferOptions } from "./upload.ts";

export interface DownloadOptions extends TransferOptions {
  /** The folder to make; it must not be there, be empty or hold these files already. By default a folder of the cache. */
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

/** Where a version's files go, and what may be removed there. */
interface Place {
  readonly folder: string;
  readonly ours: boolean;
}

/** What a killed process began is removed after this time. */
const UNFINISHED_MILLIS = 24 * 3_600_000;

/** Where downloads go unless told otherwise. */
export function defaultCache(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "loraloop", "adapters");
}

/** Fetches the files of a version, unless they are there already, and checks each: the folder appears whole and right, or not at all. */
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
    if (await isThere(place, artifact)) return downloaded;
    await using incoming = new IncomingFolder(place.folder, artifact);
    const totalBytes = Number(artifact.byteCount);
    await fill(incoming, iterator, (doneBytes) => options.onProgress?.({ doneBytes, totalBytes }));
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
  return directory === undefined ? { folder: join(cache, digest), ours: true } : { folder: directory, ours: false };
}

/** Makes room beside the place. */
async function isThere({ folder, ours }: Place, artifact: Artifact): Promise<boolean> {
  if (await holdsFiles(folder, artifact)) return true;
  if (!ours && (await entriesOf(folder)).length > 0)
    throw new FileError(folder, "holds other files: name a folder that is empty or not there");
  await mkdir(dirname(folder), { recursive: true });
  if (ours) await removeUnfinished(dirname(folder));
  return false;
}

/** Another process may have been quicker; what was damaged gives way. */
async function settle({ folder, ours }: Place, incoming: IncomingFolder, artifact: Artifact): Promise<void> {
  while (!(await takesItsPlace(incoming))) {
    if (await holdsFiles(folder, artifact)) return;
    if (!ours) throw new FileError(folder, "was filled by somebody else in the meantime");
    await removeDamaged(folder);
  }
}

async function takesItsPlace(incoming: IncomingFolder): Promise<boolean> {
  try {
    await incoming.finish();
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(codeOf(error))) return false;
    throw error;
  }
}

/** All at once: nobody is to see a half of it. */
async function removeDamaged(folder: string): Promise<void> {
  const aside = `${folder}.${randomUUID()}${UNFINISHED}`;
  await rename(folder, aside).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
  await rm(aside, { recursive: true, force: true });
}

async function removeUnfinished(cache: string): Promise<void> {
  for (const name of await entriesOf(cache)) {
    const path = join(cache, name);
    const begun = name.endsWith(UNFINISHED) ? await stat(path).catch(() => undefined) : undefined;
    if (begun !== undefined && Date.now() - begun.mtimeMs > UNFINISHED_MILLIS)
      await rm(path, { recursive: true, force: true });
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}
