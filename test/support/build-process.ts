/** A process to be killed: `node build-process.ts <folder>` builds one snapshot over RocksDB, says when it made a block, and ends when it is sealed. */
import { join } from "node:path";
import { Snapshot_State } from "../../proto/gen/loraloop/export/v1/snapshot.ts";
import { buildSnapshot } from "../../services/export/commands/build-snapshot.ts";
import { getSnapshot } from "../../services/export/commands/get-snapshot.ts";
import { openStore } from "../../services/store/open-store.ts";
import { bigRecords, bigSource } from "./big-records.ts";
import { openTestContext } from "./export-context.ts";
import { upsert } from "./samples.ts";

const folder = process.argv[2] as string;
const store = await openStore({ kind: "rocksdb", folder: join(folder, "store") });
const opened = await openTestContext({ store, dataDirectory: folder });
const { context } = opened;
if ((await store.head(1)).revision === 0n) await upsert(context, 1, "docs", bigRecords);
const { key } = await buildSnapshot(context, 1, bigSource, undefined);
console.log("building");
for (let shown = await getSnapshot(context, 1, key); ; shown = await getSnapshot(context, 1, key)) {
  if (shown.state === Snapshot_State.STATE_SEALED) {
    // What the build cleans up after sealing is done then.
    await opened[Symbol.asyncDispose]();
    console.log(`sealed ${Buffer.from(shown.digest).toString("hex")}`);
    process.exit();
  }
  await context.snapshots.builds.running(1, Buffer.from(key, "hex"))?.changed.wait(100, new AbortController().signal);
}
