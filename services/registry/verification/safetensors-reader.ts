import { limits } from "../../kit/limits.ts";
import { NotFiniteSearch } from "./not-finite.ts";
import { HeaderProblem, readHeader, type Tensor } from "./safetensors-header.ts";
import { tensorTypes } from "./tensor-types.ts";

/** A tensor with a NaN or an infinity. */
export interface NotFiniteTensor {
  readonly tensor: string;
  /** Index of the element, to within one word. */
  readonly element: number;
}

/** Length of the length of the header. */
const lengthBytes = 8;

/** Reads a safetensors file from pieces that come in order; keeps no more than the header and one element. All methods throw HeaderProblem. */
export class SafetensorsReader {
  /** In order of their bytes; empty until the header came. */
  tensors: readonly Tensor[] = [];
  /** At most one for each tensor, as far as the pieces go. */
  readonly notFinite: NotFiniteTensor[] = [];
  readonly #fileBytes: number;
  #head: Uint8Array = new Uint8Array(lengthBytes);
  #headFilled = 0;
  #headerRead = false;
  #at = 0;
  #next = 0;
  #search: NotFiniteSearch | undefined;

  constructor(fileBytes: number) {
    this.#fileBytes = fileBytes;
    if (fileBytes < lengthBytes) throw new HeaderProblem(`it has ${fileBytes} bytes, less than the length of a header`);
  }

  push(piece: Uint8Array): void {
    let rest = piece;
    while (!this.#headerRead && rest.length > 0) rest = this.#fillHead(rest);
    while (rest.length > 0) rest = this.#passTensor(rest);
  }

  /** After the last piece. */
  end(): void {
    if (!this.#headerRead) throw new HeaderProblem("the file ends inside of its header");
    this.#endTensors();
  }

  #fillHead(piece: Uint8Array): Uint8Array {
    const part = piece.subarray(0, this.#head.length - this.#headFilled);
    this.#head.set(part, this.#headFilled);
    this.#headFilled += part.length;
    if (this.#headFilled === this.#head.length) this.#headFull();
    return piece.subarray(part.length);
  }

  #headFull(): void {
    if (this.#head.length === lengthBytes) this.#makeRoom();
    else {
      this.tensors = readHeader(this.#head.subarray(lengthBytes), this.#fileBytes - this.#head.length);
      this.#head = new Uint8Array(0);
      this.#headerRead = true;
    }
  }

  #makeRoom(): void {
    const length = Buffer.from(this.#head).readBigUInt64LE();
    if (length === 0n || length > BigInt(this.#fileBytes - lengthBytes)) {
      throw new HeaderProblem(`its header would have ${length} bytes, the file has ${this.#fileBytes}`);
    }
    if (length > BigInt(limits.safetensors_header_bytes)) {
      throw new HeaderProblem(
        `its header has ${length} bytes; the limit safetensors_header_bytes is ${limits.safetensors_header_bytes}`,
      );
    }
    const head = new Uint8Array(lengthBytes + Number(length));
    head.set(this.#head);
    this.#head = head;
  }

  #passTensor(piece: Uint8Array): Uint8Array {
    this.#endTensors();
    const tensor = this.tensors[this.#next];
    if (tensor === undefined) throw new HeaderProblem("the file is longer than it was");
    if (this.#at === tensor.begin) this.#search = searchOf(tensor);
    const part = piece.subarray(0, tensor.end - this.#at);
    this.#note(tensor, this.#search?.push(part));
    this.#at += part.length;
    return piece.subarray(part.length);
  }

  /** Ends the tensor that is read to its end, and passes those without elements. */
  #endTensors(): void {
    for (let tensor = this.tensors[this.#next]; tensor?.end === this.#at; tensor = this.tensors[++this.#next]) {
      this.#note(tensor, this.#search?.end());
      this.#search = undefined;
    }
  }

  #note({ name, type }: Tensor, place: number | undefined): void {
    if (place === undefined) return;
    this.notFinite.push({ tensor: name, element: Math.floor((place * 8) / (tensorTypes.get(type)?.bits ?? 8)) });
    this.#search = undefined;
  }
}

function searchOf({ type }: Tensor): NotFiniteSearch | undefined {
  const test = tensorTypes.get(type)?.notFinite;
  return test && new NotFiniteSearch(test);
}
