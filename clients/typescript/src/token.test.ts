import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ConnectionOptions, findRegistry, findServer } from "./connection.ts";
import { ConnectionError } from "./errors.ts";

const secret = "S3cretS3cretS3cretS3cretS3cretS3cretS3cretS";
const token = `ll_abcdefghijkl_${secret}`;

let state: string;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "loraloop-token-"));
  vi.stubEnv("XDG_STATE_HOME", state);
  for (const name of ["LORALOOP_ADDRESS", "LORALOOP_TOKEN", "LORALOOP_REGISTRY_ADDRESS", "LORALOOP_REGISTRY_TOKEN"])
    vi.stubEnv(name, undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(state, { recursive: true });
});

/** As `loraloop up` leaves it. @returns the token's file */
function leaveServer(text: string): string {
  const file = join(state, "token");
  writeFileSync(file, text);
  mkdirSync(join(state, "loraloop"));
  writeFileSync(join(state, "loraloop", "server.json"), JSON.stringify({ address: "127.0.0.1:1", token_file: file }));
  return file;
}

function problemOf(find: () => unknown): string {
  try {
    find();
  } catch (error) {
    expect(error).toBeInstanceOf(ConnectionError);
    return (error as Error).message;
  }
  throw new Error("Nothing was refused.");
}

test("white space around a token is left out, wherever it is found", () => {
  expect(findServer({ token: ` ${token}\r\n` }).token).toBe(token);
  vi.stubEnv("LORALOOP_REGISTRY_TOKEN", `${token}\r`);
  expect(findRegistry({}, { address: "a:1", token: "other" }).token).toBe(token);
  vi.stubEnv("LORALOOP_REGISTRY_TOKEN", " ");
  expect(findRegistry({}, { address: "a:1", token: "other" }).token).toBe("other");
  leaveServer(`${token}\r\n`);
  expect(findServer({}).token).toBe(token);
  vi.stubEnv("LORALOOP_TOKEN", `${token.replace("abc", "cba")}\r`);
  expect(findServer({}).token).toBe(token.replace("abc", "cba"));
});

test.for([`“${token}”`, `"${token}"`, `Bearer ${token}`, `${token}\n${token}`, `${token}\u0007`, `\u200b${token}`])(
  "%j is refused without being shown",
  (given) => {
    const file = leaveServer(given);
    const finds: readonly [string, ConnectionOptions, string?][] = [
      ["The option `token`", { token: given }],
      ["LORALOOP_TOKEN", {}, "LORALOOP_TOKEN"],
      [file, {}],
      ["The option `registry.token`", { token, registry: { token: given } }],
      ["LORALOOP_REGISTRY_TOKEN", { token }, "LORALOOP_REGISTRY_TOKEN"],
    ];
    for (const [from, options, variable] of finds) {
      if (variable !== undefined) vi.stubEnv(variable, given);
      const problem = problemOf(() => findRegistry(options, findServer(options)));
      if (variable !== undefined) vi.stubEnv(variable, undefined);
      expect(problem.startsWith(`${from} holds no token (ll_abcdefghijkl_…): `)).toBe(true);
      expect(problem).not.toContain(secret);
    }
  },
);

test("of what has no id nothing is shown", () => {
  expect(problemOf(() => findServer({ token: "pass word" }))).not.toMatch(/pass|word/);
});
