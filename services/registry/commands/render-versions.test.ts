import { expect, test } from "vitest";
import { AdapterVersion, Declared } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RenderVersionsRequest_Format as Format } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { RegistryPlace } from "../../../test/support/registry-place.ts";
import { limits } from "../../kit/limits.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { VersionName } from "../keys.ts";
import { getVersion } from "./get-version.ts";
import { renderVersions } from "./render-versions.ts";

test("rendered_version_bytes", async () => {
  await using place = await RegistryPlace.open("memory");
  const least = 20_000;
  const large = Array.from("abcdefgh", (adapter) => versionOf(place, adapter, 2 * 1024 * 1024 - least));
  const names = await Promise.all(large);
  const all = [...names, await versionOf(place, "i", least)];
  const sizes = await Promise.all(all.map((name) => bytesOf(place, name)));
  const left = limits.rendered_version_bytes - sizes.reduce((sum, bytes) => sum + bytes);
  const render = async (adapter: string, documentBytes: number) => {
    const references = [...names, await versionOf(place, adapter, documentBytes)];
    return renderVersions(place.context, 1, { references, format: Format.FORMAT_FOLDER_LAYOUT, pathTemplate: "" });
  };
  expect((await render("j", least + left)).content.split("\n")).toHaveLength(10);
  await expect(render("k", least + left + 1)).rejects.toMatchObject({
    reason: "LIMIT_EXCEEDED",
    metadata: { limit: "rendered_version_bytes", actual: String(limits.rendered_version_bytes + 1) },
  });
});

function versionOf(place: RegistryPlace, adapter: string, documentBytes: number): Promise<VersionName> {
  const declared = Declared.create({ format: "adapter_registry", document: "x".repeat(documentBytes) });
  return place.makeVersion(adapter, { declared, domains: [adapter], createTime: toTimestamp(0n) });
}

async function bytesOf({ context }: RegistryPlace, name: VersionName): Promise<number> {
  return AdapterVersion.encode(await getVersion(context, 1, name)).finish().length;
}
