import type { RenderVersionsResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ThreadCalls } from "../../kit/thread-calls.ts";
import { type DocumentResult, type DocumentTask, perform } from "./document-task.ts";
import type { DocumentToRead, ImportedEntry } from "./read-document.ts";
import type { VersionsToRender } from "./render-versions.ts";

/** So much takes a few milliseconds. */
const smallBytes = 16 * 1024;

/** Reads and writes documents of others; what would hold this thread up goes to another one. */
export class Documents implements AsyncDisposable {
  readonly #thread: ThreadCalls<DocumentTask, DocumentResult> = new ThreadCalls(
    new URL("./document-thread.ts", import.meta.url),
    { name: "documents", resourceLimits: { maxOldGenerationSizeMb: 512 } },
  );

  /** As `readDocument`. */
  read(document: DocumentToRead): Promise<readonly ImportedEntry[]> {
    return this.#perform({ kind: "read", document }, Buffer.byteLength(document.content));
  }

  /** As `renderVersions`. @param bytes encoded, of the versions together */
  render(request: VersionsToRender, bytes: number): Promise<RenderVersionsResponse> {
    return this.#perform({ kind: "render", request }, bytes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#thread[Symbol.asyncDispose]();
  }

  async #perform<Result>(task: DocumentTask, bytes: number): Promise<Result> {
    if (bytes <= smallBytes) return perform(task) as Result;
    return (await this.#thread.ask(task)) as Result;
  }
}
