/** Everything that must hold before a change is merged. Goes on after a failure, so that one run shows all of them. */
import { testRunners } from "./test-runners.ts";
import { type Outcome, runTool, type Tool } from "./tools.ts";

const python = "clients/python";
/** All Python of the repository, by the client's rules. */
const ruffOptions = ["--config", "pyproject.toml", ".", "../../deploy", "../../test"];
const checks: Readonly<Record<string, Tool>> = {
  "package lock": { command: "npm", args: ["ci", "--dry-run", "--ignore-scripts"] },
  "TypeScript types": { command: "tsc", args: ["-p", "."] },
  "TypeScript format and lint": { command: "biome", args: ["check", "--error-on-warnings"] },
  "proto lint": { command: "buf", args: ["lint"], folder: "proto" },
  "proto format": { command: "buf", args: ["format", "--diff", "--exit-code"], folder: "proto" },
  "proto compatible with main": {
    command: "buf",
    args: ["breaking", "--against", "../.git#branch=main,subdir=proto"],
    folder: "proto",
  },
  "generated code": { command: "node", args: ["deploy/setup/generate.ts", "--check"] },
  "Python lint": { command: "ruff", args: ["check", ...ruffOptions], folder: python },
  "Python format": { command: "ruff", args: ["format", "--check", ...ruffOptions], folder: python },
  "Python types": { command: "python", args: ["-m", "mypy"], folder: python },
};

const rows: [name: string, outcome: Outcome][] = [];
for (const [name, tool] of Object.entries(checks)) {
  const outcome = runTool(tool, "capture");
  rows.push([name, outcome]);
  if (!outcome.passed) console.log(`${name}: ${tool.command} ${tool.args.join(" ")}\n${outcome.output}`);
}
for (const [name, runner] of Object.entries(testRunners)) rows.push([name, runTool(runner, "show")]);

console.log("");
for (const [name, { passed, seconds }] of rows) {
  console.log(`${passed ? "passed" : "FAILED"}  ${seconds.toFixed(1).padStart(7)} s  ${name}`);
}
process.exitCode = rows.every(([, { passed }]) => passed) ? 0 : 1;
