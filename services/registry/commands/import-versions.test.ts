import { expect, test } from "vitest";
import { readRegistry } from "../../../test/support/documents.ts";
import type { Caller } from "../../kit/call.ts";
import { limits } from "../../kit/limits.ts";
import { Turns } from "../../kit/turns.ts";
import { openStore } from "../../store/open-store.ts";
import type { RegistryContext } from "../context.ts";
import { importVersions } from "./import-versions.ts";

const clock = { now: () => 1_700_000_000_000_000n };
const caller: Caller = { tenant: 1, tenantName: "default", tokenId: "token", scopes: new Set() };

test("import_stored_bytes", async () => {
  const store = await openStore({ kind: "memory" }, clock);
  // Kept twice: as the document has them, and to be found by.
  const domain = Array.from({ length: limits.version_domains }, () => "x".repeat(1000));
  const entries = Array.from({ length: 54 }, (_, index) => ({ id: `a${index}`, domain }));
  const imported = (padding: number) => {
    const content = JSON.stringify([...entries, { id: "last", notes: "x".repeat(padding) }]);
    return importVersions(
      { store, clock, turns: new Turns() } as RegistryContext,
      caller,
      readRegistry(content),
      false,
    );
  };
  const refused = await imported(600_000).catch((error) => error);
  const fitting = 600_000 - (Number(refused.metadata.actual) - limits.import_stored_bytes);
  await expect(imported(fitting + 1)).rejects.toMatchObject({
    reason: "LIMIT_EXCEEDED",
    metadata: { limit: "import_stored_bytes", actual: String(limits.import_stored_bytes + 1) },
  });
  expect((await store.head(1)).revision).toBe(0n);
  expect(await imported(fitting)).toHaveLength(55);
  expect((await store.head(1)).revision).toBe(1n);
  await store.close();
});
