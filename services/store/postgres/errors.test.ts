import { expect, test } from "vitest";
import { StoreError } from "../store.ts";
import { isConnectionLoss, storeError } from "./errors.ts";

const secret = "password of user alice in table customers";

test.each([
  ["40001", "ABORTED"],
  ["40P01", "ABORTED"],
  ["53100", "UNAVAILABLE"],
  ["53300", "UNAVAILABLE"],
  ["57P01", "UNAVAILABLE"],
  ["55P03", "UNAVAILABLE"],
  ["08006", "UNAVAILABLE"],
  ["XX001", "UNAVAILABLE"],
  ["ECONNREFUSED", "UNAVAILABLE"],
  [undefined, "UNAVAILABLE"],
  ["28P01", "FAILED_PRECONDITION"],
  ["3D000", "FAILED_PRECONDITION"],
  ["42501", "FAILED_PRECONDITION"],
])("%s becomes %s, without the driver's words", (code, expected) => {
  const cause = Object.assign(new Error(secret), { code });
  const error = storeError(cause);
  expect(error.code).toBe(expected);
  expect(error.cause).toBe(cause);
  expect(JSON.stringify([error.message, error.details])).not.toContain("alice");
});

test("a full disk is named", () => {
  expect(storeError({ code: "53100" }).message).toContain("disk");
});

test("what is ours stays as it is", () => {
  const error = new StoreError("OUT_OF_RANGE", "Below the floor.");
  expect(storeError(error)).toBe(error);
});

test("a broken connection is told from an answer", () => {
  const coded = (code: string | undefined) => Object.assign(new Error("broken"), { code });
  for (const code of [undefined, "ECONNRESET", "EPIPE", "57P01", "57P03", "08006"]) {
    expect(isConnectionLoss(coded(code))).toBe(true);
  }
  for (const code of ["40001", "23505", "53100", "XX001"]) expect(isConnectionLoss(coded(code))).toBe(false);
  expect(isConnectionLoss(undefined)).toBe(false);
});
