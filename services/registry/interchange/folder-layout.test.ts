import { expect, test } from "vitest";
import { Method } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { adapterVersion } from "../../../test/support/adapter-version.ts";
import { folderLayout, folderLayouts } from "./folder-layout.ts";

const version = adapterVersion({ adapter: "steuerrecht", version: 1, domains: ["steuerrecht"], peft: { r: 16 } });

test("adapters/<domain>/<method>-r<rank>-v<version>", () => {
  expect(folderLayout(version)).toBe("adapters/steuerrecht/lora-r16-v1");
  expect(folderLayout({ ...version, method: Method.METHOD_QLORA, version: 12 })).toBe(
    "adapters/steuerrecht/qlora-r16-v12",
  );
  expect(folderLayout({ ...version, domains: ["medizin", "recht"] })).toBe("adapters/medizin/lora-r16-v1");
  expect(folderLayout({ ...version, domains: [], adapter: "faq" })).toBe("adapters/faq/lora-r16-v1");
});

test.each([
  ["öffentliches Recht", "öffentliches Recht"],
  ["a/b", "a%2Fb"],
  ["..", "%2E%2E"],
  [".", "%2E"],
  ["a\\b\n", "a%5Cb%0A"],
  ["50%", "50%25"],
])("a domain %j is one folder", (domain, folder) => {
  expect(folderLayout({ ...version, domains: [domain] })).toBe(`adapters/${folder}/lora-r16-v1`);
});

test("one a line; two versions never share a folder", () => {
  const second = { ...version, version: 2, name: "steuerrecht@2" };
  expect(folderLayouts([version, second, version])).toBe(
    "adapters/steuerrecht/lora-r16-v1\nadapters/steuerrecht/lora-r16-v2\nadapters/steuerrecht/lora-r16-v1\n",
  );
  expect(() => folderLayouts([version, { ...version, adapter: "other", name: "other@1" }])).toThrow(
    expect.objectContaining({
      reason: "FIELD_INVALID",
      message: expect.stringContaining("adapters/steuerrecht/lora-r16-v1"),
    }),
  );
});
