import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hubEndpoint, readHubToken } from "./hub-access.ts";

const folder = mkdtempSync(join(tmpdir(), "loraloop-hub-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.for([
  ["https://huggingface.co", "https://huggingface.co"],
  ["https://hub.example/mirror/", "https://hub.example/mirror"],
  ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
  ["http://[::1]:8080/", "http://[::1]:8080"],
  ["http://localhost", "http://localhost"],
] as const)("the endpoint %s", ([text, endpoint]) => {
  expect(hubEndpoint(text)).toBe(endpoint);
});

test.for([
  "huggingface.co",
  "",
  "http://huggingface.co",
  "http://localhost.example",
  "http://127.0.0.1@hub.example",
  "https://hub.example/?x",
  "file:///etc",
])("the endpoint %j is refused", (text) => {
  expect(() => hubEndpoint(text)).toThrow("is not allowed");
});

test("a token of a file named, else of HF_TOKEN, else of the login", () => {
  const tokenFile = join(folder, "named");
  writeFileSync(tokenFile, "hf_named\n");
  mkdirSync(join(folder, "huggingface"));
  writeFileSync(join(folder, "huggingface", "token"), "hf_login");
  const login = { XDG_CACHE_HOME: folder };
  expect(readHubToken({ tokenFile, environment: { ...login, HF_TOKEN: "hf_env" } })).toBe("hf_named");
  expect(readHubToken({ tokenFile: undefined, environment: { ...login, HF_TOKEN: "hf_env" } })).toBe("hf_env");
  expect(readHubToken({ tokenFile: undefined, environment: login })).toBe("hf_login");
  const nowhere = { XDG_CACHE_HOME: join(folder, "nowhere") };
  expect(() => readHubToken({ tokenFile: undefined, environment: nowhere })).toThrow("There is no token");
});
