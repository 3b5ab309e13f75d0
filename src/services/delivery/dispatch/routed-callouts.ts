import { placeOfKey } from "../../../mail/delivery-key.ts";
import type { CalloutAnswer, CalloutQuestion } from "../../../ports/callout.ts";
import { DestinationTrouble, type Conversation, type SendResult } from "../../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../../ports/work-store.ts";
import { errorText } from "../../../runtime/log.ts";
import { Callouts, type CalloutWay } from "../../recipients/recipients.ts";
import type { ConnectionPool, DomainQueue, QueueAtPool } from "../pool/connection-pool.ts";
import type { DeliveryParts } from "../ground/parts.ts";
import type { Probations } from "../probation/probations.ts";
import type { RoutingTable } from "../routing/routing-table.ts";

/** Timeout for the greeting, in ms; the client that waits for the answer does not wait longer. */
const GREETING = 30_000;

/** Callouts over the route that mail would take; also learns from deliveries which recipients exist. */
export class RoutedCallouts {
  readonly #probations: Pick<Probations, "trusts">;
  readonly #log: DeliveryParts["log"];
  readonly #callouts: Callouts;

  constructor(parts: DeliveryParts, routing: RoutingTable, probations: Pick<Probations, "trusts">) {
    this.#probations = probations;
    this.#log = parts.log;
    const way = (domain: string): CalloutWay | undefined => {
      const queue = routing.queue(domain);
      const pools = queue.active();
      const pool = pools.find((each) => probations.trusts(each, queue)) ?? pools[0];
      return pool && this.#way(pool, queue);
    };
    this.#callouts = new Callouts({ ...parts, memory: parts.notes, way });
  }

  ask(question: CalloutQuestion): Promise<CalloutAnswer> {
    return this.#callouts.ask(question);
  }

  /**
   * Learns which recipients exist from the result of a delivery. Only replies of the domain's present primaries count:
   * not those of a host to which an operator sent mail, or of a primary that the domain has left. Never throws.
   */
  learn({ pool, queue }: QueueAtPool, mail: ClaimedMail, result: SendResult): void {
    if (placeOfKey(queue.domain) !== undefined || !queue.pools.includes(pool)) return;
    try {
      this.#callouts.learn({ domain: queue.domain, way: this.#way(pool, queue), mail, result });
    } catch (error) {
      // Learning reads lists and memory. If that fails, the mail's result must be written all the same.
      this.#log.warn("recipients could not be learned from a delivery", {
        id: mail.id,
        error: errorText(error),
      });
    }
  }

  /** Domains for which the primary accepts every address. */
  acceptAll(pool: ConnectionPool): readonly string[] {
    return this.#callouts.acceptAll({ name: pool.name, epoch: pool.watch.comeback.epoch });
  }

  stop(): void {
    this.#callouts.stop();
  }

  #way(pool: ConnectionPool, queue: DomainQueue): CalloutWay {
    const { name, watch } = pool;
    return {
      name,
      epoch: watch.comeback.epoch,
      inProbation: () => !this.#probations.trusts(pool, queue),
      converse: () => this.#converse(pool),
    };
  }

  async #converse(pool: ConnectionPool): Promise<Conversation> {
    const { watch } = pool;
    try {
      return await watch.open(GREETING);
    } catch (error) {
      // With other connections open, a refused one is only a limit. Without, the primary is down.
      const alone = pool.connections() === 0;
      if (alone && error instanceof DestinationTrouble && error.stage === "connect") watch.troubled(error);
      throw error;
    }
  }
}
