import type { Entry, Key, KeyRange, Page, Revision, ScanOptions, StoreErrorCode, TenantId } from "../store.ts";

/** What a reader in a worker thread asks the store, over their message port. */
export type Call =
  | { readonly method: "get"; readonly tenant: TenantId; readonly key: Key; readonly at?: Revision | undefined }
  | {
      readonly method: "scan";
      readonly tenant: TenantId;
      readonly range: KeyRange;
      readonly options?: ScanOptions | undefined;
    };

export interface Request {
  readonly id: number;
  readonly call: Call;
}

export interface PortError {
  readonly code: StoreErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, string>>;
}

export type Response =
  | { readonly id: number; readonly result: Entry | Page | undefined }
  | { readonly id: number; readonly error: PortError };
