import { StoredLayers } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { answerCalls } from "../../kit/thread-answers.ts";
import { type Inspected, Inspection, type InspectionRequest } from "./inspection.ts";
import type { InspectionMessage, InspectionStep, PackedRequest, Piece } from "./inspection-messages.ts";

const inspections = new Map<number, Inspection>();

/** What the last step gave. An error ends the inspection. */
function perform({ inspection, steps }: InspectionMessage): Inspected | undefined {
  try {
    let inspected: Inspected | undefined;
    for (const step of steps) inspected = act(inspection, step);
    return inspected;
  } catch (error) {
    inspections.delete(inspection);
    throw error;
  }
}

function act(number: number, step: InspectionStep): Inspected | undefined {
  const inspection = inspections.get(number);
  switch (step.kind) {
    case "begin":
      inspections.set(number, new Inspection(unpacked(step.request)));
      return undefined;
    case "piece":
      // One that had a fault may have sent another piece before it heard of it.
      if (inspection !== undefined) take(inspection, step.piece);
      return undefined;
    case "finish":
      inspections.delete(number);
      return inspection?.finish();
    case "forget":
      inspections.delete(number);
      return undefined;
  }
}

function unpacked({ base: { baseModel, layers }, ...request }: PackedRequest): InspectionRequest {
  return { ...request, base: { ...baseModel, layers: StoredLayers.decode(layers).layers } };
}

function take(inspection: Inspection, { path, byteCount, bytes, isFirst, isLast }: Piece): void {
  if (isFirst) inspection.beginFile(path, byteCount);
  inspection.data(bytes);
  // The collector would leave many of them: they are large, and little else becomes garbage here.
  (bytes.buffer as ArrayBuffer).transfer(0);
  if (isLast) inspection.endFile();
}

answerCalls(perform);
