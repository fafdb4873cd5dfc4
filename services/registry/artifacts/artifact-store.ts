/**
 * The port behind which artifacts lie: the files of an adapter (`ArtifactFiles`), wherever they are, and the place of those that the
 * registry keeps itself (`ArtifactStore`). An adapter is done when `conformance/` passes.
 */
import type { ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { TenantId } from "../../store/store.ts";

/** A file before its digest is known. */
export type ListedFile = Omit<ArtifactFile, "digest">;

/** Largest piece that `stream` gives. */
export const PIECE_BYTES: number = 256 * 1024;

/**
 * The files of one adapter. All methods throw STORE_UNAVAILABLE where the place cannot be read now. A file that was listed is the same
 * file with the same content in every later call, or ADAPTER_FILE_CHANGED is thrown.
 */
export interface ArtifactFiles {
  /**
   * All files in order of the paths' bytes. Throws ADAPTER_FILE_FORBIDDEN for a link, a device, a path out of the folder, or a pickle by
   * its name or its first bytes; ARTIFACT_INVALID for a path that `ArtifactFile` does not allow; LIMIT_EXCEEDED (`artifact_files`)
   * without listing the rest.
   */
  list(): Promise<readonly ListedFile[]>;
  /** Exactly `length` bytes from `offset`. Throws ADAPTER_FILE_MISSING, and ADAPTER_FILE_CHANGED where the file ends before. */
  read(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** The whole file in order, in pieces of at most `PIECE_BYTES`, whose memory is the caller's. Throws ADAPTER_FILE_MISSING. Ending the iteration lets go of the file. */
  stream(path: string): AsyncIterable<Uint8Array>;
}

/** Files on their way into the store. */
export interface StagedFiles {
  /** Folder of the machine's own disk that holds exactly these files, durably. The store may take it away. */
  readonly folder: string;
  /** In order of the paths' bytes. */
  readonly files: readonly ArtifactFile[];
}

/** Where the registry keeps uploaded artifacts: a folder an artifact, which PEFT and vLLM load as it is. */
export interface ArtifactStore {
  /** Where an artifact lies, or would: `file:///…/t<tenant>/<digest>` or `s3://bucket/prefix/t<tenant>/<digest>`. */
  uri(tenant: TenantId, digest: string): string;
  /** Keeps files under their digest. Once resolved they are durable and all there; before, `open` shows nothing. The same again is no error, and mends what was damaged. */
  put(tenant: TenantId, digest: string, staged: StagedFiles): Promise<void>;
  /** The files of an artifact; undefined where it is not there, or not as a whole. */
  open(tenant: TenantId, digest: string): Promise<ArtifactFiles | undefined>;
  /** Removes an artifact, or what a broken-off `put` left of it. Idempotent. */
  remove(tenant: TenantId, digest: string): Promise<void>;
  /** Digests of all that lies there of a tenant, in any order, whole or not. */
  digests(tenant: TenantId): AsyncIterable<string>;
  /** When something was written last of what lies there under a digest, in milliseconds since 1970; undefined where there is nothing. */
  writeTime(tenant: TenantId, digest: string): Promise<number | undefined>;
}
