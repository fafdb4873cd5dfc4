import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { root } from "./tools.ts";

const script = "deploy/setup/install.mjs";

function install(folder: string, command: string, env = process.env): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, command], {
    cwd: folder,
    env,
    encoding: "utf8",
  });
  return { status, text: stdout + stderr };
}

describe("install", () => {
  it("names its commands", () => {
    expect(install(root, "tset")).toEqual({
      status: 1,
      text: "setup: usage: node deploy/setup/install.mjs demo|bench|test\n",
    });
  });
});

describe("install in a fresh folder with nothing on the PATH", () => {
  let folder: string;
  const nothing = { PATH: "" };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "loraloop-install-"));
    for (const path of ["package-lock.json", "deploy/setup", "clients/python/pyproject.toml"]) {
      cpSync(join(root, path), join(folder, path), { recursive: true });
    }
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("asks for npm", () => {
    const { status, text } = install(folder, "demo", nothing);
    expect(status).toBe(1);
    expect(text).toMatch(/^setup: npm could not be started \(ENOENT\): is it installed\?$/m);
  });

  it("asks for Python", () => {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const { status, text } = install(folder, "demo", nothing);
    expect(status).toBe(1);
    expect(text).toMatch(/^setup: no Python 3\.11 or newer with venv found/);
  });
});
