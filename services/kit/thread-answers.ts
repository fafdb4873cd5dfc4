import { parentPort, type Transferable } from "node:worker_threads";
import { type ThreadError, toThreadError } from "./thread-error.ts";

/** What a thread says to one question. */
export type Reply<Answer> = { readonly answer: Answer } | { readonly error: ThreadError };

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
    return { error: toThreadError(error) };
  }
}
