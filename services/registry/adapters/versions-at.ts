import { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { encoded } from "../../kit/encoded.ts";
import { mapInOrder } from "../../kit/map-in-order.ts";
import { MessageRoom } from "../../kit/message-room.ts";
import { Slices } from "../../kit/slices.ts";
import type { Key, KeyRange, TenantId } from "../../store/store.ts";
import { versionNameAt } from "../keys.ts";
import { readPolicy } from "../signatures/policy.ts";
import { listedVersion, shownVersion } from "./shown-version.ts";
import type { Reader } from "./stored-adapters.ts";
import { findVersion } from "./stored-versions.ts";

/** An index whose keys end with the names of versions. */
export interface VersionIndex {
  readonly range: KeyRange;
  /** Where the name begins in a key. */
  readonly nameStart: number;
}

export interface VersionsAt {
  readonly limit: number;
  /** `next` of the page before. */
  readonly start: Key | undefined;
  /** What is left of the answer; its own where absent. */
  readonly room?: MessageRoom;
}

export interface IndexPage {
  /** As lists show them, by adapter and number, deleted ones too; fewer than asked for where they are large. */
  readonly versions: AdapterVersion[];
  readonly next: Key | undefined;
}

const READS_AT_ONCE = 16;

/** The versions that an index names, page by page. */
export async function versionsAt(
  store: Reader,
  tenant: TenantId,
  { range, nameStart }: VersionIndex,
  { limit, start, room = new MessageRoom() }: VersionsAt,
): Promise<IndexPage> {
  const { entries, next } = await store.scan(tenant, { start: start ?? range.start, end: range.end }, { limit });
  const policy = await readPolicy({ store }, tenant);
  const versions: AdapterVersion[] = [];
  const slices = new Slices();
  const found = mapInOrder(entries.values(), READS_AT_ONCE, async ({ key }) => {
    return { key, kept: await findVersion(store, tenant, versionNameAt(key, nameStart)) };
  });
  for await (const { key, kept } of found) {
    if (kept === undefined) continue;
    const version = listedVersion(shownVersion(kept, policy));
    const bytes = encoded(AdapterVersion, version).length;
    if (!room.take(bytes)) return { versions, next: key };
    versions.push(version);
    await slices.done(bytes);
  }
  return { versions, next };
}
