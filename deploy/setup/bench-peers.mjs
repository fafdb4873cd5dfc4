import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installTorch, makeEnvironment, pythonIn } from "./python-environment.mjs";
import { root, SetupError, step } from "./run.mjs";

const requirements = "deploy/setup/python-requirements-bench";

/** Packages of peers want others than we do, and those of MLflow others than the loaders'. */
const environments = [
  {
    folder: "test/bench/.venv",
    shared: `${requirements}.txt`,
    peers: {
      litdata: `${requirements}-litdata.txt`,
      lancedb: `${requirements}-lancedb.txt`,
      mosaic: `${requirements}-mosaic.txt`,
    },
  },
  { folder: "test/bench/.venv-mlflow", peers: { mlflow: `${requirements}-mlflow.txt` } },
];

/**
 * Fills environments of their own with what the bench compares with, unless it is there already, and writes down in each which peers there are.
 * One that cannot be installed on this machine is left out, and the bench says so.
 */
export async function installBenchPeers() {
  for (const environment of environments) await fill(environment);
}

async function fill({ folder, shared, peers }) {
  const stamp = fingerprint([shared, ...Object.values(peers)]);
  const stampFile = join(root, folder, "loraloop-setup.json");
  const installed = readInstalled(folder, stampFile, stamp);
  const missing = Object.keys(peers).filter((peer) => !installed.includes(peer));
  if (missing.length === 0) return;
  rmSync(stampFile, { force: true });
  await tryStep(async () => {
    if (installed.length === 0) await installShared(folder, shared);
    for (const peer of missing) {
      if (await tryStep(() => install(folder, `${peer} for the bench`, peers[peer]))) installed.push(peer);
    }
    writeFileSync(stampFile, JSON.stringify({ peers: installed, stamp }));
  });
}

async function installShared(folder, shared) {
  await makeEnvironment(folder);
  if (shared === undefined) return;
  await installTorch(folder, shared);
  await install(
    folder,
    `Python packages for the bench's peers into ${folder} (1.5 GB with torch, 1 to 3 minutes)`,
    shared,
  );
}

/** Nothing comes along: what the bench does not touch of the clouds, images and models that they depend on is not installed. */
function install(folder, label, file) {
  return step(label, pythonIn(folder), ["-m", "pip", "install", "--no-deps", "-r", file]);
}

async function tryStep(run) {
  try {
    await run();
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`setup: ${error.message}`);
    return false;
  }
}

function fingerprint(files) {
  const hash = createHash("sha256").update(root);
  for (const file of files) if (file !== undefined) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function readInstalled(folder, stampFile, stamp) {
  if (!existsSync(stampFile) || !existsSync(pythonIn(folder))) return [];
  const found = JSON.parse(readFileSync(stampFile, "utf8"));
  return found.stamp === stamp ? found.peers : [];
}
