import { Command } from "commander";
import { scopes } from "../../../services/kit/call.ts";
import { InputError } from "../failure.ts";
import { note, print, printJson, printTable, time } from "../output.ts";
import { programOptions, withClient } from "../session.ts";

interface CreateOptions {
  readonly scope: string[];
  readonly tenant: string;
  readonly description: string;
  readonly expires?: string;
}

/** Tokens: make, list, revoke. */
export function token(): Command {
  const command = new Command("token").description("who may do what");
  command
    .command("create")
    .description("make a token and print its secret, once")
    .requiredOption("--scope <scope...>", scopes.join(", "))
    .option("--tenant <name>", "whose data it sees; your own by default", "")
    .option("--description <text>", "what it is for", "")
    .option("--expires <duration>", "e.g. 12h, 30d; never by default")
    .action(create);
  command.command("list").description("list tokens, without secrets").action(list);
  command.command("revoke").description("end a token").argument("<id>").action(revoke);
  return command;
}

async function create(options: CreateOptions, command: Command): Promise<void> {
  const expireTime = options.expires === undefined ? undefined : expiry(options.expires);
  await withClient(command, async (client) => {
    const { token: made, secret } = await client.tokens.createToken({
      scopes: options.scope,
      tenant: options.tenant,
      description: options.description,
      ...(expireTime && { expireTime }),
    });
    if (programOptions(command).json) return printJson({ ...made, secret });
    note(`Token ${made?.id} for tenant ${made?.tenant} with ${made?.scopes.join(", ")}. It is shown only now:`);
    print(secret);
  });
}

function expiry(text: string): { seconds: bigint; nanos: number } {
  const match = /^(\d{1,6})([mhd])$/.exec(text);
  if (match === null) throw new InputError(`--expires is not a duration: ${text}. Write it like 12h or 30d.`);
  const unit = { m: 60, h: 3600, d: 86_400 }[match[2] as "m" | "h" | "d"];
  return { seconds: BigInt(Math.floor(Date.now() / 1000) + Number(match[1]) * unit), nanos: 0 };
}

async function list(_options: unknown, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    const tokens = [];
    let pageToken = "";
    do {
      const page = await client.tokens.listTokens({ pageToken });
      tokens.push(...page.tokens);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    if (programOptions(command).json) return printJson(tokens);
    printTable(
      ["ID", "TENANT", "SCOPES", "EXPIRES", "DESCRIPTION"],
      tokens.map((each) => [each.id, each.tenant, each.scopes.join(","), time(each.expireTime), each.description]),
    );
  });
}

async function revoke(id: string, _options: unknown, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    await client.tokens.revokeToken({ id });
    if (programOptions(command).json) return printJson({ id });
    note(`Token ${id} is revoked.`);
  });
}
