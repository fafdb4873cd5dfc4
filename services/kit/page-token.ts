import { createHmac, timingSafeEqual } from "node:crypto";
import type { TenantId } from "../store/store.ts";
import { ServiceError } from "./errors.ts";
import { fieldInvalid } from "./field.ts";
import { limits } from "./limits.ts";

/** What a page token belongs to: the caller's tenant, the method, and every request field that shapes the list. */
export interface PageScope {
  readonly tenant: TenantId;
  /** Name of the RPC, e.g. `ListRecords`. */
  readonly method: string;
  /** Request fields other than page_size and page_token, in a fixed order. */
  readonly fields?: readonly (string | bigint | undefined)[];
}

const macBytes = 16;

/** Makes and reads opaque page tokens. A token carries no permission, only a position; it is refused for another tenant or request. */
export class PageTokens {
  readonly #secret: Uint8Array;

  /** @param secret the same for all processes of one store */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** `position` is whatever the list needs to go on, e.g. the last key. */
  make(scope: PageScope, position: Uint8Array): string {
    return Buffer.concat([this.#mac(scope, position), position]).toString("base64url");
  }

  /** The position, or undefined for the empty token of a first page. Throws PAGE_TOKEN_INVALID. */
  read(scope: PageScope, token: string): Uint8Array | undefined {
    if (token === "") {
      return undefined;
    }
    const bytes = Buffer.from(token, "base64url");
    const position = bytes.subarray(macBytes);
    if (bytes.length < macBytes || !timingSafeEqual(bytes.subarray(0, macBytes), this.#mac(scope, position))) {
      throw new ServiceError("PAGE_TOKEN_INVALID", "page_token is not the next_page_token of this request.", {
        field: "page_token",
      });
    }
    return position;
  }

  #mac(scope: PageScope, position: Uint8Array): Uint8Array {
    const text = JSON.stringify([scope.tenant, scope.method, (scope.fields ?? []).map((field) => field?.toString())]);
    return createHmac("sha256", this.#secret).update(text).update("\n").update(position).digest().subarray(0, macBytes);
  }
}

/** Entries of a page: 100 by default, clamped to 1,000. Throws FIELD_INVALID for a negative one. */
export function pageSize(requested: number): number {
  if (requested < 0) throw fieldInvalid("page_size", String(requested), `0 to ${limits.page_size}`);
  return requested === 0 ? 100 : Math.min(requested, limits.page_size);
}
