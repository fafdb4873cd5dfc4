import { expect, test } from "vitest";
import { configOf } from "../../test/support/stores.ts";
import { systemClock } from "../store/clock.ts";
import { openStore } from "../store/open-store.ts";
import { CommitWatch } from "./commit-watch.ts";

test("who waits at one process of a PostgreSQL store wakes at a commit of another", async () => {
  const config = configOf("postgres", "");
  const [here, there] = [await openStore(config, systemClock), await openStore(config, systemClock)];
  const waiting = new CommitWatch(here, true).wait(1, 0n, new AbortController().signal);
  const { revision } = await there.commit(1, [{ put: Buffer.from("key"), value: new Uint8Array() }]);
  await waiting;
  expect((await here.head(1)).revision).toBe(revision);
  await Promise.all([here.close(), there.close()]);
});
