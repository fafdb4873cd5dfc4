import { answerCalls } from "../../kit/thread-answers.ts";
import { normaliseFields } from "./record-fields.ts";
import { RecordProblem } from "./record-problem.ts";

export type FieldsReply = { readonly fields: Uint8Array<ArrayBuffer> } | { readonly problem: string };

const text = new TextEncoder();

function normalise(fieldsJson: string): FieldsReply {
  try {
    return { fields: text.encode(normaliseFields(fieldsJson)) };
  } catch (error) {
    if (error instanceof RecordProblem) return { problem: error.message };
    throw error;
  }
}

answerCalls(normalise, (reply) => ("fields" in reply ? [reply.fields.buffer] : []));
