import { answerCalls } from "../../../kit/thread-answers.ts";
import type { FolderAnswer, FolderQuestion } from "./folder-reader.ts";
import { listFolder, readPiece } from "./read-folder.ts";

function answer(question: FolderQuestion): FolderAnswer {
  return "list" in question ? listFolder(question.list) : readPiece(question.piece);
}

answerCalls(answer, (given) => ("bytes" in given ? [given.bytes.buffer] : []));
