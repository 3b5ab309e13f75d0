import type { ClaimedMail } from "../../ports/queue.ts";
import type { SendResult, SmtpClient } from "../../ports/smtp-client.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Health } from "../health/health.ts";
import type { LaneSettings } from "./allowance.ts";

/** What a lane asks of the dispatcher. */
export interface LaneHooks<Lane> {
  /** There is room for more claimed mail. */
  roomy(lane: Lane): void;
  finished(lane: Lane, mail: ClaimedMail, result: SendResult): void;
  /** Nothing was sent of these. */
  unsent(lane: Lane, mails: readonly ClaimedMail[]): void;
  /** The mail's domain is in probation there: one mail at a time on a connection. */
  proving(lane: Lane, mail: ClaimedMail): boolean;
  changed(lane: Lane, returned: boolean): void;
}

export interface LaneParts<Lane> {
  readonly client: SmtpClient;
  readonly clock: Clock;
  readonly health: Health;
  readonly settings: () => LaneSettings;
  readonly hooks: LaneHooks<Lane>;
}
