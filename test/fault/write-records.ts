import { createInterface } from "node:readline";
import { Client, type RecordInput } from "../../clients/typescript/src/index.ts";

/**
 * A writer that may be killed at any moment: `write-records.ts COLLECTION INGEST-ID COUNT`. Records have no ids, so that one that is written twice is seen.
 * Each line of standard input lets it read 500 more; says `acked RECORDS` for what is on disk, and `end RECORDS KEPT`.
 */
const [collection = "", ingestId = "", count = ""] = process.argv.slice(2);
const lines = createInterface(process.stdin)[Symbol.asyncIterator]();

async function* records(): AsyncGenerator<RecordInput> {
  for (let number = 0; number < Number(count); number += 1) {
    if (number % 500 === 0) await lines.next();
    yield { id: "", fieldsJson: JSON.stringify({ number, text: `Text ${number} `.repeat(20) }) };
  }
}

await using client = new Client();
const { recordCount, keptCount } = await client.ingest(collection, records(), {
  ingestId,
  onProgress: ({ recordCount: acknowledged }) => process.stdout.write(`acked ${acknowledged}\n`),
});
process.stdout.write(`end ${recordCount} ${keptCount}\n`);
process.stdin.destroy();
