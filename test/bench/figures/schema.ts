import { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { type Figure, median } from "../figure.ts";
import { firstPass } from "../passes.ts";
import { textDataset } from "../samples.ts";

const schema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  required: ["text"],
  properties: { text: { type: "string", minLength: 20, maxLength: 100_000 } },
  additionalProperties: false,
};

/** What a schema adds to a first pass. */
export const schemaFigure: Figure = {
  names: ["schema_overhead"],
  async measure(bench) {
    await using server = await bench.serve();
    const { schemaValidation } = DatasetSpec.fromPartial({ schemaValidation: { jsonSchema: JSON.stringify(schema) } });
    const [plain, checked]: [number[], number[]] = [[], []];
    for (let round = 0; round <= bench.rounds; round += 1) {
      plain.push(await firstPass(server, textDataset(`plain ${round}`)));
      checked.push(await firstPass(server, textDataset(`checked ${round}`, { schemaValidation })));
    }
    const [without, withSchema] = [median(plain.slice(1)), median(checked.slice(1))];
    return [
      {
        figure: "schema_overhead",
        value: (withSchema / without - 1) * 100,
        unit: "%",
        goal: { kind: "at most", than: 10 },
        ours: withSchema,
        peer: without,
        measuredIn: "ms",
        peerName: "the same pass without a schema",
      },
    ];
  },
};
