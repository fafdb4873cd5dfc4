import type { Tool } from "./tools.ts";

/** Each ends its output with a summary of its own. */
export const testRunners: Readonly<Record<string, Tool>> = {
  "TypeScript tests": { command: "vitest", args: ["run"] },
  "Python tests": { command: "python", args: ["-m", "pytest", "--no-header"], folder: "clients/python" },
};
