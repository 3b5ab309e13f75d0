/** How primaries stand; a part of the contract. */
import * as z from "zod";

const time = z.number();

/** The first mails of a domain after an outage; `stopped` holds the others until `resume` or a good canary. */
export const ProbationBody = z.object({
  domain: z.string(),
  state: z.enum(["running", "stopped"]),
  since: time,
  why: z.string().exactOptional(),
  canaryAt: time.exactOptional(),
});
export type ProbationBody = z.infer<typeof ProbationBody>;

export const PrimaryStatusBody = z.object({
  destination: z.string(),
  domains: z.array(z.string()).readonly(),
  state: z.enum(["unknown", "up", "suspect", "down", "banned", "loop"]),
  since: time,
  why: z.string().exactOptional(),
  lastProbe: time.exactOptional(),
  connections: z.number(),
  /** Domains in probation there; absent: none. */
  probation: z.array(ProbationBody).readonly().exactOptional(),
});
export type PrimaryStatusBody = z.infer<typeof PrimaryStatusBody>;
