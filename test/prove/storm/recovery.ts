/** After the storm: what had gone wrong must be well again by itself, and everybody must be known. */
import type { StatusBody } from "../../../src/endpoints/admin/contract.ts";
import { openSmtp } from "../../support/raw-smtp.ts";
import { waitFor } from "../../support/wait.ts";
import { PLACES, Y } from "./places.ts";
import type { Scene } from "./scene.ts";

const MINUTE = 60_000;
/** Milliseconds. */
const DEADLINE = 60_000;
/** Milliseconds for which mail comes in that primaries may prove themselves with. */
const A_WHILE = 100;

/** What is still amiss when a while has passed. */
export async function lookForScars({ daemon, senders }: Scene): Promise<readonly string[]> {
  let left: readonly string[] = [];
  return waitFor({ what: "all is well again", deadline: DEADLINE, every: 200 }, async () => {
    const status = await daemon.process.status();
    left = [...troubleOf(status), ...(await strangersIn(daemon.process.smtpPort))];
    if (left.length === 0) return true;
    daemon.pass(10 * MINUTE);
    if (stoppedAt(status).length > 0) await senders.send(1, AbortSignal.timeout(A_WHILE));
    return false;
  }).then(
    () => [],
    (error: unknown) => left.map((one) => `${String(error)}: ${one}`),
  );
}

/** Whatever status says is not as it should be. */
export function troubleOf(status: StatusBody): readonly string[] {
  const { condition, trouble, ready, primaries, refusing, unlisted, stuck, overQuota } = status;
  const down = primaries.filter(({ state }) => state !== "up");
  const domains = { refusing, unlisted, stuck, overQuota };
  return [
    ...(condition === "ok" && ready ? [] : [`the store is ${condition}: ${trouble}`]),
    ...down.map(({ destination, state, why }) => `${destination} is ${state}: ${why}`),
    ...stoppedAt(status).map(({ domain, why }) => `${domain} is in probation: ${why}`),
    ...Object.entries(domains).flatMap(([what, names]) => names.map((name) => `${name} is ${what}`)),
  ];
}

/** Probations that a canary must end, for which there must be mail. */
function stoppedAt({ primaries }: StatusBody) {
  return primaries.flatMap(({ probation = [] }) => probation.filter(({ state }) => state === "stopped"));
}

/** Whoever exists at all times and is not taken. */
async function strangersIn(port: number): Promise<readonly string[]> {
  const smtp = await openSmtp(port);
  if (smtp === undefined) return ["nobody greets"];
  try {
    await smtp.command("EHLO storm.holdfast.test");
    const refused: string[] = [];
    for (const { domain, people } of PLACES.filter((place) => place !== Y))
      for (const person of people) {
        await smtp.command("MAIL FROM:<load@sender.example>");
        const reply = await smtp.command(`RCPT TO:<${person}@${domain}>`);
        if (reply?.code !== 250) refused.push(`${person}@${domain} is told ${reply?.lines.join(" / ")}`);
        await smtp.command("RSET");
      }
    return refused;
  } finally {
    smtp.close();
  }
}
