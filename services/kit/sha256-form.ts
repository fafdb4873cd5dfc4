/** A SHA-256 as it is written everywhere: 64 lowercase hex digits. */
export const sha256Form: RegExp = /^[0-9a-f]{64}$/;
