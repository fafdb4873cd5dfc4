import { type Transferable, Worker, type WorkerOptions } from "node:worker_threads";

/** Asks a thread, which answers in the order of the questions. It starts with the first one, and keeps no process alive while nothing is asked. */
export class ThreadCalls<Question, Answer> implements AsyncDisposable {
  readonly #file: URL;
  readonly #options: WorkerOptions;
  #thread: Worker | undefined;
  readonly #waiting: PromiseWithResolvers<Answer>[] = [];

  /** @param file posts one answer to each message */
  constructor(file: URL, options: WorkerOptions) {
    this.#file = file;
    this.#options = options;
  }

  /** Rejects where the thread ends by an error, e.g. for want of memory; the next question starts another. @param transfers memory of the question that moves with it */
  ask(question: Question, transfers: readonly Transferable[] = []): Promise<Answer> {
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.push(waiting);
    this.#thread ??= this.#start();
    this.#thread.ref();
    this.#thread.postMessage(question, transfers);
    return waiting.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread?.terminate();
  }

  #start(): Worker {
    const thread = new Worker(this.#file, this.#options);
    thread.on("message", (answer: Answer) => this.#settle(answer));
    thread.on("error", (error) => this.#abandon(error));
    return thread;
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#thread?.unref();
    waiting?.resolve(answer);
  }

  #abandon(error: unknown): void {
    this.#thread = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
