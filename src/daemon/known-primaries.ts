/** The delivery thread is asked how primaries stand, for all in the main thread who want to know. */
import type { KnownPrimaries, PrimaryStatus } from "../ports/health.ts";
import { unlessEnded } from "../runtime/channel.ts";
import type { Clock } from "../runtime/clock.ts";
import { withinSteps } from "../runtime/within-steps.ts";

/** Ms that a thread has to tell how things stand: less than a scrape of the metrics, and than anybody's patience. */
export const TO_TELL = 4000;

const SILENT = "the delivery thread does not answer; after a minute it is ended and started again";
const ABSENT = "no delivery thread is running at the moment; the log says why";

/** One life of the delivery thread, as far as it is asked. */
interface Teller {
  readonly control: { call(name: "status"): Promise<readonly PrimaryStatus[]> };
}

/** `teller` is undefined while the delivery thread is between two lives. Rejects with the error of that thread. */
export async function askPrimaries(teller: Teller | undefined, clock: Clock): Promise<KnownPrimaries> {
  const asked = teller?.control.call("status").catch(unlessEnded);
  const primaries = asked && (await withinSteps(TO_TELL, asked, clock));
  if (primaries === undefined) return { primaries: [], noPrimaries: ABSENT };
  return primaries === "late" ? { primaries: [], noPrimaries: SILENT } : { primaries };
}
