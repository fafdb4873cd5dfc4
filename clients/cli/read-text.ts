import { readFile } from "node:fs/promises";
import { fileProblem } from "../../services/kit/file-problem.ts";
import { InputError } from "./failure.ts";

/** A text file that the user named. Rejects with InputError, which names it. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new InputError(fileProblem(error, file) ?? (error as Error).message);
  }
}
