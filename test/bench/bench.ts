import { existsSync } from "node:fs";
import { join } from "node:path";
import { benchRecords, collection } from "./samples.ts";
import { Server } from "./server.ts";

/** What a figure measures with. */
export class Bench {
  /** Removed at the end. */
  readonly folder: string;
  /** Records of the usual collection. */
  readonly recordCount: number;
  /** Records of the large one. */
  readonly largeCount: number;
  /** Measured runs of each side. */
  readonly rounds: number;

  constructor(folder: string, quick: boolean) {
    this.folder = folder;
    this.recordCount = quick ? 20_000 : 100_000;
    this.largeCount = quick ? 100_000 : 1_000_000;
    this.rounds = quick ? 3 : 5;
  }

  /** Data directory of a server that holds so many records; made when missing. */
  async data(recordCount: number = this.recordCount): Promise<string> {
    const directory = join(this.folder, `data-${recordCount}`);
    if (existsSync(directory)) return directory;
    await using server = await Server.start(directory);
    const { keptCount } = await server.client.ingest(collection, benchRecords(0, recordCount));
    if (keptCount !== recordCount) throw new Error(`${keptCount} of ${recordCount} records were kept.`);
    return directory;
  }

  /** A server that has just started on that data. */
  async serve(recordCount: number = this.recordCount): Promise<Server> {
    return Server.start(await this.data(recordCount));
  }
}
