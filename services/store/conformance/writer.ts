import { writeSync } from "node:fs";
import { openStore, type StoreConfig } from "../open-store.ts";
import { type Revision, StoreError, type TenantId } from "../store.ts";

/**
 * A process that commits until it is killed, four commits at a time, and writes `<revision> <key>` after each
 * acknowledgement. It ends, without a word, when the store fails. Arguments: configuration as JSON, tenant, name, most commits.
 */

export interface Acknowledgement {
  readonly revision: Revision;
  readonly key: string;
}

const [config, tenant, name, most] = process.argv.slice(2);
try {
  await main(JSON.parse(config ?? "") as StoreConfig, Number(tenant), name ?? "", Number(most));
} catch (error) {
  if (!(error instanceof StoreError)) throw error;
  process.exit();
}

async function main(config: StoreConfig, tenant: TenantId, name: string, most: number): Promise<void> {
  const store = await openStore(config);
  const numbers = Iterator.from(count(most));
  const commitAll = async () => {
    for (const number of numbers) {
      const key = `${name}-${number}`;
      const { revision } = await store.commit(tenant, [{ put: Buffer.from(key), value: Buffer.alloc(100, key) }]);
      writeSync(1, `${revision} ${key}\n`);
    }
  };
  await Promise.all(Array.from({ length: 4 }, commitAll));
  await store.close();
}

function* count(most: number): Generator<number> {
  for (let number = 0; number < most; number++) yield number;
}
