import type { Key, Revision, StoreReader, TenantId } from "../store/store.ts";
import type { PageScope, PageTokens } from "./page-token.ts";

/** Where a list goes on: all of its pages show one revision. */
export interface ListPosition {
  readonly at: Revision;
  /** `next` of the page before. */
  readonly start: Key | undefined;
}

interface ListContext {
  readonly store: StoreReader & { head(tenant: TenantId): Promise<{ readonly revision: Revision }> };
  readonly pageTokens: PageTokens;
}

/** What a page token says, or where a list begins: at `revision`, the head by default. Throws PAGE_TOKEN_INVALID. */
export async function readPosition(
  { store, pageTokens }: ListContext,
  scope: PageScope,
  pageToken: string,
  revision?: Revision,
): Promise<ListPosition> {
  const position = pageTokens.read(scope, pageToken);
  if (position === undefined) return { at: revision ?? (await store.head(scope.tenant)).revision, start: undefined };
  const bytes = Buffer.from(position);
  return { at: bytes.readBigUInt64BE(), start: bytes.subarray(8) };
}

/** The token for the page that begins at `next`; empty where there is none. */
export function nextPageToken(
  { pageTokens }: Pick<ListContext, "pageTokens">,
  scope: PageScope,
  at: Revision,
  next: Key | undefined,
): string {
  if (next === undefined) return "";
  const bytes = Buffer.alloc(8 + next.length);
  bytes.writeBigUInt64BE(at);
  bytes.set(next, 8);
  return pageTokens.make(scope, bytes);
}
