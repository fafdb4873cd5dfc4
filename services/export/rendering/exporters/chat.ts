import { RejectReason } from "../../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { Exporter, Parts, Refusal, Sample } from "../exporter.ts";
import { kindOf, shown } from "../rejection.ts";

/**
 * `{"messages": [{"role", "content"} …], "tools"?}`, of `system`, `user` and `assistant`, or of `messages` with any number of turns.
 * Messages keep all their keys (`tool_calls`, `name`, …); a `system` part goes before them unless they begin with one.
 */
export const chat: Exporter = {
  format: "chat",
  parts: [
    { name: "messages", type: "any", required: false, unlessMapped: ["user", "assistant"] },
    { name: "system", type: "text", required: false },
    { name: "user", type: "text", required: true, unlessMapped: ["messages"], unless: "messages" },
    { name: "assistant", type: "text", required: true, unlessMapped: ["messages"], unless: "messages" },
    { name: "tools", type: "any", required: false },
  ],
  sample(parts) {
    if (parts["tools"] !== undefined && !Array.isArray(parts["tools"])) {
      return wrongType(`Field 'tools' must be a list, not ${kindOf(parts["tools"])}`);
    }
    return parts["messages"] === undefined ? singleTurn(parts) : manyTurns(parts, parts["messages"]);
  },
};

interface Message {
  readonly role: string;
  readonly content?: unknown;
  readonly tool_calls?: unknown;
}

const roles: ReadonlySet<unknown> = new Set(["system", "developer", "user", "assistant", "tool"]);

function singleTurn(parts: Parts): Sample | Refusal {
  if (parts["user"] === undefined || parts["assistant"] === undefined) {
    return missing("messages");
  }
  const messages: Message[] = [
    { role: "user", content: parts["user"] },
    { role: "assistant", content: parts["assistant"] },
  ];
  return sampleOf(parts, messages, parts["assistant"] as string);
}

function manyTurns(parts: Parts, messages: unknown): Sample | Refusal {
  if (!Array.isArray(messages)) {
    return wrongType(`Field 'messages' must be a list, not ${kindOf(messages)}`);
  }
  if (messages.length === 0) {
    return missing("messages");
  }
  let output: string | undefined;
  for (const [place, message] of messages.entries()) {
    const problem = messageProblem(message);
    if (problem !== undefined) {
      return wrongType(`Field 'messages[${place}]' ${problem}`);
    }
    if (message.role === "assistant") {
      output = (output ?? "") + textOf(message.content);
    }
  }
  return output === undefined ? missing("assistant") : sampleOf(parts, messages, output);
}

function sampleOf(parts: Parts, messages: readonly Message[], output: string): Sample {
  const { system, tools } = parts;
  const turns =
    system === undefined || messages[0]?.role === "system"
      ? messages
      : [{ role: "system", content: system }, ...messages];
  return { value: tools === undefined ? { messages: turns } : { messages: turns, tools }, output };
}

function messageProblem(message: unknown): string | undefined {
  if (message === null || typeof message !== "object" || Array.isArray(message)) {
    return `must be an object, not ${kindOf(message)}`;
  }
  const { role, content, tool_calls: toolCalls } = message as Partial<Message>;
  if (!roles.has(role)) {
    return `has the role ${shown(role)}, which is none of ${[...roles].join(", ")}`;
  }
  if (toolCalls !== undefined && toolCalls !== null && !Array.isArray(toolCalls)) {
    return `has tool_calls that must be a list, not ${kindOf(toolCalls)}`;
  }
  return contentProblem(content, Array.isArray(toolCalls) && toolCalls.length > 0);
}

function contentProblem(content: unknown, hasToolCalls: boolean): string | undefined {
  if (typeof content === "string") {
    return undefined;
  }
  if (content === undefined || content === null) {
    return hasToolCalls ? undefined : "has no content";
  }
  const isParts = Array.isArray(content) && content.every((part) => kindOf(part) === "an object");
  return isParts ? undefined : `has content that must be text or a list of objects, not ${kindOf(content)}`;
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) {
    return typeof content === "string" ? content : "";
  }
  return content.map((part: { text?: unknown }) => (typeof part.text === "string" ? part.text : "")).join("");
}

function missing(name: string): Refusal {
  return { reason: RejectReason.REJECT_REASON_MISSING_FIELD, problem: `Missing required field '${name}'` };
}

function wrongType(problem: string): Refusal {
  return { reason: RejectReason.REJECT_REASON_WRONG_TYPE, problem };
}
