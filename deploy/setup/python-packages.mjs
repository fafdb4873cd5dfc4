import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attempt, root, SetupError, step } from "./run.mjs";

const interpreters = ["python3.11", "python3.12", "python3.13", "python3"];
const oldestPython = [3, 11];
const cpuTorch = "https://download.pytorch.org/whl/cpu";
const constraints = "deploy/setup/python-constraints.txt";
const requirements = {
  demo: "deploy/setup/python-requirements.txt",
  test: "deploy/setup/python-requirements-test.txt",
};
const venv = join(root, ".venv");
const python = join(venv, "bin/python");
const stampFile = join(venv, "loraloop-setup.json");

/** Fills .venv with the packages of a set, unless they are there already. `set` is "demo" or the larger "test". */
export async function installPythonPackages(set) {
  const stamp = fingerprint();
  if (isInstalled(set, stamp)) return;
  rmSync(stampFile, { force: true });
  await makeVenv();
  await installTorch();
  await step("Python packages into .venv (2 GB with torch, 2 to 5 minutes)", python, [
    ...["-m", "pip", "install", "-r", requirements[set], "-c", constraints],
  ]);
  await step("the loraloop Python client into .venv", python, [
    ...["-m", "pip", "install", "--no-build-isolation", "--no-deps", "-e", "clients/python"],
  ]);
  writeFileSync(stampFile, JSON.stringify({ set, stamp }));
}

/** Changes with everything that decides what lies in .venv. */
function fingerprint() {
  const hash = createHash("sha256").update(root);
  for (const file of [...Object.values(requirements), constraints, "clients/python/pyproject.toml"]) {
    hash.update(readFileSync(join(root, file)));
  }
  return hash.digest("hex");
}

function isInstalled(set, stamp) {
  if (!existsSync(stampFile) || !existsSync(python)) return false;
  const installed = JSON.parse(readFileSync(stampFile, "utf8"));
  return installed.stamp === stamp && (installed.set === "test" || installed.set === set);
}

/** Keeps a .venv that works, so that an interrupted install goes on where it was. */
async function makeVenv() {
  if (existsSync(python) && (await attempt(python, ["-m", "pip", "--version"])).ok) return;
  await step("Python environment in .venv", await findPython(), ["-m", "venv", "--clear", venv]);
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

/** On Linux the wheel on PyPI brings gigabytes of GPU libraries that neither demo nor tests use: a CPU wheel is tried first. */
async function installTorch() {
  if (process.platform !== "linux") return;
  const torch = readFileSync(join(root, requirements.demo), "utf8").match(/^torch==.*$/m)[0];
  const install = ["-m", "pip", "install", "--no-deps", torch];
  const local = await attempt(python, [...install, "--no-index"]);
  if (local.ok) return;
  console.log("  torch without GPU libraries (200 MB) …");
  const { ok } = await attempt(python, [...install, "--timeout", "5", "--retries", "0", "--index-url", cpuTorch]);
  if (!ok) console.log("  not to be had; taking the one with them (about 3 GB more)");
}
