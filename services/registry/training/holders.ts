import type { Store } from "../../store/store.ts";
import { versionText } from "../adapters/names.ts";
import type { VersionName } from "../keys.ts";

/** What all holders of this registry begin with: other registries may hold snapshots of the same tenant. */
export function holderPrefix({ identity }: Pick<Store, "identity">): string {
  return `registry/${identity.storeId.slice(0, 8)}/`;
}

/** Who holds the snapshots of a version. */
export function versionHolder(store: Pick<Store, "identity">, name: VersionName): string {
  return `${holderPrefix(store)}${versionText(name)}`;
}
