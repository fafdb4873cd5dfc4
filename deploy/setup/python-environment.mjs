import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { attempt, root, SetupError, step } from "./run.mjs";

const interpreters = ["python3.11", "python3.12", "python3.13", "python3"];
const oldestPython = [3, 11];
const cpuTorch = "https://download.pytorch.org/whl/cpu";

/** The interpreter of an environment in a folder relative to the repository. */
export function pythonIn(folder) {
  return join(root, folder, "bin/python");
}

/** Makes an environment; keeps one that works, so that an interrupted install goes on where it was. */
export async function makeEnvironment(folder) {
  const python = pythonIn(folder);
  if (existsSync(python) && (await attempt(python, ["-m", "pip", "--version"])).ok) return;
  const venv = ["-m", "venv", "--clear", join(root, folder)];
  await step(`Python environment in ${folder}`, await findPython(), venv);
}

async function findPython() {
  const check = `import sys, venv, ensurepip; sys.exit(sys.version_info < (${oldestPython}))`;
  for (const name of interpreters) {
    const found = await attempt(name, ["-c", check]).catch(() => undefined);
    if (found?.ok) return name;
  }
  throw new SetupError(
    `no Python ${oldestPython.join(".")} or newer with venv found (looked for ${interpreters.join(", ")})`,
  );
}

/** On Linux the wheel on PyPI brings gigabytes of GPU libraries that nothing here uses: a CPU wheel is tried first. */
export async function installTorch(folder, requirements) {
  if (process.platform !== "linux") return;
  const torch = readFileSync(join(root, requirements), "utf8").match(/^torch==.*$/m)[0];
  const install = ["-m", "pip", "install", "--no-deps", torch];
  const local = await attempt(pythonIn(folder), [...install, "--no-index"]);
  if (local.ok) return;
  console.log("  torch without GPU libraries (200 MB) …");
  const fromPytorch = ["--timeout", "5", "--retries", "0", "--index-url", cpuTorch];
  const { ok } = await attempt(pythonIn(folder), [...install, ...fromPytorch]);
  if (!ok) console.log("  not to be had; taking the one with them (about 3 GB more)");
}
