import { answerCalls } from "../../../kit/thread-answers.ts";
import type { FolderAnswer, FolderQuestion } from "./folder-reader.ts";
import { findFolder, listFolder, readPiece } from "./read-folder.ts";

function answer(question: FolderQuestion): FolderAnswer {
  if ("find" in question) return findFolder(question.find);
  return "list" in question ? listFolder(question.list) : readPiece(question.piece);
}

answerCalls(answer, (given) => (typeof given === "object" && "bytes" in given ? [given.bytes.buffer] : []));
