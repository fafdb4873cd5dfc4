import { checkReadable } from "../checks.ts";
import type { Change, ChangePage, Revision } from "../store.ts";
import type { Tenant } from "./tenant.ts";

/** Whole commits after a revision: as many as fit the limit, at least one. */
export function changes(tenant: Tenant, after: Revision, limit: number): ChangePage {
  checkReadable(after, tenant.floor, tenant.head.revision);
  const found: Change[] = [];
  let through = after;
  for (const commit of tenant.commits.slice(Number(after - tenant.floor))) {
    if (found.length > 0 && found.length + commit.length > limit) break;
    for (const change of commit) found.push(change);
    through++;
  }
  return { changes: found, through };
}
