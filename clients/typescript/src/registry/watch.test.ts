import { Status } from "nice-grpc";
import { ClientError } from "nice-grpc-common";
import { ErrorInfo, RichClientError } from "nice-grpc-error-details";
import { expect, test } from "vitest";
import { WatchAdaptersResponse } from "../../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { RpcError } from "../errors.ts";
import { type OpenWatch, watchAdapters } from "./watch.ts";

type Said = readonly [revision: number, name: string | undefined];

/** Servers that say these things one after the other; each breaks off at its end. A name is an adapter that changed, none a checkpoint. */
function servers(asked: (bigint | string | number | undefined)[], ...calls: readonly (readonly Said[])[]): OpenWatch {
  const left = [...calls];
  return async function* ({ afterRevision }) {
    asked.push(afterRevision);
    const said = left.shift();
    if (said === undefined) throw compacted();
    for (const [revision, name] of said) {
      const change =
        name === undefined
          ? ({ $case: "checkpoint", value: {} } as const)
          : ({ $case: "adapter", value: { name } } as const);
      yield WatchAdaptersResponse.fromPartial({ revision: BigInt(revision), change });
    }
    throw new RpcError(new ClientError("", Status.UNAVAILABLE, "The connection is gone."));
  };
}

function compacted(): RpcError {
  const info = ErrorInfo.fromPartial({ reason: "REVISION_COMPACTED", domain: "loraloop.dev" });
  return new RpcError(new RichClientError("", Status.OUT_OF_RANGE, "Revision 7 is compacted.", [info]));
}

test("commits come whole and once, however a connection breaks off, and a watch that cannot go on says so", async () => {
  const asked: (bigint | string | number | undefined)[] = [];
  const open = servers(
    asked,
    [
      [3, undefined],
      [4, "a"],
      [4, "b"],
      [4, undefined],
      [5, "c"],
    ],
    [
      [4, undefined],
      [5, "c"],
      [5, "d"],
      [6, "e"],
      [7, undefined],
    ],
  );
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { revision, changes } of watchAdapters(open, {}))
      seen.push(`${revision} ${changes.map(({ value }) => "name" in value && value.name).join("")}`);
  })();
  await expect(watching).rejects.toMatchObject({ name: "RevisionCompactedError", afterRevision: 7n });
  expect(seen).toEqual(["3 ", "4 ab", "5 cd", "6 e", "7 "]);
  expect(asked).toEqual([undefined, 4n, 7n]);
});
