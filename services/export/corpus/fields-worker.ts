import { ThreadCalls } from "../../kit/thread-calls.ts";
import type { FieldsReply } from "./fields-thread.ts";
import { checkFieldsSize, normaliseFields } from "./record-fields.ts";
import { RecordProblem } from "./record-problem.ts";

/** JSON of so many characters takes a few milliseconds. */
const smallCharacters = 512 * 1024;

/** Normalises the JSON of records; what would hold this thread up goes to another one. */
export class FieldsWorker implements AsyncDisposable {
  readonly #thread: ThreadCalls<string, FieldsReply> = new ThreadCalls(new URL("./fields-thread.ts", import.meta.url), {
    name: "fields",
    resourceLimits: { maxYoungGenerationSizeMb: 3 },
  });

  /** UTF-8 of what `normaliseFields` gives. Rejects with RecordProblem. */
  async normalise(fieldsJson: string): Promise<Uint8Array> {
    if (fieldsJson.length <= smallCharacters) return Buffer.from(normaliseFields(fieldsJson));
    checkFieldsSize(fieldsJson);
    const reply = await this.#thread.ask(fieldsJson);
    if ("problem" in reply) throw new RecordProblem(reply.problem);
    return reply.fields;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#thread[Symbol.asyncDispose]();
  }
}
