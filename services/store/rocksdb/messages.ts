import { type Head, type Micros, type Revision, StoreError, type StoreErrorCode, type TenantId } from "../store.ts";
import type { PackedCommit } from "./packed-commit.ts";

/** What the store asks of its committer thread. */
export interface CommitJob {
  readonly kind: "commit";
  readonly tenant: TenantId;
  readonly now: Micros;
  readonly bytes: number;
  readonly packed: PackedCommit;
}

export type WriteJob =
  | CommitJob
  | {
      readonly kind: "pin";
      readonly tenant: TenantId;
      readonly id: string;
      readonly revision: Revision;
      readonly expires: Micros;
    }
  | { readonly kind: "unpin"; readonly tenant: TenantId; readonly id: string }
  | { readonly kind: "compact"; readonly tenant: TenantId; readonly now: Micros; readonly before: Revision };

export type Job =
  | WriteJob
  /** Ends the thread once all jobs before it are done. */
  | { readonly kind: "close" };

export type JobResult = Head | Revision | undefined;

export interface Request<Kind extends Job = Job> {
  readonly id: number;
  readonly job: Kind;
}

/** Errors lose their class between threads. */
export interface PlainError {
  readonly code: StoreErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, string>>;
}

export type Answer =
  | { readonly id: number; readonly result: JobResult }
  | { readonly id: number; readonly error: PlainError };

export interface CommitterData {
  readonly handle: bigint;
  readonly headPath: string;
}

export function plainError({ code, message, details }: StoreError): PlainError {
  return { code, message, details };
}

export function revived({ code, message, details }: PlainError): StoreError {
  return new StoreError(code, message, details);
}
