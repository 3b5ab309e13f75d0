/** Asks the delivery thread for the state of all primaries, on behalf of the main thread. */
import type { KnownPrimaries, PrimaryStatus } from "../ports/health.ts";
import { unlessEnded } from "../runtime/channel.ts";
import type { Clock } from "../runtime/clock.ts";
import { withinSteps } from "../runtime/within-steps.ts";

/**
 * Ms that a thread may take to answer: less than the interval of a metrics scrape, and less than an operator is willing
 * to wait.
 */
export const TO_TELL = 4000;

const SILENT = "the delivery thread does not answer; after a minute it is ended and started again";
const ABSENT = "no delivery thread is running at the moment; the log says why";

/** One life of the delivery thread, reduced to what is asked here. */
interface Teller {
  readonly control: { call(name: "status"): Promise<readonly PrimaryStatus[]> };
}

/** `teller` is undefined while the delivery thread is being restarted. Rejects with the error of that thread. */
export async function askPrimaries(teller: Teller | undefined, clock: Clock): Promise<KnownPrimaries> {
  const asked = teller?.control.call("status").catch(unlessEnded);
  const primaries = asked && (await withinSteps(TO_TELL, asked, clock));
  if (primaries === undefined) return { primaries: [], noPrimaries: ABSENT };
  return primaries === "late" ? { primaries: [], noPrimaries: SILENT } : { primaries };
}
