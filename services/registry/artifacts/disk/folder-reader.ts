import { ThreadCalls } from "../../../kit/thread-calls.ts";
import type { FoundFile, PieceOfFile, ReadPiece } from "./read-folder.ts";

/** What its thread is asked. */
export type FolderQuestion = { readonly find: string } | { readonly list: string } | { readonly piece: PieceOfFile };

export type FolderAnswer = string | undefined | FoundFile[] | ReadPiece;

/**
 * Reads folders in a thread of its own, which may wait for the disk: opening a file, looking at what it is, reading and closing it is one question there,
 * and would be as many asynchronous calls here.
 */
export class FolderReader implements AsyncDisposable {
  readonly #thread: ThreadCalls<FolderQuestion, FolderAnswer> = new ThreadCalls(
    new URL("./folder-thread.ts", import.meta.url),
    { name: "folders", resourceLimits: { maxYoungGenerationSizeMb: 3 } },
  );

  /** As `findFolder`. */
  async find(path: string): Promise<string | undefined> {
    return (await this.#thread.ask({ find: path })) as string | undefined;
  }

  /** As `listFolder`. */
  async list(folder: string): Promise<readonly FoundFile[]> {
    return (await this.#thread.ask({ list: folder })) as FoundFile[];
  }

  /** As `readPiece`. */
  async piece(piece: PieceOfFile): Promise<ReadPiece> {
    return (await this.#thread.ask({ piece })) as ReadPiece;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#thread[Symbol.asyncDispose]();
  }
}
