/** The state of the daemon in the API, and reload. */
import * as z from "zod";
import { optionalText, time } from "./body-parts.ts";
import { PrimaryStatusBody } from "./primary-bodies.ts";
import { StateCounts } from "./queue-bodies.ts";

const names = z.array(z.string()).readonly();

const ListState = z.enum(["untested", "sound", "sick"]);
const ListStatusBody = z.object({ zone: z.string(), state: ListState, since: time, why: optionalText });

/** The certificate for SMTP clients that ask for one of `names`; the first one in the list is for all others. */
const CertificateBody = z.object({
  file: z.string(),
  names: z.array(z.string()).readonly(),
  expiresAt: time,
  /** Why its changed files cannot be used; the previous certificate stays in use. */
  trouble: optionalText,
});

/** GET /v1/status. */
export const StatusBody = z.object({
  version: z.string(),
  hostname: z.string(),
  startedAt: time,
  now: time,
  condition: z.enum(["ok", "full", "sick"]),
  /** What is wrong with the store, and what the operator must do, if anything. */
  trouble: optionalText,
  /** Whether mail is accepted. */
  ready: z.boolean(),
  /** Addresses that listen for SMTP. */
  listening: z.array(z.string()).readonly(),
  connections: z.number(),
  /** Bytes free above the reserve. */
  room: z.number(),
  generation: z.number(),
  /** Why the database cannot be read: `mail`, `quarantined` and the lists of domains but `overQuota` are then empty. */
  unreadable: optionalText,
  /** Recipients by state, over all domains. */
  mail: StateCounts,
  oldest: time.exactOptional(),
  /** The number of recipients in quarantine, and since when the oldest one is there. */
  quarantined: z.object({ recipients: z.number(), oldest: time.exactOptional() }),
  primaries: z.array(PrimaryStatusBody).readonly(),
  /** Why the state of the primaries is not known; `primaries` is then empty. */
  noPrimaries: optionalText,
  /** Domains whose deliveries are paused. */
  paused: names,
  /** Domains that were removed and whose remaining mail is still delivered. */
  draining: names,
  /** Domains without recipients or callouts: all their mail except for postmaster is refused. */
  refusing: names,
  /** Domains whose list was never fetched and that do not ask the primary: senders get 4xx. */
  unlisted: names,
  /** Domains whose changed list cannot be used; the previous one stays in use. */
  stuck: names,
  /** Domains that hold more than their quota: senders get 4xx. */
  overQuota: names,
  /** The route of notices to senders: `off`, `direct` or `host:port`. */
  notices: z.string(),
  lists: z.array(ListStatusBody).readonly(),
  certificates: z.array(CertificateBody).readonly(),
});
export type StatusBody = z.infer<typeof StatusBody>;

/** POST /v1/reload. If `ok` is false, nothing was changed and `problems` says why. */
export const ReloadBody = z.object({
  ok: z.boolean(),
  generation: z.number().exactOptional(),
  problems: z.array(z.string()).readonly().exactOptional(),
  /** Keys that were changed and need a restart. */
  restart: z.array(z.string()).readonly().exactOptional(),
  /** Settings that are in effect but probably mistakes, and settings that are not in effect everywhere. */
  warnings: z.array(z.string()).readonly().exactOptional(),
  /** The declared domains that were added, changed or removed; `draining`: removed while mail waits for them. */
  domains: z.object({ added: names, changed: names, draining: names, removed: names }).exactOptional(),
});
export type ReloadBody = z.infer<typeof ReloadBody>;
