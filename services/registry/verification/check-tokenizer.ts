import type { BaseModel } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { fileForbidden } from "../artifacts/artifact-errors.ts";
import type { ListedFile } from "../artifacts/artifact-store.ts";
import type { Fault, Faults } from "./faults.ts";
import { decodeUtf8, JsonProblem } from "./strict-json.ts";
import { vocabularyDigest } from "./vocabulary.ts";

/** What transformers loads of an adapter's folder as its tokenizer. */
const tokenizerPath = "tokenizer.json";
const remedy = "Remove the tokenizer's files, or save the tokenizer again";

/** Whether a file is a tokenizer to be compared with that of the base model, of which the vocabulary is known. */
export function isTokenizer(path: string, { vocabularyDigest: known }: Pick<BaseModel, "vocabularyDigest">): boolean {
  return path === tokenizerPath && known !== "";
}

/** Bytes of the tokenizer that inspecting keeps. */
export function tokenizerBytes(listed: readonly ListedFile[], base: Pick<BaseModel, "vocabularyDigest">): number {
  const file = listed.find(({ path }) => isTokenizer(path, base));
  return file === undefined || file.byteCount > limits.tokenizer_bytes ? 0 : Number(file.byteCount);
}

/** Reports a file that is too large to be read: LIMIT_EXCEEDED. */
export function checkTokenizerSize(byteCount: number, faults: Faults): void {
  if (byteCount <= limits.tokenizer_bytes) return;
  report(limitExceeded("tokenizer_bytes", byteCount, `The length of ${tokenizerPath}`), faults);
}

/** Compares the vocabulary: TOKENIZER_MISMATCH, or ADAPTER_FILE_FORBIDDEN where the file has none. */
export function checkTokenizer(base: BaseModel, bytes: Uint8Array, faults: Faults): void {
  try {
    checkVocabulary(base, digestOf(bytes), faults);
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    report(fileForbidden(tokenizerPath, `is no tokenizer: it ${error.message}`, remedy), faults);
  }
}

function checkVocabulary(
  { name, revision, vocabularyDigest: expected }: BaseModel,
  actual: string,
  faults: Faults,
): void {
  if (actual === expected) return;
  const message = `${tokenizerPath} has another vocabulary than ${name} (${revision}): its digest is ${actual}, not ${expected}. Remove the tokenizer's files, or name the base model that they belong to, registered with this tokenizer under a revision of its own.`;
  faults.add("TOKENIZER_MISMATCH", message, { expected, actual, path: tokenizerPath });
}

function digestOf(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new JsonProblem("is not UTF-8");
  return vocabularyDigest(text);
}

function report({ reason, message, metadata }: Fault, faults: Faults): void {
  faults.add(reason, message, metadata);
}
