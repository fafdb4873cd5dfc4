/** Makes the code that comes from proto/ anew. With `--check` it writes nothing and fails where the repository differs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate, replaceGenerated, staleFiles } from "./generated-code.ts";

const fresh = mkdtempSync(join(tmpdir(), "loraloop-generate-"));
try {
  generate(fresh);
  if (process.argv.includes("--check")) check(staleFiles(fresh));
  else replaceGenerated(fresh);
} finally {
  rmSync(fresh, { recursive: true });
}

function check(stale: readonly string[]): void {
  if (stale.length === 0) return;
  console.error(`not as generated from proto/ (run "npm run generate"):\n  ${stale.join("\n  ")}`);
  process.exitCode = 1;
}
