import { DeletedData, Provenance, TrainingSnapshot } from "../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredHold } from "../../proto/gen/loraloop/storage/v1/registry.ts";
import { ServiceError } from "../../services/kit/errors.ts";
import { deleteAdapter } from "../../services/registry/commands/delete-adapter.ts";
import { deleteVersion } from "../../services/registry/commands/delete-version.ts";
import { moveAlias } from "../../services/registry/commands/move-alias.ts";
import { putAdapter } from "../../services/registry/commands/put-adapter.ts";
import { putVersionMetadata } from "../../services/registry/commands/put-version-metadata.ts";
import { quarantineVersion } from "../../services/registry/commands/quarantine-version.ts";
import { releaseVersion } from "../../services/registry/commands/release-version.ts";
import { reportMetrics } from "../../services/registry/commands/report-metrics.ts";
import { restoreAdapter } from "../../services/registry/commands/restore-adapter.ts";
import { restoreVersion } from "../../services/registry/commands/restore-version.ts";
import { holdKey } from "../../services/registry/keys.ts";
import { knownHold, tellDeletedData } from "../../services/registry/training/deleted-data.ts";
import { namesOfSnapshot } from "../../services/registry/training/versions-of.ts";
import type { Random } from "../data/random.ts";
import { type RegistryPlace, registryCaller } from "./registry-place.ts";

const restorable = ["a", "a-b", "a.b"];
/** Its versions were trained on a snapshot: deleted it would not come back without an export service. */
const trained = "c";
const adapters = [...restorable, trained];
const snapshot = "5a".repeat(32);
const never = new AbortController().signal;
const aliases = ["production", "next"];

/** Does one thing of those that change adapters, at random; what is refused in the state of things is no failure. */
export async function changeSomething(place: RegistryPlace, random: Random): Promise<void> {
  try {
    await random.pick(changes)(place, random);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
  }
}

type ChangeOf = (place: RegistryPlace, random: Random) => Promise<unknown>;

const one = (random: Random) => ({ adapter: random.pick(adapters), version: random.between(1, 4) });

const changes: readonly ChangeOf[] = [
  (place, random) => place.makeVersion(random.pick(adapters)),
  (place) => place.makeVersion(trained, { provenance: ofSnapshot }),
  deleteRecord,
  ({ context }, random) => moveAlias(context, 1, aliasMove(random)),
  ({ context }, random) => moveAlias(context, 1, aliasMove(random)),
  ({ context }, random) => deleteVersion(context, registryCaller, one(random)),
  ({ context }, random) => restoreVersion(context, registryCaller, one(random), never),
  ({ context }, random) => deleteAdapter(context, 1, random.pick(restorable)),
  ({ context }, random) => restoreAdapter(context, registryCaller, random.pick(restorable), never),
  ({ context }, random) => quarantineVersion(context, registryCaller, one(random), `reason ${random.next()}`),
  ({ context }, random) => releaseVersion(context, 1, one(random)),
  ({ context }, random) =>
    putVersionMetadata(context, 1, one(random), {
      metadata: { at: String(random.next()) },
      expectedRevision: undefined,
    }),
  ({ context }, random) =>
    reportMetrics(context, 1, one(random), [
      { metric: "loss", value: random.next(), timeMicros: BigInt(random.between(1, 9)), step: 0n, source: "" },
    ]),
  ({ context }, random) =>
    putAdapter(context, registryCaller, {
      adapter: random.pick(adapters),
      description: String(random.next()),
      metadata: {},
      expectedRevision: undefined,
    }),
  // What nobody watches.
  ({ store }) => store.commit(1, [{ put: Buffer.from("request/other"), value: new Uint8Array() }]),
];

const ofSnapshot = Provenance.create({ snapshots: [TrainingSnapshot.create({ snapshot })] });

/** One more record of the snapshot is deleted, and all versions of it are told, as the reconciler does. */
async function deleteRecord({ store }: RegistryPlace): Promise<void> {
  const { hold } = await knownHold(store, 1, snapshot);
  const deletedData = DeletedData.create({ recordCount: (hold.deletedData?.recordCount ?? 0n) + 1n });
  const value = StoredHold.encode({ ...hold, deletedData }).finish();
  await store.commit(1, [{ put: holdKey(Buffer.from(snapshot, "hex")), value }]);
  for await (const name of namesOfSnapshot(store, 1, snapshot)) await tellDeletedData(store, 1, name);
}

function aliasMove(random: Random) {
  const version = random.between(0, 4);
  return {
    adapter: random.pick(adapters),
    alias: random.pick(aliases),
    version,
    expectedRevision: undefined,
    reason: "",
    actor: "tester",
  };
}
