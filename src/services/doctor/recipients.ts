/** Checks whether any recipient of the domain is accepted. */
import { awaitsFirstList, type DomainRecord } from "../../ports/directory.ts";
import { finding, type Finding } from "./finding.ts";

/** `listed`: at least one list of the domain has an entry. */
export function recipientFindings(record: DomainRecord, listed: boolean): readonly Finding[] {
  const { catchAll, callout = false, fetched } = record.settings;
  if (record.draining)
    return [
      finding(
        "recipients",
        "warn",
        "the domain was removed: it accepts no new mail and delivers what is waiting",
      ),
    ];
  if (catchAll)
    return [
      finding(
        "recipients",
        "warn",
        "every recipient is accepted, including those that the primary will refuse",
      ),
    ];
  if (listed)
    return [finding("recipients", "ok", callout ? "a list, and callouts to the primary" : "a list")];
  if (callout) return [finding("recipients", "ok", "callouts to the primary")];
  if (fetched !== undefined && awaitsFirstList(record))
    return [
      finding("recipients", "fail", `the list at ${fetched.url} was never fetched: all mail is deferred`),
    ];
  return [finding("recipients", "fail", "no recipient is known: all mail except for postmaster is refused")];
}
