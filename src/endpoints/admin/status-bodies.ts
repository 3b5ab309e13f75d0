/** The state of the daemon in the API, and reload. */
import * as z from "zod";
import { optionalText, time } from "./body-parts.ts";
import { PrimaryStatusBody } from "./primary-bodies.ts";
import { StateCounts } from "./queue-bodies.ts";

const names = z.array(z.string()).readonly();

const ListState = z.enum(["untested", "sound", "sick"]);
const ListStatusBody = z.object({ zone: z.string(), state: ListState, since: time, why: optionalText });

/** What SMTP clients see who ask for one of `names`; the first of the list is for all others. */
const CertificateBody = z.object({
  file: z.string(),
  names: z.array(z.string()).readonly(),
  expiresAt: time,
  /** Why its files, which were changed, cannot be used; the one read before stays in use. */
  trouble: optionalText,
});

/** GET /v1/status. */
export const StatusBody = z.object({
  version: z.string(),
  hostname: z.string(),
  startedAt: time,
  now: time,
  condition: z.enum(["ok", "full", "sick"]),
  /** What ails the store, and what is to be done where somebody must. */
  trouble: optionalText,
  /** Accepting mail. */
  ready: z.boolean(),
  /** Addresses that listen for SMTP. */
  listening: z.array(z.string()).readonly(),
  connections: z.number(),
  /** Bytes free above the reserve. */
  room: z.number(),
  generation: z.number(),
  /** Why `mail`, `quarantined`, `paused`, `draining`, `refusing`, `unlisted` and `stuck` are empty: the database cannot be read. */
  unreadable: optionalText,
  /** Recipients by state, over all domains. */
  mail: StateCounts,
  oldest: time.exactOptional(),
  /** Held for quarantine: `recipients`, the first of them since `oldest`. */
  quarantined: z.object({ recipients: z.number(), oldest: time.exactOptional() }),
  primaries: z.array(PrimaryStatusBody).readonly(),
  /** Why it is not known how they stand; `primaries` is empty. */
  noPrimaries: optionalText,
  /** Domains whose deliveries are paused. */
  paused: names,
  /** Domains that were removed and hand over what they hold. */
  draining: names,
  /** Domains that know no recipient and ask nobody: all their mail but postmaster's is refused. */
  refusing: names,
  /** Domains whose list has not come for the first time, and that ask nobody else: senders are put off. */
  unlisted: names,
  /** Domains whose list could not be renewed since it changed; the one before counts. */
  stuck: names,
  /** Domains that hold more than their quota: senders are put off. */
  overQuota: names,
  /** Which way notices to senders go: `off`, `direct` or `host:port`. */
  notices: z.string(),
  lists: z.array(ListStatusBody).readonly(),
  certificates: z.array(CertificateBody).readonly(),
});
export type StatusBody = z.infer<typeof StatusBody>;

/** POST /v1/reload. `ok: false`: nothing was changed, `problems` says why. */
export const ReloadBody = z.object({
  ok: z.boolean(),
  generation: z.number().exactOptional(),
  problems: z.array(z.string()).readonly().exactOptional(),
  /** Keys that were changed and need a restart. */
  restart: z.array(z.string()).readonly().exactOptional(),
  /** What is in effect and most likely not meant so, and what is not in effect everywhere. */
  warnings: z.array(z.string()).readonly().exactOptional(),
  /** Names of the declared domains that came, changed or went; `draining`: went, and mail waits for them. */
  domains: z.object({ added: names, changed: names, draining: names, removed: names }).exactOptional(),
});
export type ReloadBody = z.infer<typeof ReloadBody>;
