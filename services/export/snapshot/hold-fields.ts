import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { sha256Form } from "../../kit/sha256-form.ts";

const holderForm = /^(?!run\/)[a-z0-9][a-z0-9_.@/-]*$/;
const prefixForm = /^[a-z0-9_.@/-]*$/;

/** Throws FIELD_INVALID for what can hold nothing by itself: runs hold by the run service. */
export function checkHolder(holder: string): void {
  if (!holderForm.test(holder) || holder.length > limits.holder_bytes) {
    throw fieldInvalid("holder", holder, `${holderForm.source}, at most ${limits.holder_bytes} bytes (holder_bytes)`);
  }
}

/** Throws FIELD_INVALID. */
export function checkHolderPrefix(prefix: string): void {
  if (!prefixForm.test(prefix) || prefix.length > limits.holder_bytes) {
    const expected = `${prefixForm.source}, at most ${limits.holder_bytes} bytes (holder_bytes)`;
    throw fieldInvalid("holder_prefix", prefix, expected);
  }
}

/** The keys of whole snapshots, each once. Throws FIELD_INVALID, LIMIT_EXCEEDED. */
export function readSnapshotKeys(snapshots: readonly string[]): Uint8Array[] {
  if (snapshots.length === 0) throw fieldInvalid("snapshots", "0 entries", `1 to ${limits.held_snapshots} entries`);
  if (snapshots.length > limits.held_snapshots) {
    throw limitExceeded("held_snapshots", snapshots.length, "The number of snapshots");
  }
  for (const [index, snapshot] of snapshots.entries()) {
    if (!sha256Form.test(snapshot)) throw fieldInvalid(`snapshots[${index}]`, snapshot, "64 lowercase hex digits");
  }
  return [...new Set(snapshots)].map((snapshot) => Buffer.from(snapshot, "hex"));
}
