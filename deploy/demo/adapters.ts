import colors from "picocolors";
import { versionLines } from "../../clients/cli/adapter/describe-version.ts";
import { lineageTree } from "../../clients/cli/adapter/lineage-tree.ts";
import { treeLines } from "../../clients/cli/adapter/tree.ts";
import { print } from "../../clients/cli/output.ts";
import { type AdapterVersion, Client } from "../../clients/typescript/src/index.ts";

/** Looks versions up in the registry, has their files checked again and draws where the one behind an alias came from. Returns whether their files are right and their weights the same. */
export async function showAdapters(
  connection: ConstructorParameters<typeof Client>[0],
  names: readonly string[],
  alias: string,
): Promise<boolean> {
  await using client = new Client(connection);
  const versions = await Promise.all(names.map((name) => client.registry.getVersion(name)));
  const areRight = await Promise.all(names.map((name) => isRight(client, name)));
  for (const version of versions)
    print(`  ${version.name}  run ${version.provenance?.run}, weights ${weightsOf(version).slice(0, 16)}…`);
  const served = await client.registry.resolve(alias);
  print(`  ${alias} → ${colors.bold(served.name)}`);
  for (const line of versionLines(served)) print(colors.dim(`    ${line}`));
  for (const line of treeLines(lineageTree(await client.registry.getLineage(alias, { records: 5 }))))
    print(`  ${line}`);
  return areRight.every(Boolean) && new Set(versions.map(weightsOf)).size === 1;
}

async function isRight({ registry }: Client, version: string): Promise<boolean> {
  const { problems } = await registry.adapters.verifyVersion({ version });
  return problems.length === 0;
}

/** Digest of its weights. */
function weightsOf({ artifact }: AdapterVersion): string {
  return artifact?.files.find(({ path }) => path === "adapter_model.safetensors")?.digest ?? "";
}
