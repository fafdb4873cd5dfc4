import { CommanderError } from "commander";
import { fileProblem } from "../../services/kit/file-problem.ts";
import { ConnectionError, FileError, RpcError } from "../typescript/src/index.ts";
import { toOneLine, toPlainJson, toPlainLines, withoutSecrets } from "./plain-text.ts";

/** What the user gave cannot be used: a file, a value. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** Exit codes: 0 done, 1 refused or failed, 2 wrong usage or input, 3 no connection, 130 interrupted. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof InputError || error instanceof FileError || isMissingFile(error)) return 2;
  if (error instanceof ConnectionError || (error instanceof RpcError && error.code === "UNAVAILABLE")) return 3;
  if ((error as Error).name === "AbortError") return 130;
  return 1;
}

/** One line or a few for a person: what moves a cursor is left out, and so are secrets. */
export function explain(error: unknown): string {
  return withoutSecrets(toPlainLines(problemOf(error)));
}

function problemOf(error: unknown): string {
  if (error instanceof RpcError) {
    const message = toOneLine(error.message).replace(/\b(?:Verify|Restore)(?:Version|Adapter)\b/g, commandOf);
    return `${message} [${error.reason || error.code}]`;
  }
  if ((error as Error).name === "AbortError") return "interrupted";
  if (error instanceof CommanderError) return usageProblem(error);
  return fileProblem(error) ?? (error as Error).message;
}

/** Its messages name calls, as programs make them. */
function commandOf(call: string): string {
  return call.startsWith("Verify") ? "`adapter verify`" : "`adapter restore`";
}

function usageProblem({ code, message }: CommanderError): string {
  return code === "commander.help" ? "A command is missing; --help lists them." : message.replace(/^error: /, "");
}

/** Says on standard error why the program ends, as JSON for programs, and sets the exit code. */
export function reportFailure(error: unknown, json: boolean): void {
  process.exitCode = exitCodeOf(error);
  const text = json ? toPlainJson(withoutSecrets(JSON.stringify(failureOf(error)))) : `loraloop: ${explain(error)}`;
  process.stderr.write(`${text}\n`);
}

/** `code`, `reason` and `metadata` are the server's, where it was the server that refused. */
function failureOf(error: unknown): object {
  const exit = { exit_code: exitCodeOf(error) };
  if (!(error instanceof RpcError)) return { error: { message: explain(error), ...exit } };
  const { message, code, reason, metadata } = error;
  return { error: { message, code, reason, metadata, ...exit } };
}

function isMissingFile(error: unknown): boolean {
  return ["ENOENT", "EACCES", "EISDIR", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
}
