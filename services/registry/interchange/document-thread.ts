import { answerCalls } from "../../kit/thread-answers.ts";
import { perform } from "./document-task.ts";

answerCalls(perform);
