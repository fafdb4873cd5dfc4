import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/command.ts";

const folder = process.env["LORALOOP_DATA"] ?? join(root, "../shared/data");

/** JSONL files of real input beside the repository; undefined, after saying so, where there are none. */
export function realFiles(name: string): readonly string[] | undefined {
  const place = join(folder, name);
  if (!existsSync(place)) {
    process.stderr.write(`Skipped: no real input in ${place} (LORALOOP_DATA says where it lies).\n`);
    return undefined;
  }
  const files = readdirSync(place).filter((file) => file.endsWith(".jsonl"));
  return files.map((file) => join(place, file));
}

export type Fields = { readonly id: string } & Readonly<Record<string, unknown>>;

export function readRecords(files: readonly string[]): Fields[] {
  const lines = files.flatMap((file) => readFileSync(file, "utf8").split("\n"));
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Fields);
}
