/** The whole configuration file; each section is in the file that its import names. */
import * as z from "zod";
import { hostName, mailbox, storageFolder } from "./addresses.ts";
import { checks } from "./checks-schema.ts";
import { domain } from "./domain-schema.ts";
import { DEFAULT_STORAGE } from "./locate.ts";
import { described } from "./notes.ts";
import { notices } from "./notices-schema.ts";
import { instead, section } from "./scalars.ts";
import { smtp } from "./smtp-schema.ts";
import { admin, alerts, delivery, dns, log, retention, store } from "./upkeep-schema.ts";

export const root = section({
  hostname: described(hostName(), {
    meaning: "Name of this server in the banner, in EHLO and in Received; must be the name in the MX record.",
    example: "mx2.example.net",
    rfc: "RFC 5321 §4.1.1.1",
  }),
  postmaster: described(mailbox().optional(), {
    meaning: "Where mail for `<postmaster>` and postmaster@hostname goes: an address of a declared domain.",
    example: "admin@example.net",
    default: "postmaster of the first declared domain",
    rfc: "RFC 5321 §4.5.1",
  }),
  storage: described(storageFolder().prefault(DEFAULT_STORAGE), {
    meaning:
      "Folder of the queue, relative to the folder in which the daemon is started. One daemon a folder, which is closed to other users.",
    example: "sqlite:/var/lib/holdfast",
  }),
  smtp: described(smtp, { meaning: "Taking mail in." }),
  admin: described(admin.prefault({}), { meaning: "API and the `holdfast` tool." }),
  dns: described(dns.prefault({}), { meaning: "Name resolution." }),
  store: described(store.prefault({}), { meaning: "Care for the disk." }),
  retention: described(retention.prefault({}), {
    meaning: "How long things are kept: a duration for waiting mail, or a mapping with the keys below.",
    type: "duration or mapping",
    example: "30d",
  }),
  delivery: described(delivery.prefault({}), { meaning: "Handing mail over to the primaries." }),
  notices: described(notices.prefault({}), {
    meaning: "Telling senders what became of their mail: refused, given up, late, handed over.",
  }),
  alerts: described(alerts.prefault({}), {
    meaning: "Telling the operator: primary away and back, old mail, full disk.",
  }),
  log: described(log.prefault({}), { meaning: "The daemon's log." }),
  checks: described(checks.prefault({}), {
    meaning: "Judging clients and mail. Each is off until it is written here.",
  }),
  domains: described(
    z.record(z.string(), domain, instead("a mapping of domain names to their settings")).prefault({}),
    { meaning: "The domains that mail is taken for, by name. More can be added through the API." },
  ),
});

export type Parsed = z.output<typeof root>;
export type ParsedDomain = z.output<typeof domain>;
