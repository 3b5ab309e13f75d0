import { HELO_NAME, MAILBOX, NETWORK, SENDER } from "../mail/access-pattern.ts";
import type { AccessRule } from "../ports/checks.ts";
import { beginsWithDay, LAST_MOMENT } from "../runtime/moments.ts";
import { defined } from "./defined.ts";
import { described } from "./notes.ts";
import { quoted } from "./problem.ts";
import { choice, listOf, message, patterned, scalar, section, words, type Scalar } from "./scalars.ts";

const RULES = 'a list such as [{ action: block, sender: "@junk.example", until: 2027-01-31, note: "flood" }]';

function moment(): Scalar<number> {
  const expected = "a date such as 2027-01-31, or a moment such as 2027-01-31T18:00:00Z";
  return scalar({ type: "date or moment", expected, json: { type: "string" } }, (text) => {
    const sound = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/.test(text);
    const at = sound ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(at)) return { wrong: `${quoted(text)} is not a date` };
    if (!beginsWithDay(text)) return { wrong: `${quoted(text)} is a day that does not exist` };
    return at > LAST_MOMENT ? { wrong: `${quoted(text)} is after the year 9999` } : { value: at };
  });
}

const rule = section({
  action: described(choice("allow", "block"), {
    meaning:
      "`allow` skips the reputation checks; `block` refuses with 554, or with 451 if the rule has an `until`.",
    example: "block",
  }),
  network: described(patterned(NETWORK, "network").optional(), {
    meaning: "The network that contains the client's address.",
    example: "192.0.2.0/24",
    default: "any",
  }),
  helo: described(patterned(HELO_NAME, "host name or `*.` and a domain").optional(), {
    meaning: "What the client says in HELO or EHLO.",
    example: '"*.example.com"',
    default: "any",
  }),
  sender: described(patterned(SENDER, "address or `@` and a domain").optional(), {
    meaning: "The return path.",
    example: '"@example.com"',
    default: "any",
  }),
  recipient: described(patterned(MAILBOX, "address or `@` and a domain").optional(), {
    meaning: "A recipient address; without a tag, it also matches all of its tags.",
    example: "alice@example.com",
    default: "any",
  }),
  until: described(moment().optional(), {
    meaning: "When the rule ends; a date means its beginning in UTC.",
    example: "2027-01-31",
    default: "never",
  }),
  note: described(words("why the rule is there").optional(), {
    meaning: "The reason, for your own use; the client does not see it.",
    example: '"flood of 12 May"',
    default: "none",
  }),
}).transform((given, context): AccessRule => {
  const named = [given.network, given.helo, given.sender, given.recipient].some((part) => part !== undefined);
  if (!named) {
    const right = "name a network, helo, sender or recipient";
    context.addIssue({ code: "custom", message: message("matches every client", right) });
  }
  return defined(given);
});

const MAX_RULES = 10_000;
const tooMany = message(
  `has more than ${MAX_RULES} rules`,
  "use networks and domains instead of single addresses",
);
const rules = listOf(rule, RULES).max(MAX_RULES, { error: tooMany });

export const access = described(rules.optional(), {
  meaning:
    "Rules that allow or block clients. The first matching rule decides; every condition of a rule must match. Mail to `postmaster` is never blocked.",
  type: "list of mappings",
  example: '[{ action: allow, network: 192.0.2.0/24, note: "partner" }]',
  default: "`[]`",
});
