import { expect, test } from "vitest";
import { openStore } from "../open-store.ts";

const open = (url: string) => openStore({ kind: "postgres", url, schema: "loraloop" });

test.for([
  [
    "postgres://alice:secret@127.0.0.1:1/shop",
    'The store at 127.0.0.1:1, database "shop" (store_url) cannot be opened: PostgreSQL is away or failed (ECONNREFUSED); try again later.',
  ],
  ["postgres://alice:secret@nowhere.invalid/shop", 'The store at nowhere.invalid:5432, database "shop" (store_url)'],
] as const)("a store that cannot be reached is named: %s", async ([url, message]) => {
  const failed = open(url);
  await expect(failed).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining(message) });
  await expect(failed).rejects.not.toThrow(/secret|alice/);
});

test("a URL that is none is told", async () => {
  await expect(open("postgres://[")).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: "The URL of the store (store_url) is none; write postgres://user@host:port/database.",
  });
});
