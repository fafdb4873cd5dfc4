/** Every limit of the store port. Each has a test at N and N + 1 in `conformance/limits.ts`. */

export const MAX_KEY_BYTES: number = 1024;

/** Keys and values of one commit, without its largest value: a request of 4 MiB, and what its parts grow by when stored. */
export const MAX_COMMIT_BYTES: number = 8 * 1024 * 1024;

/** One value, on top of `MAX_COMMIT_BYTES`. */
export const MAX_VALUE_BYTES: number = 16 * 1024 * 1024;

export const MAX_PAGE_ENTRIES: number = 1000;

/** Keys and values of one page; a single larger entry is a page of its own. */
export const MAX_PAGE_BYTES: number = 4 * 1024 * 1024;

export const MAX_CHANGES: number = 1000;

export const MAX_PIN_ID_BYTES: number = 256;
