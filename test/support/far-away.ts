import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A way to a server that is long: everything takes half a round trip in each direction. Counts what comes from the server. */
export class FarAway implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #bytes = 0;

  private constructor(target: number, roundTripMillis: number) {
    this.#server = createServer((near) => {
      const far = connect(target, "127.0.0.1");
      this.#delay(near, far, roundTripMillis / 2, () => undefined);
      this.#delay(far, near, roundTripMillis / 2, (bytes) => {
        this.#bytes += bytes;
      });
    });
  }

  static async open(target: number, roundTripMillis: number): Promise<FarAway> {
    const way = new FarAway(target, roundTripMillis);
    way.#server.listen(0, "127.0.0.1");
    await once(way.#server, "listening");
    return way;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Bytes from the server since this was last asked. */
  takeBytes(): number {
    const bytes = this.#bytes;
    this.#bytes = 0;
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #delay(from: Socket, to: Socket, millis: number, count: (bytes: number) => void): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on("data", (bytes) => {
      count(bytes.length);
      setTimeout(() => to.write(bytes), millis);
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      setTimeout(() => to.end(), millis);
    });
  }
}
