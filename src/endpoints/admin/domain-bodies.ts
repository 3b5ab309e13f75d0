/** Domains in the API. */
import * as z from "zod";
import { LAST_MOMENT } from "../../runtime/moments.ts";
import { optionalText, text, time, TOO_FAR } from "./body-parts.ts";
import { DomainChecksBody } from "./checks-bodies.ts";
import { PrimaryBody, PrimaryShown, PrimaryStatusBody } from "./primary-bodies.ts";
import { StateCounts } from "./queue-bodies.ts";
import { FetchSettingsBody, FetchStatusBody, MAX_RECIPIENTS } from "./recipient-bodies.ts";

/** How much mail may wait: the number of mails, and the bytes of all their bodies. */
const Quota = z
  .strictObject({
    messages: z.number().int().positive().exactOptional(),
    bytes: z.number().int().positive().exactOptional(),
  })
  .refine(({ messages, bytes }) => messages !== undefined || bytes !== undefined, "says nothing");

/** As in the configuration: any other separator, such as a letter, would make nonexistent addresses valid. */
const TagSeparator = z.string().regex(/^\+?$/, 'write "+", or "" for none');

const SettingsShape = {
  mode: z.enum(["backup", "reflector"]).default("backup"),
  primaries: z.array(PrimaryBody).min(1).max(20).readonly(),
  catchAll: z.boolean().default(false),
  /** If true, the primary is asked about addresses that are in no list. */
  callout: z.boolean().exactOptional(),
  tagSeparator: TagSeparator.default("+"),
  unknownDuringOutage: z.enum(["accept", "defer", "reject"]).exactOptional(),
  quota: Quota.exactOptional(),
  bareNewlines: z.enum(["normalise", "reject"]).default("normalise"),
};

/** POST /v1/domains: a domain of origin `api`. Answers DomainBody. */
export const NewDomain = z.strictObject({
  name: text.max(255),
  ...SettingsShape,
  /** The settings of checks for this domain; an absent setting is that of all domains. */
  checks: DomainChecksBody.exactOptional(),
  recipients: z.array(text).max(MAX_RECIPIENTS).readonly().exactOptional(),
});
export type NewDomain = z.input<typeof NewDomain>;

/** PATCH /v1/domains/{name}: an absent key changes nothing, `null` removes the setting. Answers DomainBody. */
export const DomainChange = z.strictObject({
  mode: z.enum(["backup", "reflector"]).exactOptional(),
  primaries: SettingsShape.primaries.exactOptional(),
  catchAll: z.boolean().exactOptional(),
  callout: SettingsShape.callout,
  tagSeparator: TagSeparator.exactOptional(),
  unknownDuringOutage: SettingsShape.unknownDuringOutage,
  quota: Quota.nullable().exactOptional(),
  bareNewlines: z.enum(["normalise", "reject"]).exactOptional(),
  checks: DomainChecksBody.nullable().exactOptional(),
});
export type DomainChange = z.infer<typeof DomainChange>;

/** A declared domain may have checks that the API does not set. */
const ChecksShown = z.custom<object>((value) => typeof value === "object").exactOptional();

/** GET /v1/domains/{name}; GET /v1/domains answers `{ items }`. */
export const DomainBody = z.object({
  name: z.string(),
  origin: z.enum(["file", "api"]),
  settings: z.object({
    ...SettingsShape,
    primaries: z.array(PrimaryShown).readonly(),
    fetched: FetchSettingsBody.exactOptional(),
    checks: ChecksShown,
  }),
  declaredList: z.boolean(),
  /** True if its lists are empty and the primary is not asked: all mail except for postmaster is refused. */
  refusing: z.boolean(),
  /** The state of the list that it fetches; absent if it fetches none. */
  fetched: FetchStatusBody.exactOptional(),
  /** Why the changed file with its list cannot be used; the previous list stays in use. */
  fileTrouble: optionalText,
  paused: z.boolean(),
  /** When the pause ends by itself. */
  pausedUntil: time.exactOptional(),
  /** It was removed: it accepts no new mail and delivers the mail that it has. */
  draining: z.boolean(),
  mail: StateCounts,
  /** When the oldest mail that is not gone was accepted. */
  oldest: time.exactOptional(),
  /** Its primaries. Other domains of these primaries are left out. */
  primaries: z.array(PrimaryStatusBody).readonly(),
  /** Why the state of the primaries is not known; `primaries` is then empty. */
  noPrimaries: optionalText,
  /** The route of notices to senders: `off`, `direct` or `host:port`. */
  notices: z.string(),
});
export type DomainBody = z.infer<typeof DomainBody>;

export const DomainList = z.object({ items: z.array(DomainBody).readonly() });
export type DomainList = z.infer<typeof DomainList>;

/** DELETE /v1/domains/{name}: `draining` while it still holds mail. */
export const DomainRemoved = z.object({ result: z.enum(["removed", "draining"]) });
export type DomainRemoved = z.infer<typeof DomainRemoved>;

/** POST /v1/domains/{name}/pause: at `until`, deliveries resume by themselves. */
export const PauseQuery = z.strictObject({
  until: z.coerce.number().max(LAST_MOMENT, TOO_FAR).int().positive().exactOptional(),
});

/** POST /v1/domains/{name}/pause and /resume. */
export const DomainPaused = z.object({ name: z.string(), paused: z.boolean(), until: time.exactOptional() });
export type DomainPaused = z.infer<typeof DomainPaused>;
