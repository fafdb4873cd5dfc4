import type { Clock } from "./store.ts";

export const systemClock: Clock = { now: () => BigInt(Date.now()) * 1000n };
