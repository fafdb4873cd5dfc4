/** An element type of safetensors. */
export interface TensorType {
  /** Bits of an element. */
  readonly bits: number;
  /** How an element that is NaN or an infinity is told; absent where the type has none. */
  readonly notFinite?: NotFinite;
  /** Whether PEFT loads weights of this type. */
  readonly weights?: boolean;
}

/**
 * How to tell in 32 bits at a time. `exponent` masks the bits that are all set in what is not finite; adding `carry` then sets the bit above
 * them, which is among `overflow`. Elements of 64 bits have these in their second half, of which `every` is 2.
 */
export interface ExponentTest {
  readonly exponent: number;
  readonly carry: number;
  readonly overflow: number;
  readonly every: 1 | 2;
}

export type NotFinite = ExponentTest | { readonly byte: number };

const exponents = (exponent: number, carry: number, overflow: number, every: 1 | 2 = 1): ExponentTest => ({
  exponent,
  carry,
  overflow,
  every,
});
const float32 = exponents(0x7f80_0000, 0x0080_0000, 0x8000_0000);

/** All types of safetensors 0.8 by their names in a header. The types of 4 and 6 bits have neither NaN nor infinities. */
export const tensorTypes: ReadonlyMap<string, TensorType> = new Map<string, TensorType>([
  ["F64", { bits: 64, notFinite: exponents(0x7ff0_0000, 0x0010_0000, 0x8000_0000, 2), weights: true }],
  ["F32", { bits: 32, notFinite: float32, weights: true }],
  ["F16", { bits: 16, notFinite: exponents(0x7c00_7c00, 0x0400_0400, 0x8000_8000), weights: true }],
  ["BF16", { bits: 16, notFinite: exponents(0x7f80_7f80, 0x0080_0080, 0x8000_8000), weights: true }],
  ["F8_E5M2", { bits: 8, notFinite: exponents(0x7c7c_7c7c, 0x0404_0404, 0x8080_8080), weights: true }],
  ["F8_E4M3", { bits: 8, notFinite: exponents(0x7f7f_7f7f, 0x0101_0101, 0x8080_8080), weights: true }],
  ["F8_E5M2FNUZ", { bits: 8, notFinite: { byte: 0x80 }, weights: true }],
  ["F8_E4M3FNUZ", { bits: 8, notFinite: { byte: 0x80 }, weights: true }],
  ["F8_E8M0", { bits: 8, notFinite: { byte: 0xff } }],
  ["C64", { bits: 64, notFinite: float32 }],
  ["F6_E2M3", { bits: 6 }],
  ["F6_E3M2", { bits: 6 }],
  ["F4", { bits: 4 }],
  ["BOOL", { bits: 8 }],
  ["U8", { bits: 8 }],
  ["I8", { bits: 8 }],
  ["U16", { bits: 16 }],
  ["I16", { bits: 16 }],
  ["U32", { bits: 32 }],
  ["I32", { bits: 32 }],
  ["U64", { bits: 64 }],
  ["I64", { bits: 64 }],
]);

/** Names of the types that weights of adapters may have. */
export const weightTypes: readonly string[] = [...tensorTypes].flatMap(([name, { weights }]) =>
  weights ? [name] : [],
);
