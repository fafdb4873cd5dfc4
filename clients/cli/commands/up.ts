import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Command } from "commander";
import type { RunningService } from "../../../services/kit/start.ts";
import { localServerFile } from "../../typescript/src/index.ts";
import { InputError } from "../failure.ts";
import { print, printJson } from "../output.ts";
import { programOptions, startFailure } from "../session.ts";

interface UpOptions {
  readonly data: string;
  readonly port: string;
  readonly metricsPort: string;
}

/** All services in one process, on an embedded RocksDB folder. */
export function up(): Command {
  return new Command("up")
    .description("run everything on this machine, on an embedded store")
    .option("--data <folder>", "where records and snapshots live", "./.loraloop")
    .option("--port <number>", "gRPC port on 127.0.0.1; 0 = any free one", "50051")
    .option("--metrics-port <number>", "Prometheus page on 127.0.0.1; 0 = any free one", "9464")
    .action(run);
}

async function run(options: UpOptions, command: Command): Promise<void> {
  const folder = resolve(options.data);
  const [port, metricsPort] = [toPort("--port", options.port), toPort("--metrics-port", options.metricsPort)];
  const { limitMemory, runService } = await import("../../../services/kit/main.ts");
  limitMemory(1);
  const { readAllConfigurations, startAll } = await import("../../../services/all.ts");
  const values = { data_directory: folder, listen_port: port, metrics_port: metricsPort, log_level: "warn" };
  const start = async () => {
    const configurations = readAllConfigurations(values, process.env);
    const service = await startAll(configurations);
    const tokenFile = join(folder, "token");
    const forget = leaveAddress(service.address, tokenFile);
    if (programOptions(command).json) {
      const { address, metricsAddress } = service;
      printJson({ address, metrics_address: metricsAddress, token_file: tokenFile, pid: process.pid });
    } else {
      welcome(service.address, service.metricsAddress, tokenFile);
    }
    return { service: forgetting(service, forget), drainSeconds: configurations.export.drain_seconds };
  };
  await runService("up", start, startFailure(command));
}

/** Clients stop finding a server as soon as it drains. */
function forgetting(service: RunningService, forget: () => void): RunningService {
  const close = (): Promise<void> => {
    forget();
    return service.close();
  };
  return { ...service, close, [Symbol.asyncDispose]: close };
}

function toPort(option: string, text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InputError(`${option} is not a port: ${text}`);
  return Number(text);
}

/** Lets the clients of this user find the server; returns how to take that back. */
function leaveAddress(address: string, tokenFile: string): () => void {
  const file = localServerFile();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const content = `${JSON.stringify({ address, token_file: tokenFile })}\n`;
  writeFileSync(file, content, { mode: 0o600 });
  return () => {
    // Another server may have started since.
    if (existsSync(file) && readFileSync(file, "utf8") === content) rmSync(file);
  };
}

function welcome(address: string, metricsAddress: string, tokenFile: string): void {
  print(`loraloop is up at ${address} (metrics at http://${metricsAddress}/metrics).`);
  print(`Ctrl-C stops it, or elsewhere: kill ${process.pid}`);
  print(`Its token is in ${tokenFile}; commands on this machine find it by themselves.`);
  print();
  print("Try, in another terminal:");
  print("  npx loraloop ingest faq FILE.jsonl --id-field id");
  print("  npx loraloop preview --spec DATASET.json");
}
