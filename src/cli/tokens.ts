/** Tokens for the admin API over TCP: add, list, revoke. */
import type { CreatedToken, TokenList } from "../endpoints/admin/contract.ts";
import { OK, type Command } from "./command.ts";
import { plain, timeWithZone } from "./terminal.ts";

export const tokenAdd: Command = {
  words: "NAME",
  summary: "Creates a token and prints its secret, this once only.",
  options: [
    {
      name: "domain",
      value: "DOMAIN",
      help: "only mail, recipients, rules and allowed senders of this domain of ours",
    },
  ],
  example: "holdfast token add sync --domain example.com",
  async run(tool, input) {
    const domain = input.text("domain");
    const json = { name: input.word(0), ...(domain !== undefined && { domain }) };
    const token = await tool.daemon.ask<CreatedToken>({ method: "POST", path: "/v1/tokens", json });
    tool.print(token, () => `${plain(token.secret)}\n`);
    tool.complain("Keep this secret; it is not shown again.");
    return OK;
  },
};

export const tokenList: Command = {
  words: "",
  summary: "Lists the tokens, without their secrets.",
  options: [],
  example: "holdfast token list",
  async run(tool) {
    const list = await tool.daemon.ask<TokenList>({ path: "/v1/tokens" });
    const rows = list.items.map((token) => [
      token.name,
      token.domain ?? "everything",
      timeWithZone(token.createdAt),
    ]);
    const columns = [{ title: "NAME", least: 12 }, { title: "MAY", least: 12 }, { title: "MADE" }];
    tool.print(list, () => (rows.length === 0 ? "There are no tokens.\n" : tool.table(columns, rows)));
    return OK;
  },
};

export const tokenRevoke: Command = {
  words: "NAME",
  summary: "Revokes a token, from its next request on.",
  options: [],
  example: "holdfast token revoke sync",
  async run(tool, input) {
    const path = `/v1/tokens/${encodeURIComponent(input.word(0))}`;
    await tool.daemon.ask({ method: "DELETE", path });
    tool.print({ revoked: input.word(0) }, () => `${plain(input.word(0))} revoked.\n`);
    return OK;
  },
};
