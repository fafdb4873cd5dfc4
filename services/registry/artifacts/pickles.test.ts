import { expect, test } from "vitest";
import { checkPickleHead, checkPickleName } from "./pickles.ts";

const forbidden = expect.objectContaining({ reason: "ADAPTER_FILE_FORBIDDEN" });

test.each([
  ...["adapter_model.bin", "a/b.pt", "x.pth", "x.pkl", "x.pickle", "x.ckpt", "X.BIN", "x.dill", "x.joblib"],
  ...["vectors.npy", "x.npz", "state.pkl.gz", "all.tar", "x.zip"],
])("%s is one by its name, or may hold one", (path) => {
  expect(() => checkPickleName(path)).toThrow(forbidden);
});

test.each(["adapter_model.safetensors", "bin", "README.md", "a.bin/x.json", "tokenizer.model", "merges.txt"])(
  "%s is none by its name",
  (path) => {
    expect(() => checkPickleName(path)).not.toThrow();
  },
);

/** As `pickle.dumps({"a": 1}, protocol)` and `pickle.dumps(os.system, …)` write them, and a ZIP file. */
test.each([
  ["protocol 0", Buffer.from("(dp0\nVa\np1\nI1\ns.")],
  ["protocol 0, a call", Buffer.from("cposix\nsystem\np0\n(Vtrue\np1\ntp2\nRp3\n.")],
  ["protocol 0, an argument before its call", Buffer.from("(S'echo'\nios\nsystem\n.")],
  ["protocol 0, a remembered argument", Buffer.from("Vecho\np0\n0cos\nsystem\n(g0\ntR.")],
  ["protocol 0, a number before the call", Buffer.from("I1\n0cos\nsystem\n(S'echo'\ntR.")],
  ["protocol 1", Buffer.from("7d7100580100000061710100", "hex")],
  ["protocol 2", Buffer.from("80027d710058010000006171014b01732e", "hex")],
  ["protocol 3", Buffer.from("80037d7100", "hex")],
  ["protocol 4", Buffer.from("8004950a000000000000007d948c0161944b01732e", "hex")],
  ["protocol 5", Buffer.from("80059500", "hex")],
  ["ZIP", Buffer.from("504b0304140000", "hex")],
  ["an empty ZIP", Buffer.from("504b050600", "hex")],
])("%s is one by its beginning, whatever its name", (_, head) => {
  expect(() => checkPickleHead("notes.txt", head)).toThrow(forbidden);
  expect(() => checkPickleHead("x.safetensors", head)).toThrow(forbidden);
});

test.each([
  ["README.md", Buffer.from("cats\ndogs\nbirds\n")],
  ["README.md", Buffer.from("(draft)\n")],
  ["vocab.txt", Buffer.from("Vocabulary\ncats\ndogs\n.\n,\n(\n0\n1\n")],
  [".gitignore", Buffer.from("cache\ndist\n.env\n")],
  ["notes.txt", Buffer.from("(if\nthen\nelse)\nS'il vous plaît\nimport\nos\n")],
  ["adapter_config.json", Buffer.from('{"a": 1}')],
  ["list.json", Buffer.from("[]")],
  ["empty", Buffer.alloc(0)],
  ["one", Buffer.of(0x80)],
  // A header of 640 or 1,152 bytes begins as a pickle of protocol 2 or 4 does.
  ["a.safetensors", Buffer.concat([Buffer.from("8002000000000000", "hex"), Buffer.from('{"__metadata__"')])],
  ["a.safetensors", Buffer.concat([Buffer.from("8004000000000000", "hex"), Buffer.from('{"t":')])],
])("%s is none", (path, head) => {
  expect(() => checkPickleHead(path, head)).not.toThrow();
});
