import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { root, SetupError, step } from "./run.mjs";

/** Installs what package-lock.json says, unless it lies in node_modules already. Runs no package's own scripts. */
export async function installNodePackages() {
  if (!isInstalled()) {
    await step("Node packages into node_modules (700 MB, about a minute)", "npm", [
      "ci",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
    ]);
  }
  linkNode();
}

/** Compares with the list that npm leaves in node_modules as the last act of an install. */
function isInstalled() {
  const listing = join(root, "node_modules/.package-lock.json");
  if (!existsSync(listing)) return false;
  const wanted = packagesIn(join(root, "package-lock.json"));
  const installed = packagesIn(listing);
  return Object.entries(wanted).every(([path, { optional, version }]) => {
    const found = installed[path];
    return found ? found.version === version : path === "" || optional === true;
  });
}

function packagesIn(lockFile) {
  return JSON.parse(readFileSync(lockFile, "utf8")).packages;
}

/** Node 24 is a package like any other, so that every command of ours runs on it. npm 10 leaves its link out. */
function linkNode() {
  const platform = `node-${process.platform}-${process.arch}`;
  if (!existsSync(join(root, "node_modules", platform))) {
    throw new SetupError(`npm did not install ${platform}, which is our Node 24: remove node_modules and try again`);
  }
  const link = join(root, "node_modules/.bin/node");
  if (!existsSync(link)) symlinkSync(`../${platform}/bin/node`, link);
}
