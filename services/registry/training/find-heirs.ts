import { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { encoded } from "../../kit/encoded.ts";
import { Slices } from "../../kit/slices.ts";
import { entries } from "../../store/entries.ts";
import { compareKeys } from "../../store/range.ts";
import { parseVersionName, versionText } from "../adapters/names.ts";
import { listedVersion, shownVersion } from "../adapters/shown-version.ts";
import { findOwnVersion, findVersion, type KeptVersion } from "../adapters/stored-versions.ts";
import { type VersionName, versionNameAt } from "../keys.ts";
import { readPolicy } from "../signatures/policy.ts";
import { beginningOf, type DataSearch, type SearchPosition } from "./data-search.ts";
import { nextDescendant } from "./descendants.ts";

/** Finds versions that were not trained on it themselves and have an ancestor that was. Looks at no more than a page holds. Undefined after the last. */
export async function findHeirs(search: DataSearch, start: SearchPosition): Promise<SearchPosition | undefined> {
  const { store, tenant, sources, found, room } = search;
  const page = await sources.page(start.pageToken);
  const policy = await readPolicy({ store }, tenant);
  const slices = new Slices();
  let left = search.limit - found.size;
  for await (const { position, heir, ancestor } of heirsFrom(search, page.ids, start)) {
    if (left === 0) return position;
    left -= 1;
    if (heir === undefined || found.has(versionText(heir.name))) continue;
    const version = { ...listedVersion(shownVersion(heir, policy)), inheritedFrom: versionText(ancestor) };
    const bytes = encoded(AdapterVersion, version).length;
    if (!room.take(bytes)) return position;
    found.set(version.name, version);
    await slices.done(bytes);
  }
  return page.nextPageToken === "" ? undefined : beginningOf("inherited", page.nextPageToken);
}

/** A version that was looked at. */
interface Look {
  /** Where the same look comes next. */
  readonly position: SearchPosition;
  /** Absent where it was trained on it itself: then its descendants come with it. */
  readonly heir?: KeptVersion | undefined;
  readonly ancestor: VersionName;
}

async function* heirsFrom(search: DataSearch, sources: readonly string[], start: SearchPosition): AsyncGenerator<Look> {
  const { store, tenant } = search;
  const ownSources = (version: KeptVersion | undefined) => {
    const provenance = version?.stored.version?.provenance;
    return provenance === undefined ? [] : search.sources.idsOf(provenance).filter((id) => sources.includes(id));
  };
  for (const source of sources.filter((id) => id >= start.source)) {
    const { range, nameStart } = search.sources.index(source);
    const first = source === start.source ? start.start : undefined;
    for await (const { key } of entries(store, tenant, { start: first ?? range.start, end: range.end })) {
      const heir = first !== undefined && compareKeys(key, first) === 0 ? start.heir : "";
      const ancestor = versionNameAt(key, nameStart);
      yield* heirsOf(search, { ...start, source, start: key, heir }, { ancestor, ownSources });
    }
  }
}

interface Ancestor {
  readonly ancestor: VersionName;
  /** Sources of this page that a version has, by id. */
  readonly ownSources: (version: KeptVersion | undefined) => readonly string[];
}

async function* heirsOf(
  { store, tenant }: DataSearch,
  position: SearchPosition,
  { ancestor, ownSources }: Ancestor,
): AsyncGenerator<Look> {
  const isNew = position.heir === "";
  if (isNew) yield { position, ancestor };
  // One that has several sources comes with the first.
  if (ownSources(await findOwnVersion(store, tenant, ancestor))[0] !== position.source) return;
  let name = isNew
    ? await nextDescendant(store, tenant, ancestor, { name: ancestor, enters: true })
    : parseVersionName(position.heir);
  while (name !== undefined) {
    const version = await findVersion(store, tenant, name);
    const enters = ownSources(version).length === 0;
    yield { position: { ...position, heir: versionText(name) }, heir: enters ? version : undefined, ancestor };
    name = await nextDescendant(store, tenant, ancestor, { name, enters });
  }
}
