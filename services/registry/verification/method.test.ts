import { expect, test } from "vitest";
import { Method, Quantization } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { methodOf } from "./method.ts";

const { METHOD_UNSPECIFIED: any, METHOD_LORA: lora, METHOD_QLORA: qlora, METHOD_DORA: dora } = Method;
const quantized = Quantization.create({ library: "bitsandbytes", bits: 4 });

test.each<[boolean, Quantization | undefined, Method]>([
  [false, undefined, lora],
  [false, quantized, qlora],
  [true, undefined, dora],
  [true, quantized, dora],
])("with DoRA %s and quantisation %j the method is %d, and no other", (useDora, quantization, expected) => {
  for (const declared of [any, expected]) expect(methodOf({ useDora }, declared, quantization)).toBe(expected);
  for (const declared of [lora, qlora, dora, 9 as Method].filter((method) => method !== expected)) {
    expect(() => methodOf({ useDora }, declared, quantization)).toThrow(
      expect.objectContaining({ reason: "FIELD_INVALID", metadata: expect.objectContaining({ field: "method" }) }),
    );
  }
});
