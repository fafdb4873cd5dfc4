import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { readConfiguration, serverKeys } from "./configuration.ts";
import { ConfigurationError } from "./configuration-error.ts";

const schema = z.strictObject(serverKeys);
const folder = mkdtempSync(join(tmpdir(), "loraloop-configuration-"));
afterAll(() => rmSync(folder, { recursive: true }));

function read(file: object | string | undefined, environment: Record<string, string> = {}, values = {}) {
  const path = join(folder, "configuration.json");
  if (file !== undefined) writeFileSync(path, typeof file === "string" ? file : JSON.stringify(file));
  const sources = { environment, environmentPrefix: "LORALOOP_EXPORT_", values };
  return readConfiguration(schema, file === undefined ? sources : { ...sources, file: path });
}

describe("a configuration", () => {
  test("has defaults for all but its folder", () => {
    expect(read({ data_directory: "/data" })).toMatchObject({
      data_directory: "/data",
      store: "rocksdb",
      listen_host: "127.0.0.1",
      listen_port: 50_051,
      metrics_port: 9_464,
      drain_seconds: 10,
    });
  });

  test("comes from the file, the environment above it, given values above both", () => {
    const file = { data_directory: "/data", listen_port: 1, metrics_port: 2, drain_seconds: 3 };
    const environment = {
      LORALOOP_EXPORT_METRICS_PORT: "20",
      LORALOOP_EXPORT_DRAIN_SECONDS: "30",
      LORALOOP_TOKEN: "x",
    };
    expect(read(file, environment, { drain_seconds: 300 })).toMatchObject({
      listen_port: 1,
      metrics_port: 20,
      drain_seconds: 300,
    });
  });

  test("takes from the environment text as text, though it looks like a number", () => {
    const environment = { LORALOOP_EXPORT_DATA_DIRECTORY: "2026", LORALOOP_EXPORT_ALLOW_PLAINTEXT: "true" };
    expect(read(undefined, environment)).toMatchObject({ data_directory: "2026", allow_plaintext: true });
  });

  test.each<[string, object | string, Record<string, string>]>([
    [`"listen_prot": no such key`, { data_directory: "/data", listen_prot: 1 }, {}],
    [`"listen_port"`, { data_directory: "/data", listen_port: 70_000 }, {}],
    [`"listen_port"`, { data_directory: "/data", listen_port: "50051" }, {}],
    [`"store"`, { data_directory: "/data", store: "sqlite" }, {}],
    [`"data_directory" is missing; give it in the file or as LORALOOP_EXPORT_DATA_DIRECTORY.`, {}, {}],
    ["LORALOOP_EXPORT_LISTEN_PROT: no such key", { data_directory: "/data" }, { LORALOOP_EXPORT_LISTEN_PROT: "1" }],
    ["LORALOOP_EXPORT_LISTEN_PORT", { data_directory: "/data" }, { LORALOOP_EXPORT_LISTEN_PORT: "many" }],
    ["configuration.json is not a JSON object", "[1]", {}],
    ["configuration.json is not a JSON object", "{", {}],
  ])("that is bad names %s", (named, file, environment) => {
    expect(() => read(file, environment)).toThrow(ConfigurationError);
    expect(() => read(file, environment)).toThrow(named);
  });

  test("that cannot be read names its file", () => {
    expect(() => readConfiguration(schema, { file: "/nowhere.json", environmentPrefix: "X_" })).toThrow(
      "The configuration file cannot be read. There is no /nowhere.json.",
    );
  });
});
