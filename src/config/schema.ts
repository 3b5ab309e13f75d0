/** The schema of the whole configuration file; each section is in the file that its import names. */
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
      "Folder of the queue, relative to the folder in which the daemon is started. Each folder serves one daemon and is closed to other users.",
    example: "sqlite:/var/lib/holdfast",
  }),
  smtp: described(smtp, { meaning: "Receiving mail." }),
  admin: described(admin.prefault({}), { meaning: "API and the `holdfast` tool." }),
  dns: described(dns.prefault({}), { meaning: "Name resolution." }),
  store: described(store.prefault({}), { meaning: "Disk space." }),
  retention: described(retention.prefault({}), {
    meaning: "How long things are kept: a duration for waiting mail, or a mapping with the keys below.",
    type: "duration or mapping",
    example: "30d",
  }),
  delivery: described(delivery.prefault({}), { meaning: "Delivering mail to the primaries." }),
  notices: described(notices.prefault({}), {
    meaning: "Notices to senders about mail that was refused, given up, delayed or delivered.",
  }),
  alerts: described(alerts.prefault({}), {
    meaning: "Alerts to the operator: primary down and up again, old mail, full disk.",
  }),
  log: described(log.prefault({}), { meaning: "The daemon's log." }),
  checks: described(checks.prefault({}), {
    meaning: "Checks of clients and mail. Each is off unless it is set here.",
  }),
  domains: described(
    z.record(z.string(), domain, instead("a mapping of domain names to their settings")).prefault({}),
    { meaning: "The domains for which mail is accepted, by name. More can be added through the API." },
  ),
});

export type Parsed = z.output<typeof root>;
export type ParsedDomain = z.output<typeof domain>;
