import type { BaseModel } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { InspectionRequest } from "./inspection.ts";

/** A base model on its way into the thread, its layers as they are stored: bytes go there in a fraction of the time that so many objects take. */
export interface PackedBase {
  /** Without layers. */
  readonly baseModel: BaseModel;
  /** A `StoredLayers`. */
  readonly layers: Uint8Array;
}

export type PackedRequest = Omit<InspectionRequest, "base"> & { readonly base: PackedBase };

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
  | { readonly kind: "begin"; readonly request: PackedRequest }
  | { readonly kind: "piece"; readonly piece: Piece }
  | { readonly kind: "finish" }
  /** Ends it without an answer. */
  | { readonly kind: "forget" };
