import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** An error whose message is all that the reader needs. */
export class SetupError extends Error {}

/**
 * Runs a command in the root folder. Its output is kept back; `ok` tells whether it exited with 0.
 * Throws a SetupError when the command does not exist.
 */
export function attempt(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.stderr.on("data", (chunk) => chunks.push(chunk));
    child.on("error", ({ code }) =>
      reject(new SetupError(`${command} could not be started (${code}): is it installed?`)),
    );
    child.on("close", (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString() }));
  });
}

let announced = false;

/** Runs a command as one step that the reader sees with the seconds it took. Throws with the end of its output when it fails. */
export async function step(label, command, args) {
  if (!announced) console.log("Installing what this command needs, once, into this folder only:");
  announced = true;
  const start = Date.now();
  const seconds = () => `${Math.round((Date.now() - start) / 1_000)} s`;
  const terminal = process.stdout.isTTY;
  process.stdout.write(`  ${label} …${terminal ? "" : "\n"}`);
  const timer = setInterval(
    () => process.stdout.write(terminal ? `\r  ${label} … ${seconds()}` : `  … ${seconds()}\n`),
    terminal ? 1_000 : 60_000,
  );
  try {
    const { ok, output } = await attempt(command, args);
    if (terminal) process.stdout.write("\n");
    if (!ok) throw new SetupError(`${label} failed: ${command} ${args.join(" ")}\n${lastLines(output, 30)}`);
  } finally {
    clearInterval(timer);
  }
  process.stdout.write(`  done, ${seconds()}\n`);
}

function lastLines(text, count) {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
