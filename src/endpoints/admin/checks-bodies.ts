/** The settings of checks that a domain added through the API may have; part of the contract. */
import * as z from "zod";
import type { PatternKind } from "../../mail/access-pattern.ts";
import { LIST_CODE, LIST_NAME, LIST_ZONE } from "../../mail/list-pattern.ts";
import { text } from "./body-parts.ts";
import { quoted } from "./issue-words.ts";

const DAY = 86_400_000;

function pattern({ expected, read }: PatternKind) {
  return text.transform((given, context) => {
    const reading = read(given);
    if ("value" in reading) return reading.value;
    context.addIssue({ code: "custom", message: `${quoted(given)} ${reading.wrong}; write ${expected}` });
    return z.NEVER;
  });
}

const action = z.enum(["tag", "defer", "reject"]);
const simple = z.enum(["off", "tag", "defer", "reject"]).exactOptional();
const threshold = z.union(
  [z.literal("off"), z.number().int().min(1).max(1000)],
  "write off, or a whole number from 1 to 1000",
);

const ListBody = z.strictObject({
  zone: pattern(LIST_ZONE),
  name: pattern(LIST_NAME).exactOptional(),
  codes: z.array(pattern(LIST_CODE)).min(1).max(100).readonly().default(["127.*.*.*"]),
  weight: z.number().int().min(-100).max(100).default(1),
  action: action.exactOptional(),
});

/** A check that is off is stored as absent. */
const DnsblBody = z
  .strictObject({
    lists: z
      .array(ListBody)
      .min(1)
      .max(100)
      .readonly()
      .refine(
        (lists) => new Set(lists.map(({ zone }) => zone)).size === lists.length,
        "a zone is listed twice",
      ),
    tag: threshold.default("off"),
    defer: threshold.default(1),
    reject: threshold.default("off"),
  })
  .transform(({ lists, tag, defer, reject }) => ({
    lists,
    ...(tag !== "off" && { tag }),
    ...(defer !== "off" && { defer }),
    ...(reject !== "off" && { reject }),
  }));

const patient = z.enum(["tag", "defer"]).default("defer");
const GreylistBody = z.strictObject({
  delay: z.number().int().min(1000).max(3_600_000).default(60_000),
  action: patient,
});
const ReachabilityBody = z.strictObject({
  delay: z.number().int().min(1000).max(14_400_000).default(300_000),
  remember: z
    .number()
    .int()
    .min(60_000)
    .max(35 * DAY)
    .default(DAY),
  action: patient,
});

function offOr<T extends z.ZodType>(mapping: T) {
  return z.union([z.literal("off"), mapping], "write off, or a mapping").exactOptional();
}

/** As in the configuration, with times in ms; scanners are declared only there. Absent: as for all domains. */
export const DomainChecksBody = z.strictObject({
  dnsbl: offOr(DnsblBody),
  greylist: offOr(GreylistBody),
  reachability: offOr(ReachabilityBody),
  helo: simple,
  earlyTalker: simple,
  clientName: z.enum(["off", "lookup", "tag", "defer", "reject"]).exactOptional(),
  senderDomain: simple,
  spf: simple,
  dkim: simple,
  dmarc: z.enum(["off", "tag", "defer", "quarantine", "reject"]).exactOptional(),
});
export type DomainChecksBody = z.infer<typeof DomainChecksBody>;
