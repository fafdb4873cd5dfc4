import type { ChildProcess } from "node:child_process";
import type { StoreConfig } from "../open-store.ts";
import type { Clock, Micros, Store, TenantId } from "../store.ts";

/** Where one store lives: what `openStore` takes, here and in another process. Opening it twice is a restart. */
export interface Place {
  readonly config: StoreConfig;
  /** Deletes it, after every store on it has been closed. */
  remove(): Promise<void>;
}

/** What an adapter's test gives the suite. Hooks are needed only by the category that they name. */
export interface Harness {
  /** A new, empty place. */
  create(): Promise<Place>;
  /** `durability`: ways to crash, besides kill -9 of the process that commits. */
  readonly crashes?: readonly Crash[];
  /** `head`: flips one byte of what the closed store acknowledged. */
  readonly flipByte?: (place: Place) => Promise<void>;
  /** `disk-full`: a place on a disk of a few megabytes; `free` makes room again. */
  readonly createOnSmallDisk?: () => Promise<Place & { free(): Promise<void> }>;
  /** `second-opener`: how many processes may hold the store at once. */
  readonly openers?: "one" | "many";
  /** `newer-format`: raises the closed store's format version, and its oldest reader, by one. */
  readonly raiseFormat?: (place: Place) => Promise<void>;
}

export interface Crash {
  readonly name: string;
  /** Starts a process that commits; its standard output must stay a pipe. */
  start(place: Place, command: string, args: readonly string[]): ChildProcess;
  /** Strikes while `writer` commits. Resolves when the place may be opened again. */
  strike(place: Place, writer: ChildProcess): Promise<void>;
}

export type Category = "durability" | "head" | "disk-full" | "second-opener" | "newer-format";

export interface Skip {
  readonly category: Category;
  /** Why this adapter cannot, or need not, promise it. */
  readonly reason: string;
}

/** What the tests of all themes share: one open store, in which each test takes tenants of its own. */
export interface Fixture {
  readonly harness: Harness;
  readonly clock: TestClock;
  store(): Store;
  tenant(): TenantId;
}

/** Stands still until it is told to move. */
export class TestClock implements Clock {
  #now: Micros = 1_700_000_000_000_000n;

  now(): Micros {
    return this.#now;
  }

  advance(seconds: number): void {
    this.#now += BigInt(Math.round(seconds * 1e6));
  }
}

export function required<Hook>(hook: Hook | undefined, name: string): Hook {
  if (hook === undefined) throw new Error(`This category needs the harness's ${name}; or skip it with a reason.`);
  return hook;
}
