import { describe, expect, test } from "vitest";
import { mapInOrder } from "./map-in-order.ts";

/** Work that ends when told, and a log of what has begun. */
function controlled() {
  const begun: number[] = [];
  const ends = new Map<number, PromiseWithResolvers<string>>();
  const work = (item: number): Promise<string> => {
    begun.push(item);
    const end = Promise.withResolvers<string>();
    ends.set(item, end);
    return end.promise;
  };
  return {
    begun,
    work,
    end: (item: number) => ends.get(item)?.resolve(`done ${item}`),
    fail: (item: number) => ends.get(item)?.reject(new Error(`bad ${item}`)),
  };
}

async function* numbers(count: number): AsyncGenerator<number> {
  for (let number = 0; number < count; number++) yield number;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("mapInOrder", () => {
  test("works on as many items as allowed and yields in their order", async () => {
    const { begun, work, end } = controlled();
    const results = mapInOrder(numbers(5), 2, work);
    const first = results.next();
    await settled();
    expect(begun).toEqual([0, 1]);
    end(1);
    await settled();
    expect(begun).toEqual([0, 1]);
    end(0);
    expect((await first).value).toBe("done 0");
    expect((await results.next()).value).toBe("done 1");
    const third = results.next();
    await settled();
    expect(begun).toEqual([0, 1, 2, 3]);
    end(2);
    expect((await third).value).toBe("done 2");
  });

  test("yields a result while it waits for the next item", async () => {
    const waiting = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<number> {
      yield 1;
      await waiting.promise;
    }
    const results = mapInOrder(slow(), 4, async (item) => item * 2);
    expect((await results.next()).value).toBe(2);
    waiting.resolve();
    expect((await results.next()).done).toBe(true);
  });

  test("ends with the first failure, after what runs beside it", async () => {
    const { begun, work, end, fail } = controlled();
    const results = mapInOrder(numbers(9), 3, work);
    let over = false;
    const first = results.next().finally(() => {
      over = true;
    });
    await settled();
    fail(0);
    await settled();
    expect(over).toBe(false);
    end(1);
    end(2);
    await expect(first).rejects.toThrow("bad 0");
    expect(begun).toEqual([0, 1, 2]);
  });

  test("hands on the failure of the items", async () => {
    async function* broken(): AsyncGenerator<number> {
      yield 1;
      throw new Error("broken off");
    }
    const results = mapInOrder(broken(), 2, async (item) => item);
    await expect(Array.fromAsync(results)).rejects.toThrow("broken off");
  });
});
