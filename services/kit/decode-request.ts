import { BinaryReader } from "@bufbuild/protobuf/wire";
import { ServerError, Status, type TsProtoServiceDefinition } from "nice-grpc";
import { ServiceError } from "./errors.ts";
import { limitExceeded } from "./field.ts";
import { limits } from "./limits.ts";

type MessageType = TsProtoServiceDefinition["methods"][string]["requestType"];

/**
 * A message of a request, not yet decoded: what strangers send stays bytes until `admitCalls` knows their token. Throws
 * LIMIT_EXCEEDED, and INTERNAL for bytes that are no such message.
 */
export type UndecodedRequest<Request> = () => Request;

/** The decoder of a message type, for texts in UTF-8 and messages of at most `message_parts`. */
export function requestDecoder(type: MessageType): (bytes: Uint8Array) => UndecodedRequest<unknown> {
  const decode: (input: never) => unknown = type.decode;
  return (bytes) => () => {
    try {
      return decode(new RequestReader(bytes, readText) as never);
    } catch (error) {
      if (error instanceof ServiceError) throw error;
      throw Object.assign(new ServerError(Status.INTERNAL, "Error deserializing request"), { cause: error });
    }
  };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Refuses a text that is not UTF-8, which would become U+FFFD: texts are kept as they were sent or not at all. */
function readText(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

const readUint32 = new BinaryReader(new Uint8Array()).uint32;

/** Counts what it reads: an empty message of a list has two bytes on the wire and some hundred in memory. */
class RequestReader extends BinaryReader {
  #parts = 0;

  /** Tags and lengths too. A property, as the one it takes the place of. */
  override uint32: () => number = () => {
    this.#count();
    return readUint32.call(this);
  };

  override uint64(): bigint | string {
    this.#count();
    return super.uint64();
  }

  #count(): void {
    this.#parts += 1;
    if (this.#parts <= limits.message_parts) return;
    throw limitExceeded("message_parts", this.#parts, "The number of the message's parts (counting ended there)");
  }
}
