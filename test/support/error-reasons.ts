import { readFileSync } from "node:fs";
import { Status } from "nice-grpc";
import { RichServerError } from "nice-grpc-error-details";
import { expect } from "vitest";
import type { Reason } from "../../services/kit/errors.ts";
import { toGrpcError } from "../../services/kit/grpc-error.ts";

/** What the comment of an error reason promises. */
interface DocumentedReason {
  /** As the comment begins: one, or several where it depends. */
  readonly statuses: readonly string[];
  /** Keys of `metadata` that are always there. */
  readonly always: readonly string[];
  /** Keys that the comment names after "where". */
  readonly sometimes: readonly string[];
}

const file = new URL("../../proto/loraloop/common/v1/error_reason.proto", import.meta.url);

/** By reason, without the prefix. */
export const documentedReasons: ReadonlyMap<string, DocumentedReason> = new Map(
  [...readFileSync(file, "utf8").matchAll(/((?: {2}\/\/ .*\n)+) {2}ERROR_REASON_(\w+) = \d+;/g)].map(
    ([, comment = "", reason = ""]) => [reason, parseComment(comment)],
  ),
);

function parseComment(comment: string): DocumentedReason {
  const [always = "", ...sometimes] = comment.split(/\bwhere\b/i);
  const statuses = Object.keys(Status).filter((status) => new RegExp(`\\b${status}\\b`).test(comment));
  return { statuses, always: keysIn(always), sometimes: keysIn(sometimes.join()) };
}

function keysIn(text: string): string[] {
  return [...text.matchAll(/`([a-z_]+)`/g)].map(([, key = ""]) => key);
}

/** Fails where an error has another status, lacks a key, or has one that its reason's comment does not name. */
export function expectDocumented(reason: string | undefined, code: Status, keys: readonly string[]): void {
  const found = documentedReasons.get(reason ?? "");
  expect(found, `a comment of ${reason}`).toBeDefined();
  const { statuses = [], always = [], sometimes = [] } = found ?? {};
  expect(statuses, `statuses of ${reason}`).toContain(Status[code]);
  const required = keys.filter((key) => !sometimes.includes(key));
  expect(required.toSorted(), `metadata of ${reason}`).toEqual(always.toSorted());
}

/** Fails where what a service throws does not go on the wire as its reason's comment says. */
export function expectDocumentedError(expected: Reason, thrown: unknown): void {
  const error = toGrpcError(thrown, "request");
  const [info] = error instanceof RichServerError ? error.extra : [];
  const { reason, metadata } = info as unknown as { reason: string; metadata: Record<string, string> };
  expect(reason).toBe(expected);
  expectDocumented(reason, error.code, Object.keys(metadata));
}
