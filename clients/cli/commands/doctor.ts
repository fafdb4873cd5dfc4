import { closeSync, constants, existsSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { access, readFile, statfs } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join, resolve } from "node:path";
import { Command } from "commander";
import colors from "picocolors";
import { ConnectionError, findServer, localServerFile } from "../../typescript/src/index.ts";
import { InputError } from "../failure.ts";
import { bytes, print, printJson } from "../output.ts";
import { programOptions, withClient } from "../session.ts";

interface Options {
  readonly data: string;
  readonly acceptLoss?: true;
}

interface Finding {
  readonly check: string;
  /** `null` where there was nothing to check. */
  readonly ok: boolean | null;
  readonly found: string;
}

/** Is this machine fit, and is the server well? */
export function doctor(): Command {
  return new Command("doctor")
    .description("check versions, ports, disk and fsync, and the server")
    .option("--data <folder>", "the server's folder", "./.loraloop")
    .option(
      "--accept-loss",
      "let a store open that holds less than it acknowledged, e.g. after a failed disk; stop the server first",
    )
    .action(run);
}

async function run(options: Options, command: Command): Promise<void> {
  const data = resolve(options.data);
  if (options.acceptLoss) return acceptLoss(data, programOptions(command).json === true);
  const folder = existsSync(data) ? data : dirname(data);
  const findings = [
    version(),
    platform(),
    await disk(folder),
    syncTime(folder),
    await port(command),
    await server(command),
  ];
  if (programOptions(command).json) printJson(findings);
  else for (const { check, ok, found } of findings) print(`${mark(ok)}  ${check.padEnd(10)} ${found}`);
  if (findings.some(({ ok }) => ok === false)) process.exitCode = 1;
}

function mark(ok: boolean | null): string {
  if (ok === null) return colors.dim("-- ");
  return ok ? colors.green("ok ") : colors.red("bad");
}

async function acceptLoss(folder: string, json: boolean): Promise<void> {
  const store = join(folder, "store");
  await access(store, constants.W_OK).catch(() => {
    throw new InputError(`There is no store in ${store}. Name the server's folder by --data.`);
  });
  const { acceptLoss: accept } = await import("../../../services/store/rocksdb/accept-loss.ts");
  const { acknowledged, stored } = await accept(store);
  if (json) return printJson({ store, acknowledged, stored });
  print(`The store in ${store} holds ${stored} writes; ${acknowledged ?? "an unknown number"} were acknowledged.`);
  print("It opens again with what it holds, as a new incarnation: resume points from before are refused.");
}

function version(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  return {
    check: "Node",
    ok: major >= 24,
    found: `${process.versions.node}${major >= 24 ? "" : "; 24 is needed: run through npm or npx"}`,
  };
}

function platform(): Finding {
  const here = `${process.platform}-${process.arch}`;
  const ok = ["linux-x64", "darwin-arm64"].includes(here);
  return { check: "platform", ok, found: ok ? here : `${here}: no embedded store, use PostgreSQL` };
}

async function disk(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  return { check: "disk", ok: free > 1e9, found: `${bytes(free)} free in ${folder}` };
}

/** Median of 20 synced writes. */
function syncTime(folder: string): Finding {
  const path = join(folder, ".doctor");
  const file = openSync(path, "w");
  const times: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    const began = performance.now();
    writeSync(file, Buffer.alloc(4096), 0, 4096, 0);
    fdatasyncSync(file);
    times.push(performance.now() - began);
  }
  closeSync(file);
  rmSync(path);
  const median = times.toSorted((a, b) => a - b)[10] ?? 0;
  return {
    check: "fsync",
    ok: median < 50,
    found: `${median.toFixed(2)} ms${median < 0.02 ? "; suspiciously fast: does this disk really sync?" : ""}`,
  };
}

async function port(command: Command): Promise<Finding> {
  const { address } = findServer({ token: "any", ...addressOption(command) });
  const [host = "127.0.0.1", number = "50051"] = address.split(/:(?=\d+$)/);
  const open = await new Promise<boolean>((done) => {
    const socket = connect(Number(number), host, () => done(true)).on("error", () => done(false));
    socket
      .setTimeout(2000, () => done(false))
      .on("close", () => socket.destroy())
      .unref();
  });
  if (open) return { check: "port", ok: true, found: `something answers at ${address}` };
  return isServerExpected(command)
    ? { check: "port", ok: false, found: `nothing answers at ${address}` }
    : { check: "port", ok: true, found: `nothing answers at ${address}: free for \`loraloop up\`` };
}

/** True where one is named, or runs on this machine, or ended there without leaving. */
function isServerExpected(command: Command): boolean {
  const named = programOptions(command).address ?? process.env["LORALOOP_ADDRESS"];
  return named !== undefined || existsSync(localServerFile());
}

function addressOption(command: Command): { address?: string } {
  const { address } = programOptions(command);
  return address === undefined ? {} : { address };
}

async function server(command: Command): Promise<Finding> {
  const { version: own } = JSON.parse(
    await readFile(new URL("../../typescript/package.json", import.meta.url), "utf8"),
  ) as { version: string };
  try {
    return await withClient(command, async (client, signal) => {
      await client.corpus.listCollections({ pageSize: 1 }, { signal: AbortSignal.timeout(3000) }).catch((error) => {
        signal.throwIfAborted();
        throw (error as Error).name === "AbortError" ? new ConnectionError("no answer within 3 s") : error;
      });
      return { check: "server", ok: true, found: `answers at ${client.address}; client ${own}` };
    });
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    // Without a server to be expected there is nothing wrong.
    const ok = isServerExpected(command) ? false : null;
    return { check: "server", ok, found: `not reached (${(error as Error).message}); client ${own}` };
  }
}
