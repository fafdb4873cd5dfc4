import { Worker } from "node:worker_threads";
import { storeClosed } from "../checks.ts";
import { StoreError } from "../store.ts";
import { type Answer, type CommitterData, type Job, type JobResult, type Request, revived } from "./messages.ts";

/** The store's side of the committer thread: hands it jobs in the order of the calls. */
export class Committer {
  readonly #thread: Worker;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, PromiseWithResolvers<JobResult>>();
  /** What was submitted in this turn of the event loop goes to the thread together: waking it costs more than many a commit. */
  #unsent: { readonly requests: Request[]; readonly transfers: ArrayBuffer[] } = { requests: [], transfers: [] };
  #nextId = 0;
  #closed = false;

  constructor(data: CommitterData) {
    this.#thread = new Worker(new URL("./committer-thread.ts", import.meta.url), {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: 3 },
    });
    this.#thread.on("message", (answers: Answer[]) => {
      for (const answer of answers) this.#receive(answer);
    });
    this.#thread.on("error", (error) => this.#abandon(error));
    this.#ended = new Promise((resolve) => this.#thread.once("exit", () => resolve()));
    this.#thread.unref();
  }

  /** Resolves once the job is on disk. */
  submit(job: Job, transfer: ArrayBuffer[] = []): Promise<JobResult> {
    if (this.#closed) return Promise.reject(storeClosed());
    const request: Request = { id: this.#nextId++, job };
    const waiting = Promise.withResolvers<JobResult>();
    this.#waiting.set(request.id, waiting);
    this.#thread.ref();
    if (this.#unsent.requests.length === 0) setImmediate(() => this.#send());
    this.#unsent.requests.push(request);
    this.#unsent.transfers.push(...transfer);
    return waiting.promise;
  }

  /** Waits for the jobs before it and for the end of the thread. */
  async close(): Promise<void> {
    if (!this.#closed) {
      const closing = this.submit({ kind: "close" });
      this.#closed = true;
      await closing.catch(() => {});
    }
    await this.#ended;
  }

  #send(): void {
    const { requests, transfers } = this.#unsent;
    this.#unsent = { requests: [], transfers: [] };
    this.#thread.postMessage(requests, transfers);
  }

  #receive(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0 && !this.#closed) this.#thread.unref();
    if ("error" in answer) waiting?.reject(revived(answer.error));
    else waiting?.resolve(answer.result);
  }

  #abandon(error: unknown): void {
    this.#closed = true;
    const lost = new StoreError("UNAVAILABLE", `The committer thread ended: ${String(error)}`, {}, error);
    for (const waiting of this.#waiting.values()) waiting.reject(lost);
    this.#waiting.clear();
  }
}
