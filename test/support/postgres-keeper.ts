import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { postgresBinaries } from "./postgres-binaries.ts";

/**
 * A process that keeps one PostgreSQL for the process that started it, in a folder of its own below the temporary one.
 * It stops the server and deletes the folder when told to, and when its parent is gone.
 */

export type Order = "start" | "kill" | "stop";
export type Answer = { readonly url: string } | { readonly error: string };

/** PostgreSQL refuses to run as root. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const folder = mkdtempSync(join(tmpdir(), "loraloop-postgres-"));
const data = join(folder, "data");
const password = randomBytes(16).toString("hex");
let binaries = "";
let port = 0;
let server: ChildProcess | undefined;

let last: Promise<void> = Promise.resolve();
process.on("message", (order: Order) => {
  last = last.then(() => obey(order));
});
process.on("disconnect", () => obey("stop"));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

async function obey(order: Order): Promise<void> {
  try {
    if (order === "start") await start();
    else if (order === "kill") await kill();
    else await stop();
    answer({ url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres` });
  } catch (error) {
    answer({ error: String(error) });
  }
  if (order === "stop") process.exit();
}

function answer(message: Answer): void {
  if (process.connected) process.send?.(message);
}

async function start(): Promise<void> {
  if (port === 0) {
    initialise();
    port = await freePort();
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await startServer();
    } catch (error) {
      // After `kill`, the system may need a moment to clear away its last process.
      if (attempt === 20) throw error;
      await sleep(250);
    }
  }
}

async function startServer(): Promise<void> {
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    fsync: "on",
    max_connections: 200,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  server = spawn(join(binaries, "bin", "postgres"), ["-D", data, ...options], {
    ...nobody,
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  await ready(server);
}

function initialise(): void {
  if (nobody.uid !== undefined) chownSync(folder, nobody.uid, nobody.gid);
  binaries = reachable(postgresBinaries());
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, password, { mode: 0o644 });
  const options = ["--username=postgres", "--encoding=UTF8", "--no-locale", "--auth=scram-sha-256", "--no-sync"];
  execFileSync(join(binaries, "bin", "initdb"), ["-D", data, `--pwfile=${passwordFile}`, ...options], {
    ...nobody,
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** The binaries, or a copy of them where the unprivileged user cannot run them. */
function reachable(installed: string): string {
  const { status } = spawnSync(join(installed, "bin", "postgres"), ["--version"], { ...nobody, cwd: folder });
  if (status === 0) return installed;
  const copy = join(folder, "postgres");
  cpSync(installed, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

/** Resolves on the line by which PostgreSQL says that it accepts connections. */
async function ready(child: ChildProcess): Promise<void> {
  const log: string[] = [];
  const accepting = Promise.withResolvers<void>();
  const lines = createInterface(child.stderr ?? process.stdin);
  lines.on("line", (line) => {
    log.push(line);
    if (line.includes("ready to accept connections")) accepting.resolve();
  });
  child.once("exit", () => accepting.reject(new Error(`PostgreSQL did not start:\n${log.join("\n")}`)));
  await accepting.promise;
  lines.removeAllListeners("line");
}

/** kill -9 of the postmaster and all its children, as a crash of the machine would. */
async function kill(): Promise<void> {
  if (!server || !running(server)) return;
  const { pid } = server;
  const exited = once(server, "exit");
  server.kill("SIGSTOP");
  const children = childrenOf(pid);
  server.kill("SIGKILL");
  for (const child of children) killQuietly(child);
  await exited;
}

function running(child: ChildProcess): child is ChildProcess & { pid: number } {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function childrenOf(pid: number): number[] {
  const text =
    process.platform === "linux"
      ? readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      : spawnSync("pgrep", ["-P", String(pid)], { encoding: "utf8" }).stdout;
  return text.split(/\s+/).filter(Boolean).map(Number);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function stop(): Promise<void> {
  if (server && running(server)) {
    const exited = once(server, "exit");
    server.kill("SIGINT");
    const slow = setTimeout(() => server?.kill("SIGQUIT"), 5_000);
    await exited;
    clearTimeout(slow);
  }
  rmSync(folder, { recursive: true, force: true });
}
