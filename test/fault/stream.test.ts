import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Client } from "../../clients/typescript/src/index.ts";
import { makeDocuments } from "../data/documents.ts";
import { newSeed, Random } from "../data/random.ts";
import { type Fields, readRecords, realFiles } from "../data/real-data.ts";
import { python, root, startProgram } from "../support/command.ts";
import { expectedSnapshot } from "../support/expected-snapshot.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { ChildLines } from "./child-lines.ts";
import { killCount, killPlaces, killSomething, timeLimit } from "./kills.ts";
import { Neighbour } from "./neighbour.ts";

const asOfMicros = Date.UTC(2026, 0, 1) * 1000;
const spec = {
  collection: "documents",
  format: "text",
  weighting: { auto_weight_by_length: true },
  metadata_fields: ["id"],
};
const readers = [
  [process.execPath, join(root, "test/fault/read-samples.ts")],
  [python, join(root, "test/fault/read_samples.py")],
] as const;

const kills = killCount(10);

test("kill -9 of reader and server in one pass, while records change: nothing lost, nothing repeated", {
  timeout: timeLimit(kills),
}, async () => {
  const seed = newSeed();
  const random = new Random(seed);
  const records = realRecords() ?? makeDocuments(8657);
  await using server = await LoraloopProcess.start();
  const { environment: env } = server;
  await using client = new Client({ address: server.address, token: await server.token() });
  const { revision } = await client.ingest("documents", records.map(toInput));
  const files = ["log", "state.json", "source.json"].map((name) => join(server.folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(files[2], JSON.stringify({ spec, revision: Number(revision), as_of_micros: asOfMicros }));

  await using neighbour = new Neighbour(client, "documents", records, random);
  await using reader = new ChildLines(() => {
    const [program, file] = random.pick(readers);
    return startProgram(program, [file, ...files], { env });
  });
  // Between 8 and 24 samples at a time: about so many turns.
  const places = killPlaces(random, kills, Math.floor(records.length / 20));
  let answer = "";
  for (let turn = 0; !answer.startsWith("end"); turn += 1) {
    reader.tell(String(random.between(8, 24)));
    const killed = places[0] === turn && places.shift() !== undefined && (await killSomething(random, reader, server));
    if (!killed) answer = await reader.answer();
  }

  const samples = records.map(toSample);
  const expected = expectedSnapshot(samples);
  const log = readFileSync(files[0], "utf8").split("\n").slice(0, -1);
  const lines = new Map(samples.map((sample) => [sample.id, sample.logLine]));
  expect(log, `seed ${seed}`).toEqual(expected.samples.map(({ id }) => lines.get(id)));
  expect(answer, `seed ${seed}`).toBe(`end ${expected.digest}`);
  expect(places).toEqual([]);
  expect(neighbour.writes).toBeGreaterThan(kills / 2);
  expect(server.errors).toBe("");
});

function realRecords(): Fields[] | undefined {
  const files = realFiles("court-decisions");
  return files && readRecords(files);
}

function toInput(fields: Fields) {
  return { id: fields.id, fieldsJson: JSON.stringify(fields) };
}

/** Computed from the rules, with nothing of the server's. */
function toSample(fields: Fields) {
  const { id } = fields;
  const text = String(fields["text"]);
  const weightMicros = Math.floor((1 + Math.min(0.5, [...text].length / 2000)) * 1e6 + 0.5);
  const digest = createHash("sha256").update(text).digest("hex");
  return {
    id,
    line: JSON.stringify({ text, metadata: { id } }),
    weightMicros,
    logLine: `${id} ${digest} ${weightMicros}`,
  };
}
