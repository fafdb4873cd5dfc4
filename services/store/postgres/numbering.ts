import { checkExpectation, keyText, mutationKey } from "../checks.ts";
import { type Clock, type Expectation, type Head, type Mutation, type Revision, StoreError } from "../store.ts";

/** A checked commit that waits for its turn. */
export interface Request {
  readonly mutations: readonly Mutation[];
  readonly expectations: readonly Expectation[];
  /** Of all keys and values. */
  readonly bytes: number;
}

export interface Accepted {
  readonly head: Head;
  readonly mutations: readonly Mutation[];
}

/** Checks each request against those before it and numbers what passes. */
export class Numbering {
  readonly accepted: Accepted[] = [];
  readonly #clock: Clock;
  /** Revision of the last write by key text; 0 for a delete. Kept only while somebody expects something. */
  readonly #current: Map<string, Revision> | undefined;
  #head: Head;

  constructor(head: Head, clock: Clock, current: Map<string, Revision> | undefined) {
    this.#head = head;
    this.#clock = clock;
    this.#current = current;
  }

  accept({ mutations, expectations }: Request): Head | StoreError {
    try {
      for (const one of expectations) checkExpectation(one, this.#current?.get(keyText(one.key)) ?? 0n);
    } catch (error) {
      if (error instanceof StoreError) return error;
      throw error;
    }
    this.#advance();
    for (const one of this.#current ? mutations : []) {
      this.#current?.set(keyText(mutationKey(one)), "put" in one ? this.#head.revision : 0n);
    }
    this.accepted.push({ head: this.#head, mutations });
    return this.#head;
  }

  #advance(): void {
    const now = this.#clock.now();
    const earliest = this.#head.time + 1n;
    this.#head = { revision: this.#head.revision + 1n, time: now > earliest ? now : earliest };
  }
}
