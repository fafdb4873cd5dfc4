import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installTorch, makeEnvironment, pythonIn } from "./python-environment.mjs";
import { root, SetupError, step } from "./run.mjs";

const folder = "test/bench/.venv";
const stampFile = join(root, folder, "loraloop-setup.json");
const shared = "deploy/setup/python-requirements-bench.txt";
const peers = {
  litdata: "deploy/setup/python-requirements-bench-litdata.txt",
  lancedb: "deploy/setup/python-requirements-bench-lancedb.txt",
  mosaic: "deploy/setup/python-requirements-bench-mosaic.txt",
};

/**
 * Fills an environment of their own with the loaders that the bench compares with, unless they are there already, and writes down which there are.
 * One that cannot be installed on this machine is left out, and the bench says so.
 */
export async function installBenchPeers() {
  const stamp = fingerprint();
  const installed = readInstalled(stamp);
  const missing = Object.keys(peers).filter((peer) => !installed.includes(peer));
  if (missing.length === 0) return;
  rmSync(stampFile, { force: true });
  await tryStep(async () => {
    if (installed.length === 0) await installShared();
    for (const peer of missing) {
      if (await tryStep(() => install(`${peer} for the bench`, peers[peer]))) installed.push(peer);
    }
    writeFileSync(stampFile, JSON.stringify({ peers: installed, stamp }));
  });
}

async function installShared() {
  await makeEnvironment(folder);
  await installTorch(folder, shared);
  await install(`Python packages for the bench's peers into ${folder} (1.5 GB with torch, 1 to 3 minutes)`, shared);
}

/** Nothing comes along: what the bench does not touch of the clouds, images and models that they depend on is not installed. */
function install(label, requirements) {
  return step(label, pythonIn(folder), ["-m", "pip", "install", "--no-deps", "-r", requirements]);
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

function fingerprint() {
  const hash = createHash("sha256").update(root);
  for (const file of [shared, ...Object.values(peers)]) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function readInstalled(stamp) {
  if (!existsSync(stampFile) || !existsSync(pythonIn(folder))) return [];
  const found = JSON.parse(readFileSync(stampFile, "utf8"));
  return found.stamp === stamp ? found.peers : [];
}
