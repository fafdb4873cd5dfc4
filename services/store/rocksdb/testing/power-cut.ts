import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Crash, Place } from "../../conformance/harness.ts";
import { DiskModel } from "./disk-model.ts";
import { folderOf } from "./place.ts";
import { parseTrace } from "./trace.ts";

export const canTrace: boolean = spawnSync("strace", ["-V"]).status === 0;

const calls = "write,pwrite64,ftruncate,fsync,fdatasync,openat,rename,unlink,mkdir";
const started = new Map<Place, DiskModel>();

/**
 * Kills the process and then puts back what a disk would hold whose power went at that moment: every file as it was
 * at its last fsync, every name as its folder was at its last fsync. kill -9 alone finds no missing fsync.
 */
export const powerCut: Crash = {
  name: "a power cut",
  start(place, command, args) {
    const folder = folderOf(place);
    started.set(place, new DiskModel(readFiles(folder)));
    const options = ["-D", "-f", "-y", "-xx", "-s", "20000000", "-e", `trace=${calls}`, "-o", traceFile(folder)];
    return spawn("strace", [...options, command, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  },
  async strike(place, writer) {
    const folder = folderOf(place);
    writer.kill("SIGKILL");
    await once(writer, "close");
    const disk = started.get(place);
    for (const call of parseTrace(readFileSync(traceFile(folder), "latin1"))) disk?.apply(call);
    rmSync(traceFile(folder));
    restore(folder, disk?.afterPowerCut() ?? new Map());
  },
};

/** Beside the store, so that it is no part of it. */
function traceFile(folder: string): string {
  return `${folder}.trace`;
}

function readFiles(folder: string): Map<string, Buffer> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const paths = names.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
  return new Map(paths.map((path) => [path, readFileSync(path)]));
}

function restore(folder: string, files: ReadonlyMap<string, Buffer>): void {
  for (const path of readFiles(folder).keys()) if (!files.has(path)) rmSync(path);
  for (const [path, content] of files) if (path.startsWith(`${folder}/`)) writeFileSync(path, content);
}
