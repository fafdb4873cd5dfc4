import { ServerError, Status } from "nice-grpc";
import { RichServerError } from "nice-grpc-error-details";
import { describe, expect, test } from "vitest";
import { StoreError } from "../store/store.ts";
import { ServiceError } from "./errors.ts";
import { fieldInvalid, limitExceeded } from "./field.ts";
import { toGrpcError } from "./grpc-error.ts";

function mapped(error: unknown) {
  const result = toGrpcError(error, "id");
  const details = result instanceof RichServerError ? result.extra : [];
  return { code: result.code, message: result.details, details };
}

describe("what a handler throws", () => {
  test("a bad field is named twice: for machines and for forms", () => {
    expect(mapped(fieldInvalid("page_size", "-1", "0 to 1000"))).toMatchObject({
      code: Status.INVALID_ARGUMENT,
      message: 'page_size is "-1"; expected 0 to 1000.',
      details: [
        { reason: "FIELD_INVALID", domain: "loraloop.dev", metadata: { field: "page_size", value: "-1" } },
        { fieldViolations: [{ field: "page_size" }] },
      ],
    });
  });

  test("a limit of one request is INVALID_ARGUMENT, one that calls share is RESOURCE_EXHAUSTED", () => {
    expect(mapped(limitExceeded("record_bytes", 5_000_000, "The record's size")).code).toBe(Status.INVALID_ARGUMENT);
    expect(mapped(limitExceeded("deduplicated_samples", 5, "Samples")).code).toBe(Status.RESOURCE_EXHAUSTED);
  });

  test("what passes by itself says when to try again", () => {
    for (const [seconds, options] of [[1, {}] as const, [0.25, { retryAfterSeconds: 0.25 }] as const]) {
      const { details } = mapped(new ServiceError("SNAPSHOT_BUILDING", "Not yet.", {}, options));
      expect(details[1]).toMatchObject({ retryDelay: { seconds: Math.floor(seconds), nanos: (seconds % 1) * 1e9 } });
    }
  });

  test.each<[ConstructorParameters<typeof StoreError>, Status, string]>([
    [["ABORTED", "Key secret"], Status.ABORTED, "CONFLICT"],
    [["UNAVAILABLE", "host secret"], Status.UNAVAILABLE, "STORE_UNAVAILABLE"],
    [["DATA_LOSS", "file secret"], Status.DATA_LOSS, "CONTENT_DAMAGED"],
    [["INVALID_ARGUMENT", "key secret"], Status.INTERNAL, "INTERNAL"],
    [["OUT_OF_RANGE", "", { revision: "3", oldestRevision: "5" }], Status.OUT_OF_RANGE, "REVISION_COMPACTED"],
    [["OUT_OF_RANGE", "", { revision: "9", newestRevision: "5" }], Status.OUT_OF_RANGE, "REVISION_UNKNOWN"],
  ])("a store's %j", (error, code, reason) => {
    const result = mapped(new StoreError(...error));
    expect(result).toMatchObject({ code, details: [{ reason }, ...result.details.slice(1)] });
    expect(result.message).not.toContain("secret");
  });

  test.each([new Error("secret"), "secret", undefined, { secret: 1 }])("%j is INTERNAL", (error) => {
    const { code, message, details } = mapped(error);
    expect(code).toBe(Status.INTERNAL);
    expect(message).not.toContain("secret");
    expect(details).toMatchObject([{ reason: "INTERNAL", metadata: { request_id: "id" } }]);
  });

  test("a status of a library stays", () => {
    const error = new ServerError(Status.NOT_FOUND, "Unknown service");
    expect(toGrpcError(error, "id")).toBe(error);
  });

  test("texts are cut and well-formed, also where the cut goes through a character", () => {
    const { message, details } = mapped(
      new ServiceError("DATASET_NOT_FOUND", "😀".repeat(999), { dataset: "x😀".repeat(999) }),
    );
    expect(message.isWellFormed()).toBe(true);
    expect(message.length).toBeLessThanOrEqual(1_000);
    expect(JSON.stringify(details).length).toBeLessThan(1_000);
    expect(JSON.stringify(details).isWellFormed()).toBe(true);
  });
});
