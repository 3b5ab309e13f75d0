/** Access rules: list, add, remove. */
import type { NewRule, RuleBody, RuleList } from "../endpoints/admin/contract.ts";
import { OK, WrongUse, type Command, type Input } from "./command.ts";
import { plain, timeWithZone } from "./terminal.ts";
import { notTooFar, spanOf, timeToCome } from "./when.ts";

export const accessList: Command = {
  words: "",
  summary:
    "Lists who is allowed and who is blocked, in the order of evaluation; the first matching rule decides.",
  options: [],
  example: "holdfast access list",
  async run(tool) {
    const list = await tool.daemon.ask<RuleList>({ path: "/v1/access" });
    const rows = list.items.map((rule) => [
      rule.id ?? rule.origin,
      rule.action,
      whomText(rule),
      rule.until === undefined ? "" : timeWithZone(rule.until).slice(0, MINUTES.length),
      rule.note ?? "",
    ]);
    const columns = [
      { title: "ID" },
      { title: "ACTION" },
      { title: "WHO", least: 16 },
      { title: "UNTIL" },
      { title: "NOTE", least: 7 },
    ];
    tool.print(list, () => (rows.length === 0 ? "There are no rules.\n" : tool.table(columns, rows)));
    return OK;
  },
};

/** The part of a time that a column has room for. */
const MINUTES = "2026-11-22 08:00";

function whomText({ network, helo, sender, recipient, domain }: RuleBody): string {
  const named = [
    network,
    helo && `helo ${helo}`,
    sender && `from ${sender}`,
    recipient && `to ${recipient}`,
    domain && `for ${domain}`,
  ];
  return named.filter(Boolean).join(", ");
}

export const accessAdd: Command = {
  words: "ACTION",
  summary:
    "Allows or blocks a client (ACTION is allow or block) from now on, before the rules of the configuration. All conditions must match.",
  options: [
    { name: "network", value: "NET", help: "an address, or a network such as 192.0.2.0/24" },
    { name: "helo", value: "NAME", help: "its name in EHLO, or *.example.com" },
    { name: "sender", value: "ADDRESS", help: "or @example.com, or <> for the null sender" },
    { name: "recipient", value: "ADDRESS", help: "in one of our domains, or @example.com" },
    { name: "domain", value: "DOMAIN", help: "only for recipients of this domain" },
    { name: "until", value: "TIME", help: "when the rule ends: 2h, 3d, 2027-01-31, 2027-01-31T18:00Z" },
    { name: "for", value: "TIME", help: "a duration such as 90m, 12h or 7d, instead of --until" },
    { name: "note", value: "TEXT", help: "why; the client does not see it" },
  ],
  example: "holdfast access add block --network 192.0.2.0/24 --for 7d --note flood",
  async run(tool, input) {
    const rule = await tool.daemon.ask<RuleBody>({
      method: "POST",
      path: "/v1/access",
      json: newRule(input, tool.now),
    });
    const end = rule.until === undefined ? "" : `, until ${timeWithZone(rule.until)}`;
    tool.print(rule, () => `${rule.id}: ${rule.action} ${plain(whomText(rule))}${end}.\n`);
    return OK;
  },
};

function newRule(input: Input, now: number): NewRule {
  const action = input.word(0);
  if (action !== "allow" && action !== "block") throw new WrongUse(`ACTION is allow or block, not ${action}`);
  const names = ["network", "helo", "sender", "recipient", "domain", "note"] as const;
  const given = names.map((name) => [name, input.text(name)]);
  // Values that were not given are undefined, which JSON leaves out; the daemon checks the values.
  return { action, until: endOf(input, now), ...Object.fromEntries(given) } as NewRule;
}

function endOf(input: Input, now: number): number | undefined {
  const [until, time] = [input.text("until"), input.text("for")];
  if (until !== undefined && time !== undefined) throw new WrongUse("give --until or --for, not both");
  if (time !== undefined) {
    const span = spanOf(time) ?? 0;
    if (span === 0) throw new WrongUse(`--for takes a time such as 90m, 12h or 7d, not ${time}`);
    return notTooFar("for", time, now + span);
  }
  return until === undefined ? undefined : timeToCome("until", until, now);
}

export const accessRemove: Command = {
  words: "ID",
  summary: "Removes an added rule; rules of the configuration file are removed in that file.",
  options: [],
  example: "holdfast access remove 01k9zq3v5x0abcde",
  async run(tool, input) {
    const path = `/v1/access/${encodeURIComponent(input.word(0))}`;
    await tool.daemon.ask({ method: "DELETE", path });
    tool.print({ removed: input.word(0) }, () => `${plain(input.word(0))} removed.\n`);
    return OK;
  },
};
