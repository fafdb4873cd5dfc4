import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const script = new URL("./purity-child.ts", import.meta.url).pathname;

async function render(environment: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await run(process.execPath, [script], { env: { ...process.env, ...environment } });
  return stdout;
}

test("samples do not depend on time zone, locale or clock", async () => {
  const berlin = await render({ TZ: "Europe/Berlin", LANG: "de_DE.UTF-8", LC_ALL: "de_DE.UTF-8" });
  const apia = await render({ TZ: "Pacific/Apia", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" });
  expect(JSON.parse(berlin)).toHaveLength(3);
  expect(apia).toBe(berlin);
});
