import type { CallContext } from "nice-grpc";
import type { TenantId } from "../store/store.ts";

/** What a token allows. `admin` includes all others. `tenant.any` counts in the tenant system only: to call for any tenant, see `auth/verify-call.ts`. */
export const scopes = [
  "corpus.read",
  "corpus.write",
  "export.read",
  "export.write",
  "run.read",
  "run.write",
  "registry.read",
  "registry.write",
  "tenant.any",
  "admin",
] as const;

export type Scope = (typeof scopes)[number];

/** Who calls, as the token says: nothing in a request changes it, but the tenant that a token with `tenant.any` names. */
export interface Caller {
  readonly tenant: TenantId;
  readonly tenantName: string;
  readonly tokenId: string;
  readonly scopes: ReadonlySet<Scope>;
}

export interface CallExtension {
  readonly caller: Caller;
  /** 16 hex digits; in every log line of the call and in INTERNAL errors. */
  readonly requestId: string;
  /** Aborted when the server begins to stop: a stream then sends its resume point and ends with OK. `signal` is the client's cancel. */
  readonly drain: AbortSignal;
}

/** What a handler gets beside the request. */
export type Call = CallContext & CallExtension;
