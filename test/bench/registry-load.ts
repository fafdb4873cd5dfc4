/** What a registry is asked to do. */
export interface RegistryLoad {
  /** Calls that are under way at any time. */
  readonly concurrency: number;
  readonly adapters: number;
  /** Of each adapter. */
  readonly versions: number;
  readonly reads: number;
}

/** Calls a second. */
export interface RegistrySpeed {
  readonly registrations: number;
  readonly reads: number;
}

/** The calls that both registries have. */
export interface RegistryCalls {
  readonly putAdapter: (adapter: string) => Promise<unknown>;
  readonly register: (adapter: string) => Promise<unknown>;
  readonly moveAlias: (adapter: string, version: number) => Promise<unknown>;
  readonly get: (adapter: string, version: number) => Promise<unknown>;
  readonly resolve: (adapter: string) => Promise<unknown>;
}

/** Registers versions of all adapters in turn, then reads: every other one by its number, the rest by an alias. A tenth more of each comes first and does not count. */
export async function runRegistryLoad(load: RegistryLoad, calls: RegistryCalls): Promise<RegistrySpeed> {
  const { concurrency, adapters, versions, reads } = load;
  const name = (number: number): string => `adapter-${number % adapters}`;
  await atOnce(concurrency, adapters, (number) => calls.putAdapter(name(number)));
  const register = (number: number): Promise<unknown> => calls.register(name(number));
  await atOnce(concurrency, Math.ceil((adapters * versions) / 10), register);
  const registrations = await atOnce(concurrency, adapters * versions, register);
  await atOnce(concurrency, adapters, (number) => calls.moveAlias(name(number), versions));
  const read = (number: number): Promise<unknown> =>
    number % 2 === 0 ? calls.resolve(name(number / 2)) : calls.get(name(number), (number % versions) + 1);
  await atOnce(concurrency, Math.ceil(reads / 10), read);
  return { registrations, reads: await atOnce(concurrency, reads, read) };
}

/** Makes so many calls, so many at once. Returns how many there were in a second. */
async function atOnce(concurrency: number, count: number, call: (number: number) => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      await call(number);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return (count * 1_000) / (performance.now() - start);
}
