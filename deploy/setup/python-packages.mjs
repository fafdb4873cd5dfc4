import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installTorch, makeEnvironment, pythonIn } from "./python-environment.mjs";
import { root, step } from "./run.mjs";

const constraints = "deploy/setup/python-constraints.txt";
const requirements = {
  demo: "deploy/setup/python-requirements.txt",
  test: "deploy/setup/python-requirements-test.txt",
};
const folder = ".venv";
const python = pythonIn(folder);
const stampFile = join(root, folder, "loraloop-setup.json");

/** Fills .venv with the packages of a set, unless they are there already. `set` is "demo" or the larger "test". */
export async function installPythonPackages(set) {
  const stamp = fingerprint();
  if (isInstalled(set, stamp)) return;
  rmSync(stampFile, { force: true });
  await makeEnvironment(folder);
  await installTorch(folder, requirements.demo);
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
