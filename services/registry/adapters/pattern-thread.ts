import { answerCalls } from "../../kit/thread-answers.ts";
import { patternProblem } from "./constraint-pattern.ts";

answerCalls(patternProblem);
