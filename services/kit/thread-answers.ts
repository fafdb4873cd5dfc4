import { parentPort, type Transferable } from "node:worker_threads";
import { type Reason, ServiceError } from "./errors.ts";

/** What a thread says to one question. Errors lose their class between threads. */
export type Reply<Answer> =
  | { readonly answer: Answer }
  /** A ServiceError. */
  | { readonly fault: Fault }
  /** Another error. */
  | { readonly failure: unknown };

interface Fault {
  readonly reason: Reason;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly cause: unknown;
}

/** In a thread: answers what `ThreadCalls` asks. @param transfersOf memory of an answer that moves with it */
export function answerCalls<Question, Answer>(
  answer: (question: Question) => Answer,
  transfersOf: (answer: Answer) => readonly Transferable[] = () => [],
): void {
  parentPort?.on("message", (questions: readonly Question[]) => {
    const replies = questions.map((question) => replyTo(() => answer(question)));
    const transfers = replies.flatMap((reply) => ("answer" in reply ? transfersOf(reply.answer) : []));
    parentPort?.postMessage(replies, transfers);
  });
}

function replyTo<Answer>(answer: () => Answer): Reply<Answer> {
  try {
    return { answer: answer() };
  } catch (error) {
    if (!(error instanceof ServiceError)) return { failure: error };
    const { reason, message, metadata, cause } = error;
    return { fault: { reason, message, metadata, cause } };
  }
}
