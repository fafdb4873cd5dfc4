import type { RenderVersionsResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { type DocumentToRead, type ImportedEntry, readDocument } from "./read-document.ts";
import { renderVersions, type VersionsToRender } from "./render-versions.ts";

export type DocumentTask =
  | { readonly kind: "read"; readonly document: DocumentToRead }
  | { readonly kind: "render"; readonly request: VersionsToRender };

export type DocumentResult = readonly ImportedEntry[] | RenderVersionsResponse;

/** Throws as `readDocument` and `renderVersions` do. */
export function perform(task: DocumentTask): DocumentResult {
  return task.kind === "read" ? readDocument(task.document) : renderVersions(task.request);
}
