import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceError } from "./errors.ts";
import { ThreadCalls } from "./thread-calls.ts";

type Asked =
  | { readonly number: number }
  | { readonly fault: string }
  | { readonly failure: string }
  | { readonly exit: true }
  | { readonly quit: true };

const program = `
  import { answerCalls } from ${JSON.stringify(new URL("thread-answers.ts", import.meta.url).href)};
  import { ServiceError } from ${JSON.stringify(new URL("errors.ts", import.meta.url).href)};
  let messages = 0;
  (await import("node:worker_threads")).parentPort.on("message", () => { messages += 1; });
  answerCalls((asked) => {
    if ("fault" in asked) throw new ServiceError("FIELD_INVALID", asked.fault, { field: "one" }, { cause: new Error("why") });
    if ("failure" in asked) throw new TypeError(asked.failure);
    if ("quit" in asked) process.exit();
    if ("exit" in asked) setImmediate(() => { throw new Error("the end"); });
    return [asked.number, messages];
  });`;

let calls: ThreadCalls<Asked, [number, number]>;
beforeEach(() => {
  calls = new ThreadCalls(new URL(`data:text/javascript,${encodeURIComponent(program)}`), {});
});
afterEach(() => calls[Symbol.asyncDispose]());

test("answers come in the order of the questions, which go eight at a time", async () => {
  const numbers = Array.from({ length: 100 }, (_, number) => number);
  const answers = await Promise.all(numbers.map((number) => calls.ask({ number })));
  expect(answers).toEqual(numbers.map((number) => [number, Math.floor(number / 8) + 1]));
});

test("what is asked in one turn goes as one message, as does what is asked while the thread works", async () => {
  const first = [1, 2].map((number) => calls.ask({ number }));
  await nextTurn();
  const second = [calls.ask({ number: 3 })];
  await nextTurn();
  second.push(calls.ask({ number: 4 }));
  expect(await Promise.all(first)).toEqual([
    [1, 1],
    [2, 1],
  ]);
  expect(await Promise.all(second)).toEqual([
    [3, 2],
    [4, 2],
  ]);
});

test("an error is that of its question alone", async () => {
  const [one, fault, failure, two] = await Promise.allSettled([
    calls.ask({ number: 1 }),
    calls.ask({ fault: "wrong" }),
    calls.ask({ failure: "broken" }),
    calls.ask({ number: 2 }),
  ]);
  expect([one, two]).toMatchObject([{ value: [1, 1] }, { value: [2, 1] }]);
  expect(fault).toMatchObject({
    reason: expect.objectContaining({
      reason: "FIELD_INVALID",
      message: "wrong",
      metadata: { field: "one" },
      cause: new Error("why"),
    }),
  });
  expect((fault as PromiseRejectedResult).reason).toBeInstanceOf(ServiceError);
  expect(failure).toMatchObject({ reason: new TypeError("broken") });
});

test("after a thread ended by an error the next question starts another", async () => {
  await expect(calls.ask({ number: 1 })).resolves.toEqual([1, 1]);
  await Promise.allSettled([calls.ask({ exit: true }), calls.ask({ number: 2 })]);
  await expect.poll(() => calls.ask({ number: 3 }).catch(String)).toEqual([3, 1]);
});

test("a question that cannot be copied is refused, and the next one is answered", async () => {
  const number = (() => 1) as unknown as number;
  await expect(calls.ask({ number })).rejects.toThrow("could not be cloned");
  await expect(calls.ask({ number: 2 })).resolves.toEqual([2, 1]);
});

test("what a thread that ends without a word leaves open is refused, and the next question starts another", async () => {
  await expect(calls.ask({ quit: true })).rejects.toThrow("ended before it had answered");
  await expect(calls.ask({ number: 2 })).resolves.toEqual([2, 1]);
});
