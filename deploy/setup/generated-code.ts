import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root, runTool } from "./tools.ts";

const pythonSource = "clients/python/src";
/** Folders that hold nothing but generated code, relative to the repository. */
const generatedFolders = ["proto/gen", `${pythonSource}/loraloop/*/v1`];

/** Writes all generated code below `target`, at the same paths as in the repository. */
export function generate(target: string): void {
  generateTypescript(target);
  generatePython(target);
}

/** Puts generated code in place of what the repository has. */
export function replaceGenerated(fresh: string): void {
  for (const folder of globSync(generatedFolders, { cwd: root })) rmSync(join(root, folder), { recursive: true });
  cpSync(fresh, root, { recursive: true });
}

/** Paths whose generated code in the repository is missing, different or no longer generated. */
export function staleFiles(fresh: string): readonly string[] {
  const wanted = filesBelow(fresh, ["."]);
  const present = filesBelow(root, generatedFolders);
  return [...wanted.union(present)].filter((path) => !sameContent(join(fresh, path), join(root, path))).sort();
}

/** Services call each other and their clients by nice-grpc; everything of proto/ is generated, storage messages too. */
function generateTypescript(target: string): void {
  run("buf", ["generate", "--output", join(target, "proto")]);
}

/** Imports of generated Python are rooted at `loraloop`, which is the package that it lies in. Storage messages never leave the server. */
function generatePython(target: string): void {
  const out = join(target, pythonSource);
  mkdirSync(out, { recursive: true });
  const messages = globSync("loraloop/*/v1/*.proto", {
    cwd: join(root, "proto"),
    exclude: ["loraloop/storage"],
  }).sort();
  const services = messages.filter((file) => file.endsWith("_service.proto"));
  const protoc = ["-m", "grpc_tools.protoc", "-I", "."];
  run("python", [...protoc, `--python_out=${out}`, `--mypy_out=quiet:${out}`, ...messages]);
  run("python", [...protoc, `--grpc_python_out=${out}`, `--mypy_grpc_out=quiet:${out}`, ...services]);
  for (const folder of new Set(messages.map((file) => join(out, dirname(file))))) {
    writeFileSync(join(dirname(folder), "__init__.py"), "");
    writeFileSync(join(folder, "__init__.py"), "");
  }
}

function run(command: string, args: readonly string[]): void {
  const { passed, output } = runTool({ command, args, folder: "proto" }, "capture");
  if (!passed) throw new Error(`${command} ${args.join(" ")}\n${output}`);
}

function filesBelow(base: string, folders: readonly string[]): Set<string> {
  const paths = globSync(
    folders.map((folder) => join(folder, "**")),
    { cwd: base, exclude: ["**/__pycache__/**"] },
  );
  return new Set(paths.filter((path) => statSync(join(base, path)).isFile()));
}

function sameContent(one: string, other: string): boolean {
  return existsSync(one) && existsSync(other) && readFileSync(one).equals(readFileSync(other));
}
