import type { SendResult } from "../../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../../ports/work-store.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Health } from "../../health/health.ts";
import type { PoolSettings } from "../ground/parts.ts";

/** What a pool calls at the dispatcher. */
export interface PoolHooks<Pool> {
  /** Called when there is room for more claimed mail. */
  hasRoom(pool: Pool): void;
  finished(pool: Pool, mail: ClaimedMail, result: SendResult): void;
  /** Called for claimed mails of which nothing was sent. */
  unsent(pool: Pool, mails: readonly ClaimedMail[]): void;
  /** Whether the mail's domain is in probation at the pool: then one mail at a time on a connection. */
  proving(pool: Pool, mail: ClaimedMail): boolean;
  changed(pool: Pool, returned: boolean): void;
}

export interface PoolParts<Pool> {
  readonly clock: Clock;
  readonly health: Health;
  readonly settings: () => PoolSettings;
  readonly hooks: PoolHooks<Pool>;
}
