import { answerCalls } from "../../kit/thread-answers.ts";
import { type Inspected, Inspection } from "./inspection.ts";
import type { InspectionMessage, InspectionStep, Piece } from "./inspection-messages.ts";

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
      inspections.set(number, new Inspection(step.request));
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

function take(inspection: Inspection, { path, byteCount, bytes, isFirst, isLast }: Piece): void {
  if (isFirst) inspection.beginFile(path, byteCount);
  inspection.data(bytes);
  // The collector would leave many of them: they are large, and little else becomes garbage here.
  (bytes.buffer as ArrayBuffer).transfer(0);
  if (isLast) inspection.endFile();
}

answerCalls(perform);
