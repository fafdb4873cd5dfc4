import type { Fault } from "./faults.ts";
import type { Inspected, InspectionRequest } from "./inspection.ts";

/** Bytes of a file, which follow one another. */
export interface Piece {
  readonly path: string;
  /** Length of the whole file. */
  readonly byteCount: number;
  readonly bytes: Uint8Array;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** What the thread of inspections is asked, one thing after the other. `inspection` numbers the inspections that are under way; a fault and `finish` end one. */
export type InspectionMessage = { readonly inspection: number } & InspectionStep;

export type InspectionStep =
  | { readonly kind: "begin"; readonly request: InspectionRequest }
  | { readonly kind: "piece"; readonly piece: Piece }
  | { readonly kind: "finish" }
  /** Ends it without an answer. */
  | { readonly kind: "forget" };

/** What it answers to each message, in their order. */
export type InspectionReply =
  | { readonly inspected?: Inspected | undefined }
  /** The first fault. */
  | { readonly fault: Fault }
  /** A fault of ours. */
  | { readonly failure: unknown };
