import { createHash } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Client } from "../../clients/typescript/src/index.ts";
import { makeDocuments } from "../data/documents.ts";
import { python, resultOf, root, startProgram } from "../support/command.ts";
import { FarAway } from "../support/far-away.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";

const ROUND_TRIP_MILLIS = 150;

test("150 ms away, both clients see the same samples, and zstd sends a fraction of the bytes", {
  timeout: 120_000,
}, async () => {
  await using server = await LoraloopProcess.start();
  const token = await server.token();
  const documents = makeDocuments(8000);
  const snapshot = await seal(server, documents);
  await using way = await FarAway.open(Number(server.address.split(":")[1]), ROUND_TRIP_MILLIS);
  await using far = new Client({ address: way.address, token });
  const env = { ...server.environment, LORALOOP_ADDRESS: way.address, LORALOOP_TOKEN: token };
  const digests = new Set<string>();
  const bytes: Record<string, number> = {};
  for (const compression of ["none", "zstd"] as const) {
    way.takeBytes();
    const digest = createHash("sha256");
    const plan = { shuffle: true, seed: 3 };
    for await (const sample of far.stream({ snapshot }, { plan, compression })) digest.update(String(sample["text"]));
    digests.add(digest.digest("hex"));
    bytes[compression] = way.takeBytes();
    const program = [join(root, "test/e2e/far_away.py"), snapshot, compression];
    const result = await resultOf(startProgram(python, program, { env }));
    expect(result.stderr).toBe("");
    const answer = JSON.parse(result.stdout);
    expect(answer.next_index).toBe(documents.length);
    digests.add(answer.digest);
    expect(way.takeBytes() / (bytes[compression] as number)).toBeCloseTo(1, 1);
  }
  expect(digests.size).toBe(1);
  expect(bytes["none"]).toBeGreaterThan(8_000_000);
  expect(bytes["zstd"]).toBeLessThan((bytes["none"] as number) / 2);
});

async function seal(server: LoraloopProcess, documents: ReturnType<typeof makeDocuments>): Promise<string> {
  await using near = new Client({ address: server.address, token: await server.token() });
  await near.ingest(
    "documents",
    documents.map((fields) => ({ id: fields.id, fieldsJson: JSON.stringify(fields) })),
  );
  const spec = { collection: "documents", format: "text" };
  const { key } = await near.buildSnapshot({ source: { $case: "spec", value: spec } });
  return key;
}
