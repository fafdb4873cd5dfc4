import type { RenderVersionsResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { type Reason, ServiceError } from "../../kit/errors.ts";
import { type DocumentToRead, type ImportedEntry, readDocument } from "./read-document.ts";
import { renderVersions, type VersionsToRender } from "./render-versions.ts";

export type DocumentTask =
  | { readonly kind: "read"; readonly document: DocumentToRead }
  | { readonly kind: "render"; readonly request: VersionsToRender };

export type DocumentResult = readonly ImportedEntry[] | RenderVersionsResponse;

/** What goes from thread to thread: an error as its parts. */
export type DocumentReply =
  | { readonly result: DocumentResult }
  | { readonly reason: Reason; readonly message: string; readonly metadata: Readonly<Record<string, string>> };

/** Throws as `readDocument` and `renderVersions` do. */
export function perform(task: DocumentTask): DocumentResult {
  return task.kind === "read" ? readDocument(task.document) : renderVersions(task.request);
}

export function replyTo(task: DocumentTask): DocumentReply {
  try {
    return { result: perform(task) };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { reason, message, metadata } = error;
    return { reason, message, metadata };
  }
}
