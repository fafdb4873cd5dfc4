/**
 * Installs what `npm run demo`, `npm test` and the other commands need, into node_modules and .venv, for the bench test/bench/.venv and for tests .venv-vllm too,
 * and nowhere else.
 * Plain JavaScript for Node 20 without packages, since it runs before there is anything else.
 */
import { installBenchPeers } from "./bench-peers.mjs";
import { installNodePackages } from "./node-packages.mjs";
import { installPythonPackages } from "./python-packages.mjs";
import { SetupError } from "./run.mjs";
import { installVllm } from "./vllm.mjs";

/** Each command, and the Python packages that it needs. */
const pythonSets = { demo: "demo", bench: "demo", test: "test" };
const platforms = ["linux-x64", "linux-arm64", "darwin-arm64"];
const platformsWithRocksdb = ["linux-x64", "darwin-arm64"];

async function install(command) {
  const pythonSet = pythonSets[command];
  if (!pythonSet) throw new SetupError(`usage: node deploy/setup/install.mjs ${Object.keys(pythonSets).join("|")}`);
  checkPlatform(`${process.platform}-${process.arch}`);
  await installNodePackages();
  await installPythonPackages(pythonSet);
  if (command === "bench") await installBenchPeers();
  if (command === "test") await installVllm();
}

function checkPlatform(platform) {
  if (!platforms.includes(platform)) {
    throw new SetupError(`${platform} is not supported; these are: ${platforms.join(", ")}`);
  }
  if (!platformsWithRocksdb.includes(platform)) {
    console.log(
      `Embedded RocksDB comes for ${platformsWithRocksdb.join(" and ")} only: on ${platform} use PostgreSQL.`,
    );
  }
}

try {
  await install(process.argv[2]);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}
