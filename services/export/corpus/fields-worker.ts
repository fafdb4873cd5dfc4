import { Worker } from "node:worker_threads";
import type { FieldsReply } from "./fields-thread.ts";
import { checkFieldsSize, normaliseFields } from "./record-fields.ts";
import { RecordProblem } from "./record-problem.ts";

/** JSON of so many characters takes a few milliseconds. */
const smallCharacters = 512 * 1024;

/** Normalises the JSON of records; what would hold this thread up goes to another one, which starts when it is needed. */
export class FieldsWorker implements AsyncDisposable {
  #thread: Worker | undefined;
  readonly #waiting: PromiseWithResolvers<Uint8Array>[] = [];

  /** UTF-8 of what `normaliseFields` gives. Rejects with RecordProblem. */
  async normalise(fieldsJson: string): Promise<Uint8Array> {
    if (fieldsJson.length <= smallCharacters) return Buffer.from(normaliseFields(fieldsJson));
    checkFieldsSize(fieldsJson);
    const waiting = Promise.withResolvers<Uint8Array>();
    this.#waiting.push(waiting);
    this.#thread ??= this.#start();
    this.#thread.ref();
    this.#thread.postMessage(fieldsJson);
    return waiting.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread?.terminate();
  }

  #start(): Worker {
    const thread = new Worker(new URL("./fields-thread.ts", import.meta.url), {
      name: "fields",
      resourceLimits: { maxYoungGenerationSizeMb: 3 },
    });
    thread.on("message", (reply: FieldsReply) => this.#settle(reply));
    thread.on("error", (error) => this.#abandon(error));
    return thread;
  }

  /** Replies come in the order of the questions. */
  #settle(reply: FieldsReply): void {
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#thread?.unref();
    if ("fields" in reply) waiting?.resolve(reply.fields);
    else waiting?.reject(new RecordProblem(reply.problem));
  }

  /** The next question starts another thread. */
  #abandon(error: unknown): void {
    this.#thread = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
