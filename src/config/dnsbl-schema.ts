import * as z from "zod";
import { LIST_CODE, LIST_NAME, LIST_ZONE } from "../mail/list-pattern.ts";
import type { DnsblSettings, DnsList } from "../ports/checks.ts";
import { defined } from "./defined.ts";
import { described } from "./notes.ts";
import { quoted } from "./problem.ts";
import { integerOrOff } from "./quantities.ts";
import { choice, listOf, message, orOff, patterned, scalar, section, type Scalar } from "./scalars.ts";

const LIST = "{ zone: zen.example, codes: [127.0.0.2-11], weight: 1 }";
const LISTS = `a list such as [${LIST}]`;
const DNSBL = `off, or { lists: [${LIST}], defer: 1 }`;

function weight(): Scalar<number> {
  const notation = {
    type: "number, -100 to 100",
    expected: "a whole number from -100 to 100, below 0 for lists of good clients",
    json: { type: "integer", minimum: -100, maximum: 100 },
  };
  return scalar(notation, (text) =>
    /^[+-]?\d{1,3}$/.test(text) && Math.abs(Number(text)) <= 100
      ? { value: Number(text) }
      : { wrong: `${quoted(text)} is not a weight` },
  );
}

const list = section({
  zone: described(patterned(LIST_ZONE, "DNS zone"), {
    meaning: "The DNS zone of the list.",
    example: "zen.example",
  }),
  name: described(patterned(LIST_NAME, "text").optional(), {
    meaning: "Name shown in replies instead of the zone, which may contain your access key to the list.",
    example: "Zen",
    default: "the zone",
  }),
  codes: described(
    listOf(patterned(LIST_CODE, "code"), "a list of codes such as [127.0.0.2, 127.0.0.4-7]")
      .min(1, { error: message("is an empty list", "write a list of codes such as [127.0.0.2]") })
      .prefault(["127.*.*.*"]),
    {
      meaning:
        "Answers that count as a listing; each part may be a range or `*`. 127.255.255.x and addresses outside 127.0.0.0/8 never count.",
      example: "[127.0.0.2, 127.0.0.4-7]",
      default: "`[127.*.*.*]`",
      type: "list of codes",
      rfc: "RFC 5782 §2.3",
    },
  ),
  weight: described(weight().prefault("1"), {
    meaning: "What a listing adds to the client's score; below 0 for lists of good clients (DNSWL).",
    example: "-2",
  }),
  action: described(choice("tag", "defer", "reject").optional(), {
    meaning: "What a listing on this list causes by itself, whatever the score.",
    example: "reject",
    default: "none",
  }),
}).transform((given): DnsList => defined(given));

function lists() {
  return listOf(list, LISTS)
    .min(1, { error: message("is empty, so no list would be queried", `write ${LISTS}, or dnsbl: off`) })
    .transform((all, context) => {
      for (const [index, { zone: own }] of all.entries()) {
        if (all.findIndex((other) => other.zone === own) === index) continue;
        const text = message(`${own} is listed twice`, "keep one entry with all its codes");
        context.addIssue({ code: "custom", message: text, path: [index, "zone"] });
      }
      return all;
    });
}

function threshold() {
  return integerOrOff(1, 1000, "threshold").optional();
}

/** `inherited` describes what applies if a domain leaves a key out. */
function thresholds(inherited?: string) {
  return {
    tag: described(threshold(), {
      meaning: "Score from which a mail gets the field `X-Holdfast-DNSBL` below our Received.",
      example: "1",
      default: inherited ?? "`off`",
    }),
    defer: described(threshold(), {
      meaning: "Score from which recipients get 451: a sender that was listed by mistake can retry.",
      example: "2",
      default: inherited ?? "`1`",
    }),
    reject: described(threshold(), {
      meaning:
        "Score from which recipients get 554, or 451 while a list of good clients that could lower the score does not answer or is not in use. A backup MX that rejects loses the mail that it exists to keep.",
      example: "5",
      default: inherited ?? "`off`",
    }),
  };
}

const LISTS_NOTE = {
  meaning: "The lists that are queried. Each is tested hourly (RFC 5782 §5); one that fails is not used.",
  type: "list of mappings",
  example: `[${LIST}]`,
};
const AS_FOR_ALL = "as in `checks.dnsbl`";

const general = section({ lists: described(lists(), LISTS_NOTE), ...thresholds() });
const own = section({
  lists: described(lists().optional(), { ...LISTS_NOTE, default: AS_FOR_ALL }),
  ...thresholds(AS_FOR_ALL),
});

const MEANING = "Lists of clients in the DNS (DNSBL, DNSWL), scored by weight. `postmaster` is exempt.";
const TYPE = "`off` or mapping";

export const dnsbl = described(orOff(general, DNSBL).prefault("off"), {
  meaning: MEANING,
  type: TYPE,
  example: `{ lists: [${LIST}], defer: 1 }`,
  rfc: "RFC 5782",
});

export const domainDnsbl = described(orOff(own, DNSBL).optional(), {
  meaning: MEANING,
  type: TYPE,
  example: "{ defer: off, tag: 1 }",
  default: AS_FOR_ALL,
  rfc: "RFC 5782",
});

type General = z.output<typeof general>;
type Own = z.output<typeof own>;

/** Converts the keys to settings. */
export function dnsblSettings(given: General | "off"): DnsblSettings | "off" {
  if (given === "off") return "off";
  const { lists: all, tag = "off", defer = 1, reject = "off" } = given;
  return {
    lists: all,
    ...(tag !== "off" && { tag }),
    ...(defer !== "off" && { defer }),
    ...(reject !== "off" && { reject }),
  };
}

/** Converts a domain's own keys to settings; keys that it leaves out are as in `checks`. */
export function ownDnsblSettings(given: Own | "off", forAll: General | "off"): DnsblSettings | "off" {
  if (given === "off") return "off";
  const { lists: inherited = [], ...rest } = forAll === "off" ? {} : forAll;
  return dnsblSettings({ ...rest, lists: inherited, ...defined(given) });
}
