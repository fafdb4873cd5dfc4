import type { InspectionRequest } from "./inspection.ts";

/** Bytes of a file, which follow one another. */
export interface Piece {
  readonly path: string;
  /** Length of the whole file. */
  readonly byteCount: number;
  readonly bytes: Uint8Array;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** What the thread of inspections is asked: steps of one inspection, one after the other. `inspection` numbers those that are under way; a fault and `finish` end one. */
export interface InspectionMessage {
  readonly inspection: number;
  readonly steps: readonly InspectionStep[];
}

export type InspectionStep =
  | { readonly kind: "begin"; readonly request: InspectionRequest }
  | { readonly kind: "piece"; readonly piece: Piece }
  | { readonly kind: "finish" }
  /** Ends it without an answer. */
  | { readonly kind: "forget" };
