import { Worker } from "node:worker_threads";
import { ServiceError } from "../../kit/errors.ts";
import type { Inspected, InspectionRequest } from "./inspection.ts";
import type { InspectionMessage, InspectionReply } from "./inspection-messages.ts";

type Question<T = InspectionMessage> = T extends { inspection: number } ? Omit<T, "inspection"> : never;

/**
 * Inspects adapters in a thread of its own, which starts when it is needed; inspections that run at once take turns by pieces of files.
 * What an inspection asks is answered in order.
 */
export class Inspections implements AsyncDisposable {
  #thread: Worker | undefined;
  #last = 0;
  readonly #waiting: PromiseWithResolvers<Inspected | undefined>[] = [];

  /** Begins an inspection; dispose it in the end. Rejects, as all of its methods do, with the ServiceError of the first fault where the request asks for that. */
  async begin(request: InspectionRequest): Promise<RemoteInspection> {
    const inspection = ++this.#last;
    await this.#ask({ inspection, kind: "begin", request });
    return new RemoteInspection((question, transfer) => this.#ask({ ...question, inspection }, transfer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread?.terminate();
  }

  #ask(message: InspectionMessage, transfer: ArrayBuffer[] = []): Promise<Inspected | undefined> {
    const waiting = Promise.withResolvers<Inspected | undefined>();
    this.#waiting.push(waiting);
    this.#thread ??= this.#start();
    this.#thread.ref();
    this.#thread.postMessage(message, transfer);
    return waiting.promise;
  }

  #start(): Worker {
    const thread = new Worker(new URL("./inspection-thread.ts", import.meta.url), {
      name: "inspections",
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    thread.on("message", (reply: InspectionReply) => this.#settle(reply));
    thread.on("error", (error) => this.#abandon(error));
    return thread;
  }

  #settle(reply: InspectionReply): void {
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#thread?.unref();
    if ("fault" in reply) {
      const { reason, message, metadata } = reply.fault;
      waiting?.reject(new ServiceError(reason, message, metadata));
    } else if ("failure" in reply) waiting?.reject(reply.failure);
    else waiting?.resolve(reply.inspected);
  }

  /** The next inspection starts another thread. */
  #abandon(error: unknown): void {
    this.#thread = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** An inspection in the thread; see `Inspection`. */
export class RemoteInspection implements AsyncDisposable {
  readonly #ask: (question: Question, transfer?: ArrayBuffer[]) => Promise<Inspected | undefined>;
  /** The piece that the thread works on. */
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(ask: (question: Question, transfer?: ArrayBuffer[]) => Promise<Inspected | undefined>) {
    this.#ask = ask;
  }

  async beginFile(path: string, byteCount: number): Promise<void> {
    await this.#ask({ kind: "file", path, byteCount });
  }

  /** Resolves once the piece before this one was worked on, so that reading goes on meanwhile. The bytes are copied. */
  async data(piece: Uint8Array): Promise<void> {
    const before = this.#underWay;
    const bytes = new Uint8Array(piece);
    const asked = this.#ask({ kind: "data", bytes }, [bytes.buffer]);
    // Heard below or by the next call; a rejection between the two is not lost.
    asked.catch(() => undefined);
    this.#underWay = asked;
    await before;
  }

  async endFile(): Promise<void> {
    await this.#underWay;
    await this.#ask({ kind: "endFile" });
  }

  async finish(): Promise<Inspected> {
    const inspected = await this.#ask({ kind: "finish" });
    if (inspected === undefined) throw new Error("The thread of inspections was replaced meanwhile.");
    return inspected;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ask({ kind: "forget" });
  }
}
