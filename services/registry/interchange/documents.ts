import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { RenderVersionsResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ServiceError } from "../../kit/errors.ts";
import { ThreadCalls } from "../../kit/thread-calls.ts";
import { type DocumentReply, type DocumentTask, perform } from "./document-task.ts";
import type { DocumentToRead, ImportedEntry } from "./read-document.ts";
import type { VersionsToRender } from "./render-versions.ts";

/** Documents of so many characters take a few milliseconds. */
const smallCharacters = 16 * 1024;

/** Reads and writes documents of others; what would hold this thread up goes to another one. */
export class Documents implements AsyncDisposable {
  readonly #thread: ThreadCalls<DocumentTask, DocumentReply> = new ThreadCalls(
    new URL("./document-thread.ts", import.meta.url),
    { name: "documents", resourceLimits: { maxOldGenerationSizeMb: 512 } },
  );

  /** As `readDocument`. */
  read(document: DocumentToRead): Promise<readonly ImportedEntry[]> {
    return this.#perform({ kind: "read", document }, document.content.length);
  }

  /** As `renderVersions`. */
  render(request: VersionsToRender): Promise<RenderVersionsResponse> {
    const characters = request.versions.reduce((sum, version) => sum + charactersOf(version), 0);
    return this.#perform({ kind: "render", request }, characters);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#thread[Symbol.asyncDispose]();
  }

  async #perform<Result>(task: DocumentTask, characters: number): Promise<Result> {
    if (characters <= smallCharacters) return perform(task) as Result;
    const reply = await this.#thread.ask(task);
    if ("reason" in reply) throw new ServiceError(reply.reason, reply.message, reply.metadata);
    return reply.result as Result;
  }
}

function charactersOf({ declared, provenance }: AdapterVersion): number {
  return (declared?.document.length ?? 0) + (provenance?.training?.configurationJson.length ?? 0);
}
