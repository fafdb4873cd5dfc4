import type { ThreadError } from "../../../kit/thread-error.ts";
import type { StoreShare, TenantId } from "../../../store/store.ts";
import type { Page } from "../blocks/page.ts";
import type { BuiltBlock } from "./block-builder.ts";
import type { Chunk } from "./chunk.ts";

/** What a build thread needs to assemble one snapshot. */
export interface AssembleJob {
  readonly tenant: TenantId;
  readonly snapshot: Uint8Array;
  /** Whose lease it is built under. */
  readonly holder: string;
  readonly dataDirectory: string;
  /** Encoded DatasetSpec. */
  readonly spec: Uint8Array;
  /** What the selection checks, as people write it: compiled elsewhere, since CEL would take 25 MB of each build thread. */
  readonly conditions: readonly string[];
}

export type BuildRequest =
  | { readonly kind: "start"; readonly job: AssembleJob; readonly store: StoreShare }
  | { readonly kind: "chunk"; readonly chunk: Chunk }
  /** Let go of everything; answered by `stopped`. */
  | { readonly kind: "stop" };

export type BuildReply =
  /** What an earlier session had committed is restored: the scan begins at this id. */
  | { readonly kind: "restored"; readonly nextId: string; readonly sampleCount: number; readonly blockCount: number }
  /** Pages whose bytes are in the block that begins at sample `block`. */
  | { readonly kind: "pages"; readonly block: number; readonly pages: readonly Page[] }
  | { readonly kind: "block"; readonly block: BuiltBlock }
  /** A chunk, or a part of one, is done with; now and then the encoded Statistics so far. */
  | { readonly kind: "consumed"; readonly complete: boolean; readonly statistics: Uint8Array | undefined }
  | { readonly kind: "finished"; readonly digest: Uint8Array; readonly statistics: Uint8Array }
  | { readonly kind: "failed"; readonly error: ThreadError }
  | { readonly kind: "stopped" };
