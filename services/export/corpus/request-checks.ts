import { fieldInvalid, limitExceeded, nameForm } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { idProblem } from "./record-id.ts";

export function checkCollectionName(name: string): void {
  if (!nameForm.test(name)) throw fieldInvalid("collection", name, nameForm.source);
}

/** The id of a record that exists, or could. */
export function checkRecordId(field: string, id: string): void {
  const problem = idProblem(id);
  if (problem) throw fieldInvalid(field, id, problem.expected);
}

/** How many records or ids a request may hold at once. */
export function checkCount(field: string, count: number): void {
  if (count === 0) throw fieldInvalid(field, "0 entries", `1 to ${limits.chunk_records} entries`);
  if (count > limits.chunk_records) throw limitExceeded("chunk_records", count, `The number of ${field}`);
}
