import type { Fault } from "./faults.ts";
import type { Inspected, InspectionRequest } from "./inspection.ts";

/** What the thread of inspections is asked, one thing after the other. `inspection` numbers the inspections that are under way. */
export type InspectionMessage = { readonly inspection: number } & (
  | { readonly kind: "begin"; readonly request: InspectionRequest }
  | { readonly kind: "file"; readonly path: string; readonly byteCount: number }
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "endFile" }
  | { readonly kind: "finish" }
  /** Ends it, whatever became of it. */
  | { readonly kind: "forget" }
);

/** What it answers to each message, in their order. */
export type InspectionReply =
  | { readonly inspected?: Inspected | undefined }
  /** The first fault. */
  | { readonly fault: Fault }
  /** A fault of ours. */
  | { readonly failure: unknown };
