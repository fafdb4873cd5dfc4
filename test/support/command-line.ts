import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type CommandResult, runCommand, startCommand } from "./command.ts";
import type { LoraloopProcess } from "./loraloop-process.ts";

/** `loraloop …` beside a server, in its folder. */
export interface CommandLine {
  start(...args: string[]): ChildProcessWithoutNullStreams;
  /** Runs to a good end. Resolves to what it printed. */
  run(...args: string[]): Promise<string>;
  /** As `run`, with `--json`. */
  runJson<T = unknown>(...args: string[]): Promise<T>;
  /** Runs to any end. */
  fail(...args: string[]): Promise<CommandResult>;
  /** Path of a file in the folder. */
  place(file: string): string;
  /** Writes a file into the folder, and returns its name. */
  writeJson(file: string, value: unknown): string;
  writeLines(file: string, records: readonly object[]): string;
}

/** @param server is asked for when it has started */
export function commandLine(server: () => LoraloopProcess): CommandLine {
  const options = () => ({ env: server().environment, cwd: server().folder });
  const place = (file: string): string => join(server().folder, file);
  const write = (file: string, text: string): string => {
    writeFileSync(place(file), text);
    return file;
  };
  const fail = (...args: string[]): Promise<CommandResult> => runCommand(args, options());
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await fail(...args);
    expect({ args, code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  };
  return {
    start: (...args) => startCommand(args, options()),
    run,
    runJson: async <T>(...args: string[]) => JSON.parse(await run("--json", ...args)) as T,
    fail,
    place,
    writeJson: (file, value) => write(file, JSON.stringify(value)),
    writeLines: (file, records) => write(file, records.map((record) => `${JSON.stringify(record)}\n`).join("")),
  };
}
