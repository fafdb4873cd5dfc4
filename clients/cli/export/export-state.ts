import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { StreamState } from "../../typescript/src/index.ts";
import { anyObject, parseStrict } from "../strict-json.ts";
import { aboutSource, fileOptions, shardEntry, splitEntry, writeWhole } from "./export-index.ts";
import { savedStruct } from "./saved-type.ts";

/** Name of the state in an unfinished folder. */
export const stateFile = "loraloop-export.state.json";

const count = z.int().nonnegative();

/** A split, as far as it is written. */
const splitState = z.strictObject({
  name: z.string(),
  snapshot: z.string(),
  /** Of the stream; what has come of it is counted in the shards. Absent before the first samples. */
  stream: z.custom<StreamState>((value) => anyObject.safeParse(value).success).optional(),
  /** Finished ones; their names do not say yet how many there will be. */
  shards: z.array(shardEntry),
  /** What is right in the file of the next shard. */
  part: z.strictObject({ samples: count, bytes: count, line_bytes: count }).optional(),
  /** Once the stream came to its end. */
  end: splitEntry.pick({ digest: true, statistics: true }).optional(),
});
export type SplitState = z.output<typeof splitState>;

const exportState = z.strictObject({
  version: z.literal(1),
  /** What was asked for, as JSON. */
  source: z.string(),
  files: fileOptions,
  about: aboutSource,
  /** Of all samples so far. */
  type: savedStruct,
  splits: z.array(splitState),
});
export type ExportState = z.output<typeof exportState>;

export function readState(folder: string): ExportState | undefined {
  const path = join(folder, stateFile);
  return existsSync(path) ? parseStrict(exportState, readFileSync(path, "utf8"), path) : undefined;
}

export function writeState(folder: string, state: ExportState): void {
  writeWhole(join(folder, stateFile), `${JSON.stringify(state)}\n`);
}

export function removeState(folder: string): void {
  rmSync(join(folder, stateFile), { force: true });
}
