/** Primaries: their settings and their state; part of the contract. */
import * as z from "zod";
import { optionalText, time } from "./body-parts.ts";

function amount(most: number) {
  return z.number().int().min(1).max(most).exactOptional();
}

export const PrimaryBody = z.strictObject({
  host: z.string().max(255).default(""),
  port: z.number().int().min(1).max(65_535).default(25),
  tls: z.enum(["none", "opportunistic", "require", "verify", "pin"]).default("opportunistic"),
  /** How it learns about clients; absent: by header fields, and by XFORWARD if it offers that. */
  identity: z.enum(["headers", "xforward", "xclient"]).exactOptional(),
  /** TLS from the first octet on; if absent, only at port 465. */
  implicitTls: z.boolean().exactOptional(),
  /** SHA-256 of certificates or public keys in hexadecimal, for `tls: pin`. */
  pins: z
    .array(z.string().regex(/^[0-9a-f]{64}$/, "is not 64 hexadecimal digits in lower case"))
    .min(1)
    .max(10)
    .readonly()
    .exactOptional(),
  preference: z.number().int().min(0).max(65_535).default(10),
  /** Its share of mail among primaries of equal preference; absent: 1. */
  weight: amount(1000),
  /** What is sent without waiting for replies; absent: `mails`. */
  pipelining: z.enum(["none", "envelope", "mails"]).exactOptional(),
  /** If false, BDAT is not used. */
  chunking: z.boolean().exactOptional(),
  /** Limits; absent: those for all primaries. */
  connections: amount(1000),
  mailsPerConnection: amount(100_000),
  mailsPerSecond: amount(100_000),
  /** The primaries are the domain's MX records except for this server; `host` stays empty. */
  mx: z.boolean().exactOptional(),
});
export type PrimaryBody = z.infer<typeof PrimaryBody>;

/** A login is declared in the configuration file only: an API token must not choose which file is read. */
export const PrimaryShown = z.object({
  ...PrimaryBody.shape,
  login: z
    .object({
      user: z.string(),
      passwordFile: optionalText,
      passwordEnv: optionalText,
      method: z.enum(["plain", "login"]).exactOptional(),
    })
    .exactOptional(),
});

/** The first mails of a domain after an outage; if `stopped`, the others wait for `resume` or an accepted canary. */
export const ProbationBody = z.object({
  domain: z.string(),
  state: z.enum(["running", "stopped"]),
  since: time,
  why: optionalText,
  canaryAt: time.exactOptional(),
});
export type ProbationBody = z.infer<typeof ProbationBody>;

const CapabilitiesBody = z.object({
  /** Its name in the EHLO reply; `banner` is the name in its greeting, if that differs. */
  name: z.string(),
  banner: optionalText,
  extensions: z.array(z.string()).readonly(),
  /** The attributes that XFORWARD and XCLIENT accept. */
  attributes: z.record(z.string(), z.array(z.string()).readonly()).exactOptional(),
  size: z.number().exactOptional(),
  tls: optionalText,
});

export const PrimaryStatusBody = z.object({
  destination: z.string(),
  domains: z.array(z.string()).readonly(),
  state: z.enum(["unknown", "up", "suspect", "down", "banned", "loop"]),
  since: time,
  /** When the present outage began, whatever the state was then; absent if there is no outage. */
  awaySince: time.exactOptional(),
  why: optionalText,
  lastProbe: time.exactOptional(),
  /** The contents of its latest EHLO reply, and when that came. */
  capabilities: CapabilitiesBody.exactOptional(),
  learnedAt: time.exactOptional(),
  connections: z.number(),
  /** Connections that may be open to it at present. */
  allowed: z.number().exactOptional(),
  /** It accepts mail, or at least connections, but responds as slowly as a tarpit. */
  slow: z.object({ since: time, why: z.string() }).exactOptional(),
  /** Domains in probation there; absent: none. */
  probation: z.array(ProbationBody).readonly().exactOptional(),
  /** Domains for which it accepts every address, so callouts prove nothing; absent: none. */
  acceptAll: z.array(z.string()).readonly().exactOptional(),
});
export type PrimaryStatusBody = z.infer<typeof PrimaryStatusBody>;
