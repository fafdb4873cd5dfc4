import type { ThreadError } from "../../../kit/thread-error.ts";
import type { Micros, Revision, StoreShare, TenantId } from "../../../store/store.ts";
import type { Chunk } from "./chunk.ts";

export interface RenderThreadData {
  readonly store: StoreShare;
  readonly pluginsDirectory: string | undefined;
}

/** What to render, and where it is read. */
export interface RenderJob {
  readonly tenant: TenantId;
  /** Internal number. */
  readonly collection: number;
  readonly at: Revision;
  /** Encoded DatasetSpec. */
  readonly spec: Uint8Array;
  readonly asOf: Micros;
}

export type RenderRequest =
  /** `job` comes with a build's first scan in the thread. */
  | { readonly kind: "scan"; readonly build: number; readonly job: RenderJob | undefined; readonly scan: ScanRequest }
  /** Goes on with the scan whose part was taken. */
  | { readonly kind: "resume"; readonly build: number }
  | { readonly kind: "close"; readonly build: number };

export interface ScanRequest {
  /** Number of the chunk. */
  readonly number: number;
  /** First key. */
  readonly start: Uint8Array;
  /** Records at most. */
  readonly limit: number;
}

export type RenderReply =
  /** The thread has loaded what it needs; it comes first. */
  | { readonly kind: "ready" }
  /** The records were read; the next chunk, if there is one, begins at `next`. */
  | { readonly kind: "scanned"; readonly next: Uint8Array | undefined }
  /** Of a chunk that is not complete, the thread waits for `resume` before it renders more. */
  | { readonly kind: "rendered"; readonly chunk: Chunk }
  | { readonly kind: "failed"; readonly error: ThreadError };
