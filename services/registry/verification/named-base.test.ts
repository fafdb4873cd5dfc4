import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderFiles } from "../../../test/support/folder-files.ts";
import { SpoiledAdapter } from "../../../test/support/spoiled/adapter.ts";
import { limits } from "../../kit/limits.ts";
import { baseOf } from "./named-base.ts";

test("the base model is what is said, else what adapter_config.json names", async () => {
  await using adapter = await SpoiledAdapter.make("org/base");
  const write = (text: string) => writeFile(join(adapter.folder, "adapter_config.json"), text);
  const named = (said?: { name: string; revision: string }) => baseOf(folderFiles(adapter.folder), said);
  const refused = (reason: string, field?: string) => ({ reason, ...(field !== undefined && { metadata: { field } }) });
  await expect(named()).rejects.toMatchObject(refused("ADAPTER_FILE_MISSING"));
  await adapter.write();
  expect(await named()).toEqual({ name: "org/base", revision: "" });
  adapter.configure({ revision: "v2" });
  await adapter.write();
  expect(await named()).toEqual({ name: "org/base", revision: "v2" });
  expect(await named({ name: "", revision: "v3" })).toEqual({ name: "org/base", revision: "v3" });
  expect(await named({ name: "mine", revision: "" })).toEqual({ name: "mine", revision: "v2" });
  expect(await named({ name: "mine", revision: "v3" })).toEqual({ name: "mine", revision: "v3" });
  for (const base_model_name_or_path of [null, ""]) {
    adapter.configure({ base_model_name_or_path });
    await adapter.write();
    await expect(named()).rejects.toMatchObject(refused("ADAPTER_CONFIGURATION_INVALID", "base_model_name_or_path"));
  }
  await write("[");
  await expect(named()).rejects.toMatchObject(refused("ADAPTER_CONFIGURATION_INVALID", "adapter_config.json"));
  await write(" ".repeat(limits.adapter_configuration_bytes + 1));
  await expect(named()).rejects.toThrow(/adapter_configuration_bytes/);
});
