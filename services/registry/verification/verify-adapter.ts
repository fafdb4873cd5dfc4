import type {
  Method,
  PeftConfiguration,
  Quantization,
  Servability,
} from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { Problem } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { BaseModelReference } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { inByteOrder } from "../../kit/byte-order.ts";
import { ServiceError } from "../../kit/errors.ts";
import { fileChanged, fileMissing } from "../artifacts/artifact-errors.ts";
import type { ArtifactFiles, ListedFile } from "../artifacts/artifact-store.ts";
import { tokenizerBytes } from "./check-tokenizer.ts";
import { headerBytes } from "./header-room.ts";
import { configurationPath, type Inspected, weightsPath } from "./inspection.ts";
import type { PackedBase } from "./inspection-messages.ts";
import type { Inspections, RemoteInspection } from "./inspections.ts";
import { methodOf } from "./method.ts";

/** What is said of an adapter, to be compared with its files. */
export interface DeclaredAdapter {
  /** METHOD_UNSPECIFIED to read it from the configuration. */
  readonly method: Method;
  readonly quantization: Quantization | undefined;
  /** Digests that must be the base model's; what it leaves out is not compared. */
  readonly baseModel?: BaseModelReference | undefined;
  /** What the files were before: these and no others must be there. One without a digest may be another. */
  readonly files?: readonly ArtifactFile[] | undefined;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

/** The base model, of which nothing is in memory before there is room for it. */
export interface UnreadBase {
  /** As of BaseModel. */
  readonly vocabularyDigest: string;
  /** Bytes that its layers take where they are kept. */
  layerBytes(): Promise<number>;
  read(): Promise<PackedBase>;
}

/** An adapter that fits its base model. */
export interface VerifiedAdapter {
  readonly peft: PeftConfiguration;
  readonly method: Method;
  /** In order of the paths' bytes, with their digests. */
  readonly files: readonly ArtifactFile[];
  readonly servability: Servability[];
}

/** What verification needs of the registry. */
export interface VerificationContext {
  readonly inspections: Inspections;
}

/**
 * Reads all files of an adapter, each once and in bounded memory once there is room, and checks them against each other and the base model. Rejects with the
 * ServiceError of the first fault (reasons `ADAPTER_…`, BASE_MODEL_MISMATCH, TOKENIZER_MISMATCH, FIELD_INVALID for `method`), with what
 * `ArtifactFiles` throws, or with the signal's reason.
 */
export async function verifyAdapter(
  { inspections }: VerificationContext,
  files: ArtifactFiles,
  base: UnreadBase,
  declared: DeclaredAdapter,
): Promise<VerifiedAdapter> {
  const listed = await files.list();
  const [missing] = listProblems(listed, declared.files);
  if (missing !== undefined) throw missing;
  const inspected = await inspect(inspections, { files, listed, base, declared, throwsFirst: true });
  return verified(inspected, declared);
}

/** As `verifyAdapter`, but goes on after a fault. A fault is no error of the call: they are all told, and `adapter` is there only where there is none. */
export async function adapterProblems(
  context: VerificationContext,
  files: ArtifactFiles,
  base: UnreadBase,
  declared: DeclaredAdapter,
): Promise<{ readonly problems: Problem[]; readonly adapter?: VerifiedAdapter }> {
  try {
    const listed = await files.list();
    const missing = listProblems(listed, declared.files).map(problemOf);
    const inspected = await inspect(context.inspections, { files, listed, base, declared, throwsFirst: false });
    const problems = [...missing, ...inspected.faults.map(problemOf)];
    return problems.length > 0 ? { problems } : { problems, adapter: verified(inspected, declared) };
  } catch (error) {
    // The place itself is refused, or a file of it while it is read.
    if (isFault(error)) return { problems: [problemOf(error)] };
    throw error;
  }
}

/** Whether something is wrong with an adapter, or with what it is checked against; not with the place where its files lie. */
export function isFault(error: unknown): error is ServiceError {
  return error instanceof ServiceError && /^(ADAPTER_|ARTIFACT_|BASE_MODEL_|LIMIT_EXCEEDED)/.test(error.reason);
}

function problemOf({ reason, message }: { readonly reason: string; readonly message: string }): Problem {
  return { reason, message };
}

/** What is wrong with the names of the files alone. */
function listProblems(listed: readonly ListedFile[], before: readonly ArtifactFile[] | undefined): ServiceError[] {
  const paths = new Set(listed.map(({ path }) => path));
  const wanted = new Set([configurationPath, weightsPath, ...(before ?? []).map(({ path }) => path)]);
  const missing = [...wanted.difference(paths)].map(fileMissing);
  const added = before === undefined ? [] : [...paths.difference(wanted)];
  return [...missing, ...added.map((path) => fileChanged(path, "no file", "a file"))];
}

interface Reading {
  readonly files: ArtifactFiles;
  readonly listed: readonly ListedFile[];
  readonly base: UnreadBase;
  readonly declared: DeclaredAdapter;
  readonly throwsFirst: boolean;
}

async function inspect(inspections: Inspections, reading: Reading): Promise<Inspected> {
  const { files, listed, declared, throwsFirst, base: unread } = reading;
  const kept = (await headerBytes(files, listed)) + tokenizerBytes(listed, unread);
  using _room = await inspections.room.take(kept + (await unread.layerBytes()), declared.signal);
  const base = await unread.read();
  const known = (declared.files ?? []).filter(({ digest }) => digest !== "");
  const digests = new Map(known.map(({ path, digest }) => [path, digest]));
  using inspection = inspections.begin({ base, reference: declared.baseModel, digests, throwsFirst });
  for (const file of listed.toSorted((a, b) => place(a) - place(b))) await readFile(inspection, reading, file);
  // Before it is disposed.
  return await inspection.finish();
}

/** The small file that tells most comes first. */
function place({ path }: ListedFile): number {
  if (path === configurationPath) return 0;
  return path === weightsPath ? 1 : 2;
}

async function readFile(inspection: RemoteInspection, { files, declared }: Reading, file: ListedFile): Promise<void> {
  const { path, byteCount } = file;
  let read = 0n;
  for await (const bytes of files.stream(path)) {
    declared.signal.throwIfAborted();
    const isFirst = read === 0n;
    read += BigInt(bytes.length);
    if (read > byteCount) break;
    await inspection.piece({ path, byteCount: Number(byteCount), bytes, isFirst, isLast: read === byteCount });
  }
  if (read !== byteCount) throw fileChanged(path, `${byteCount} bytes`, `${read} bytes`);
  if (read === 0n) {
    await inspection.piece({ path, byteCount: 0, bytes: new Uint8Array(), isFirst: true, isLast: true });
  }
}

function verified({ files, sound }: Inspected, declared: DeclaredAdapter): VerifiedAdapter {
  if (sound === undefined) throw new Error("An adapter without fault was not compared with its base model.");
  const method = methodOf(sound.peft, declared.method, declared.quantization);
  return { ...sound, method, files: inByteOrder(files, ({ path }) => path) };
}
