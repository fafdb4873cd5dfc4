import { ThreadCalls } from "../../kit/thread-calls.ts";
import { HeaderRoom } from "./header-room.ts";
import type { Inspected } from "./inspection.ts";
import type { InspectionMessage, InspectionStep, PackedRequest, Piece } from "./inspection-messages.ts";

type Ask = (steps: readonly InspectionStep[]) => Promise<Inspected | undefined>;

/** Bytes of files that wait to be sent: small adapters go as one message. */
const MESSAGE_BYTES = 256 * 1024;

/**
 * Inspects adapters in a thread of its own, which starts when it is needed; inspections that run at once take turns by pieces of files.
 * What an inspection asks is answered in order.
 */
export class Inspections implements AsyncDisposable {
  readonly room: HeaderRoom = new HeaderRoom();
  readonly #thread: ThreadCalls<InspectionMessage, Inspected | undefined> = new ThreadCalls(
    new URL("./inspection-thread.ts", import.meta.url),
    { name: "inspections", resourceLimits: { maxOldGenerationSizeMb: 512 } },
  );
  #last = 0;

  /** Begins an inspection; dispose it in the end. All methods of it reject with the ServiceError of the first fault where the request asks for that. */
  begin(request: PackedRequest): RemoteInspection {
    const inspection = ++this.#last;
    return new RemoteInspection(request, (steps) => this.#thread.ask({ inspection, steps }, transfersOf(steps)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#thread[Symbol.asyncDispose]();
  }
}

/** An inspection in the thread; see `Inspection`. */
export class RemoteInspection implements Disposable {
  readonly #ask: Ask;
  /** What was not sent yet. */
  #steps: InspectionStep[];
  #bytes = 0;
  /** What the thread works on. */
  #underWay: Promise<unknown> | undefined;
  #isFinished = false;

  constructor(request: PackedRequest, ask: Ask) {
    this.#ask = ask;
    this.#steps = [{ kind: "begin", request }];
  }

  /** Resolves once what was sent before was worked on, so that reading goes on meanwhile. The bytes go with it. */
  async piece(piece: Piece): Promise<void> {
    const bytes = withOwnMemory(piece.bytes);
    this.#steps.push({ kind: "piece", piece: { ...piece, bytes } });
    this.#bytes += bytes.length;
    if (this.#bytes < MESSAGE_BYTES) return;
    const before = this.#underWay;
    this.#sendLater();
    await before;
  }

  /** After the last piece. */
  async finish(): Promise<Inspected> {
    await this.#underWay;
    this.#isFinished = true;
    const inspected = await this.#send({ kind: "finish" });
    if (inspected === undefined) throw new Error("The thread of inspections was replaced meanwhile.");
    return inspected;
  }

  [Symbol.dispose](): void {
    if (!this.#isFinished && this.#underWay !== undefined) this.#sendLater({ kind: "forget" });
  }

  #send(...last: InspectionStep[]): Promise<Inspected | undefined> {
    const steps = [...this.#steps, ...last];
    this.#steps = [];
    this.#bytes = 0;
    return this.#ask(steps);
  }

  /** Sends what something may wait for, or nothing ever does. */
  #sendLater(...last: InspectionStep[]): void {
    const sent = this.#send(...last);
    sent.catch(() => undefined);
    this.#underWay = sent;
  }
}

/** Bytes that are all of their memory; others, e.g. of a pool, are copied. */
function withOwnMemory(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

/** The memory that moves with a message. */
function transfersOf(steps: readonly InspectionStep[]): ArrayBuffer[] {
  return steps.flatMap((step) => (step.kind === "piece" ? [step.piece.bytes.buffer as ArrayBuffer] : []));
}
