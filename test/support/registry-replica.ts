import {
  type Adapter,
  type AdapterVersion,
  AdapterVersion_State as State,
} from "../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { WatchAdaptersResponse } from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";

/** What lists show, deleted ones too. */
export interface RegistryLists {
  readonly adapters: readonly Adapter[];
  readonly versions: readonly AdapterVersion[];
}

/** The versions of an adapter, deleted ones too, at a revision or later. */
type ListVersions = (adapter: string, revision: bigint) => Promise<readonly AdapterVersion[]>;

/** Somebody who listed once and watches since: keeps what the lists would show, and checks that nothing comes twice or out of order. */
export class RegistryReplica {
  /** Everything up to here was sent. */
  revision: bigint;
  /** Messages that were no checkpoints. */
  changeCount = 0;
  readonly #listVersions: ListVersions;
  readonly #adapters: Map<string, Adapter>;
  readonly #versions: Map<string, AdapterVersion>;
  /** Of the last message since the last checkpoint. */
  #last: readonly [bigint, number] | undefined;

  constructor(listVersions: ListVersions, lists: RegistryLists = { adapters: [], versions: [] }, revision = 0n) {
    this.#listVersions = listVersions;
    this.revision = revision;
    this.#adapters = new Map(lists.adapters.map((adapter) => [adapter.name, adapter]));
    this.#versions = new Map(lists.versions.map((version) => [version.name, version]));
  }

  get lists(): RegistryLists {
    const adapters = this.#adapters
      .values()
      .toArray()
      .toSorted(by(({ name }) => [name]));
    const versions = this.#versions.values().map((version) => this.#withAdapter(version));
    return { adapters, versions: versions.toArray().toSorted(by(({ adapter, version }) => [adapter, version])) };
  }

  /** As after a lost connection: changes after the last checkpoint come again. */
  resume(): bigint {
    this.#last = undefined;
    return this.revision;
  }

  async apply({ revision, ordinal, change }: WatchAdaptersResponse): Promise<void> {
    if (change?.$case === "checkpoint") {
      if (revision < (this.#last?.[0] ?? this.revision)) throw new Error(`Checkpoint ${revision} comes too late.`);
      this.#last = undefined;
      this.revision = revision;
      return;
    }
    const [before, place] = this.#last ?? [this.revision, Number.POSITIVE_INFINITY];
    const isNext = this.#last === undefined ? revision > before : revision === before && ordinal > place;
    if (!isNext) throw new Error(`Change ${revision}/${ordinal} comes after ${before}/${place}.`);
    this.#last = [revision, ordinal];
    this.changeCount += 1;
    await this.#keep(change, revision);
  }

  async #keep(change: WatchAdaptersResponse["change"], revision: bigint): Promise<void> {
    if (change?.$case === "adapter") await this.#put(change.value, revision);
    else if (change?.$case === "version") this.#putVersion(change.value);
    else if (change?.$case === "aliasMove") this.#move(change.value);
  }

  /** Of one that was restored the versions are listed again. */
  async #put(adapter: Adapter, revision: bigint): Promise<void> {
    const isRestored = this.#adapters.get(adapter.name)?.deleteTime !== undefined && adapter.deleteTime === undefined;
    this.#adapters.set(adapter.name, adapter);
    if (!isRestored) return;
    for (const version of await this.#listVersions(adapter.name, revision)) this.#versions.set(version.name, version);
  }

  /** One whose adapter is deleted is never sent as anything else. */
  #putVersion(version: AdapterVersion): void {
    const isDeleted = this.#adapters.get(version.adapter)?.deleteTime !== undefined;
    if (isDeleted && version.state !== State.STATE_DELETED) throw new Error(`${version.name} comes as not deleted.`);
    this.#versions.set(version.name, version);
  }

  #move({ adapter: name, alias, toVersion, revision, time }: NonNullable<Moved>): void {
    const adapter = this.#adapters.get(name);
    if (adapter === undefined) throw new Error(`An alias of ${name} moves before the adapter came.`);
    const others = adapter.aliases.filter((one) => one.alias !== alias);
    const moved = { adapter: name, alias, version: toVersion, revision, updateTime: time };
    const aliases = toVersion === 0 ? others : [...others, moved];
    this.#adapters.set(name, { ...adapter, aliases: aliases.toSorted(by((one) => [one.alias])) });
  }

  /** A deleted adapter's versions are deleted. */
  #withAdapter(version: AdapterVersion): AdapterVersion {
    const deleteTime = this.#adapters.get(version.adapter)?.deleteTime;
    if (deleteTime === undefined || version.state === State.STATE_DELETED) return version;
    return { ...version, state: State.STATE_DELETED, deleteTime };
  }
}

type Moved = Extract<WatchAdaptersResponse["change"], { $case: "aliasMove" }>["value"];

function by<Item>(keysOf: (item: Item) => readonly (string | number)[]): (one: Item, other: Item) => number {
  return (one, other) => {
    const [keys, others] = [keysOf(one), keysOf(other)];
    const place = keys.findIndex((key, index) => key !== others[index]);
    return place < 0 ? 0 : (keys[place] as string) < (others[place] as string) ? -1 : 1;
  };
}
