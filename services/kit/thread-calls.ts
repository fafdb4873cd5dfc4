import { type Transferable, Worker, type WorkerOptions } from "node:worker_threads";
import type { Reply } from "./thread-answers.ts";
import { fromThreadError, toThreadError } from "./thread-error.ts";

const MOST_TOGETHER = 8;

interface Asked<Question, Answer> extends PromiseWithResolvers<Answer> {
  readonly question: Question;
  readonly transfers: readonly Transferable[];
}

/**
 * Asks a thread, which answers in the order of the questions. It starts with the first one, and keeps no process alive while nothing is asked. What is asked in one
 * turn of the event loop, or while the thread works, goes to it together, up to eight questions: waking a thread costs more than many a question, but with too many
 * of them the thread and who asks would wait for each other in turn.
 */
export class ThreadCalls<Question, Answer> implements AsyncDisposable {
  readonly #file: URL;
  readonly #options: WorkerOptions;
  #thread: Worker | undefined;
  #waiting: Asked<Question, Answer>[] = [];
  /** What the thread works on. */
  #sent: readonly Asked<Question, Answer>[] = [];

  /** @param file calls `answerCalls` */
  constructor(file: URL, options: WorkerOptions) {
    this.#file = file;
    this.#options = options;
  }

  /**
   * Rejects with the error that the thread answers with, or that it ends by, e.g. for want of memory; the next question starts another.
   * @param transfers memory of the question that moves with it
   */
  ask(question: Question, transfers: readonly Transferable[] = []): Promise<Answer> {
    const asked = { question, transfers, ...Promise.withResolvers<Answer>() };
    // It starts up until the message comes.
    this.#thread ??= this.#start();
    this.#thread.ref();
    this.#waiting.push(asked);
    if (this.#waiting.length === 1) setImmediate(() => this.#send());
    else if (this.#waiting.length === MOST_TOGETHER) this.#send();
    return asked.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#waiting = [];
    this.#thread?.removeAllListeners("exit");
    await this.#thread?.terminate();
  }

  #send(): void {
    if (this.#sent.length > 0 || this.#waiting.length === 0) return;
    this.#sent = this.#waiting.splice(0, MOST_TOGETHER);
    try {
      this.#thread?.postMessage(
        this.#sent.map(({ question }) => question),
        this.#sent.flatMap(({ transfers }) => transfers),
      );
    } catch (error) {
      // One of them cannot be copied.
      this.#settle(this.#sent.map(() => ({ error: toThreadError(error) })));
    }
  }

  #start(): Worker {
    const thread = new Worker(this.#file, this.#options);
    thread.on("message", (replies: Reply<Answer>[]) => this.#settle(replies));
    thread.on("error", (error) => this.#abandon(error));
    thread.on("exit", () => {
      if (this.#thread === thread) this.#abandon(new Error("The thread ended before it had answered."));
    });
    return thread;
  }

  #settle(replies: readonly Reply<Answer>[]): void {
    const answered = this.#sent;
    this.#sent = [];
    if (this.#waiting.length > 0) this.#send();
    else this.#thread?.unref();
    for (const [place, reply] of replies.entries()) {
      if ("answer" in reply) answered[place]?.resolve(reply.answer);
      else answered[place]?.reject(fromThreadError(reply.error));
    }
  }

  #abandon(error: unknown): void {
    this.#thread = undefined;
    const abandoned = [...this.#sent, ...this.#waiting];
    [this.#sent, this.#waiting] = [[], []];
    for (const { reject } of abandoned) reject(error);
  }
}
