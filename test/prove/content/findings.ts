/** What scanners find is refused at the dot, whatever it is wrapped in; what they let pass arrives as it was sent. */
import type { QueuePage } from "../../../src/endpoints/admin/contract.ts";
import { dkimVerify } from "../../fixtures/dkim.ts";
import { signedMails } from "../../fixtures/dkim-mails.ts";
import { waitFor } from "../../support/wait.ts";
import { crlf, gtubeMail, INFECTED, plainMail } from "./mails.ts";
import type { Victims } from "./victims.ts";
import type { World } from "./world.ts";

interface FindingPlan {
  readonly victims: Victims;
  /** Largest body that the virus scanner is shown. */
  readonly maxSize: number;
  /** What the virus scanner calls EICAR; a fake sees through nothing, and finds it in the open only. */
  readonly signature: string;
  readonly wraps: readonly string[];
  readonly signed: number;
  readonly seed: number;
}

interface FindingTally {
  infected: number;
  spam: number;
  verified: number;
  readonly failures: string[];
}

const DOMAIN = "defer";

export async function showFindings(world: World, plan: FindingPlan): Promise<FindingTally> {
  const tally: FindingTally = { infected: 0, spam: 0, verified: 0, failures: [] };
  for (const name of plan.wraps) {
    const { text } = await world.send(DOMAIN, INFECTED[name]?.() ?? crlf(""));
    if (text === `550 5.7.1 Virus found: ${plan.signature}`) tally.infected += 1;
    else tally.failures.push(`EICAR ${name}: ${text}`);
  }
  const gtube = await world.send(DOMAIN, gtubeMail());
  if (gtube.text === "550 5.7.1 Gtube pattern") tally.spam += 1;
  else tally.failures.push(`GTUBE: ${gtube.text}`);
  await showQuarantine(world, plan.maxSize + 1, tally);
  await showSignatures(world, plan, tally);
  return tally;
}

/** Larger than the virus scanner takes: set aside, deleted by an operator, and in the ledger. */
async function showQuarantine(world: World, size: number, tally: FindingTally): Promise<void> {
  const { code } = await world.send(DOMAIN, plainMail("large", size));
  const list = (query: string) => world.daemon.api<QueuePage>("GET", `/v1/queue?${query}`);
  const [held] = (await list("reason=quarantine")).items;
  if (code !== 250 || held?.quarantine?.includes("larger than the virus scanner accepts") !== true)
    tally.failures.push(`a large mail is not in quarantine: ${code} ${JSON.stringify(held)}`);
  const act = { verb: "delete", filter: { reason: "quarantine" } };
  await world.daemon.api("POST", "/v1/queue/actions", act);
  const [gone] = (await list(`ledger=1&id=${held?.id}`)).items;
  if (gone?.reason !== "deleted") tally.failures.push(`the ledger says ${JSON.stringify(gone)}`);
}

async function showSignatures(world: World, plan: FindingPlan, tally: FindingTally): Promise<void> {
  const mails = signedMails(plan.signed, plan.seed);
  const before = world.primary.mails.length;
  for (const { name, body } of mails) {
    const { code, text } = await world.send(DOMAIN, body);
    if (code !== 250) tally.failures.push(`${name}: ${text}`);
  }
  const wait = { what: "the signed mails are at the primary", deadline: 60_000 };
  await waitFor(wait, () => world.primary.mails.length >= before + mails.length);
  const sent = new Map(mails.map((mail) => [mail.body.toString("latin1"), mail.name]));
  for (const { data } of world.primary.mails.slice(before)) {
    const text = data.toString("latin1");
    const original = text.slice(text.search(/^DKIM-Signature:/m));
    if (!sent.delete(original)) tally.failures.push(`not as it was sent: ${text.slice(0, 300)}`);
    else if (dkimVerify(data)) tally.verified += 1;
    else tally.failures.push(`a signature is broken: ${text.slice(0, 300)}`);
    if (plan.victims.rspamd.pid !== undefined && !/^X-Rspamd-Test: /m.test(text.slice(0, -original.length)))
      tally.failures.push("rspamd's field is not on top");
  }
}
