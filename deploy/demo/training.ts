import { setTimeout as delay } from "node:timers/promises";
import { Child } from "./child.ts";
import type { Server } from "./server.ts";

const script = new URL("./trainer.py", import.meta.url).pathname;
const python = new URL("../../.venv/bin/python", import.meta.url).pathname;

export interface Step {
  readonly step: number;
  readonly ids: readonly string[];
  readonly loss: number;
}

export interface TrainingResult {
  /** The surviving steps in order: of a step that was trained again after a kill, the last time. */
  readonly steps: readonly Step[];
  /** Steps that were trained and lost with a kill. */
  readonly repeatedSteps: number;
  readonly heldOut: ReadonlyMap<number, number>;
  /** `<adapter>@<number>`: what was registered. */
  readonly version: string;
}

export interface TrainingOptions {
  readonly server: Server;
  readonly snapshot: string;
  readonly heldOutSnapshot: string;
  readonly steps: number;
  readonly folder: string;
  /** Registered under this name at the end. */
  readonly adapter: string;
  /** Alias that points at it then; none where empty. */
  readonly alias: string;
  readonly onStep: (step: Step) => void;
}

/** One training of all steps; `disturb` runs beside it and may kill what it likes. */
export class Training {
  readonly #options: TrainingOptions;
  readonly #steps = new Map<number, Step>();
  readonly #heldOut = new Map<number, number>();
  #trained = 0;
  #version = "";
  #child: Child | undefined;

  constructor(options: TrainingOptions) {
    this.#options = options;
  }

  get step(): number {
    return this.#steps.size;
  }

  /** Runs to the last step, starting the trainer again whenever it was killed. */
  async run(): Promise<TrainingResult> {
    while (true) {
      this.#child = this.#start();
      const code = await this.#child.ended();
      if (code === 0) break;
      if (code > 0) throw new Error(`The trainer failed:\n${this.#child.errors}`);
    }
    const steps = [...this.#steps.values()].toSorted((a, b) => a.step - b.step);
    return { steps, repeatedSteps: this.#trained - steps.length, heldOut: this.#heldOut, version: this.#version };
  }

  async killTrainer(): Promise<void> {
    await this.#child?.kill();
  }

  #start(): Child {
    const { server, snapshot, heldOutSnapshot, steps, folder, adapter, alias } = this.#options;
    const environment = { LORALOOP_ADDRESS: server.address, XDG_STATE_HOME: server.folder, PYTHONUNBUFFERED: "1" };
    const commandArguments = [
      script,
      "--snapshot",
      snapshot,
      "--held-out",
      heldOutSnapshot,
      "--steps",
      String(steps),
      "--folder",
      folder,
      "--adapter",
      adapter,
      "--alias",
      alias,
    ];
    return new Child(python, commandArguments, environment, (line) => this.#note(JSON.parse(line)));
  }

  #note(line: Step | { step: number; held_out_loss: number } | { registered: string }): void {
    if ("registered" in line) this.#version = line.registered;
    else if ("held_out_loss" in line) this.#heldOut.set(line.step, line.held_out_loss);
    else {
      this.#trained += 1;
      this.#steps.set(line.step, line);
      this.#options.onStep(line);
    }
  }
}

export type Kill = { readonly who: "server" | "trainer"; readonly step: number };

/** Kills server and trainer in turn at random steps, `change` before each; resolves when all kills are done. */
export async function disturb(
  training: Training,
  server: Server,
  steps: number,
  onKill: (kill: Kill) => void,
  change: () => Promise<void>,
): Promise<void> {
  const kills = 6;
  for (let kill = 0; kill < kills; kill += 1) {
    const at = Math.floor(((kill + 0.2 + Math.random() * 0.6) * steps) / kills);
    while (training.step < at) await delay(20);
    await change();
    await delay(Math.random() * 100);
    const who = kill % 2 === 0 ? "server" : "trainer";
    onKill({ who, step: training.step });
    await (who === "server" ? server.crash() : training.killTrainer());
  }
}
