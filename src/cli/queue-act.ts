/** Actions on the queue: hold, release, delete, flush, reroute, bounce. */
import type { CountBody, QueueAction, QueueVerb, StateName } from "../endpoints/admin/contract.ts";
import { counted } from "../runtime/quantities.ts";
import { FAILED, OK, WrongUse, type Command, type Input, type Option, type Tool } from "./command.ts";
import { FILTERS, REASONS, refuseForeign, selectionOf } from "./queue-filter.ts";

const WAITING = ["waiting", "unconfirmed"] as const;
/** States of mail that an operator or a check set aside, or that was given up. */
const ASIDE = ["held", "parked"] as const;
/** Reasons for which mail is set aside. */
const REASONS_ASIDE = REASONS.filter((reason) => reason !== "delivered" && reason !== "deleted");

interface Act {
  readonly verb: QueueVerb;
  /** States from which it moves mail. */
  readonly from: readonly StateName[];
  readonly summary: string;
  /** Text that follows `3 recipients`. */
  readonly done: string;
  readonly options?: readonly Option[];
  /** Further fields of the request. */
  readonly more?: (input: Input) => Partial<QueueAction>;
  readonly example?: string;
}

function queueAct({ verb, from, summary, done, options = [], more, example }: Act): Command {
  return {
    words: "[ID]",
    summary,
    options: [...options, ...filtersFor(from), { name: "all", help: "all mail, if no filter is given" }],
    example: example ?? `holdfast queue ${verb} --domain example.com`,
    async run(tool, input) {
      const filter = selectionOf(verb, input);
      const all = Object.keys(filter).length === 0;
      const json = { verb, filter, ...(all && { all }), ...more?.(input) };
      const { count } = await tool.daemon.ask<CountBody>({ method: "POST", path: "/v1/queue/actions", json });
      const none = `nothing to ${verb}: no mail in the queue has the id ${input.word(0)}, or its state forbids it`;
      return tellActed(tool, input, count, { done, none });
    },
  };
}

/** Returns the filters that can match: waiting mail has no reason. */
function filtersFor(from: readonly StateName[]): readonly Option[] {
  const state = { name: "state", value: "STATE", choices: from, help: `only what is ${from.join(", ")}` };
  const help = REASONS_ASIDE.join(", ");
  const reason = { name: "reason", value: "REASON", choices: REASONS_ASIDE, help };
  const others = FILTERS.filter(({ name }) => name !== "state" && name !== "reason");
  return [...others, state, ...(from.includes("held") ? [reason] : [])];
}

/** Prints how many recipients were acted on; with an id, none is a failure. */
export async function tellActed(
  tool: Tool,
  input: Input,
  count: number,
  { done, none }: { readonly done: string; readonly none: string },
): Promise<number> {
  if (count === 0) await refuseForeign(tool, input);
  const isNone = count === 0 && input.words.length > 0;
  tool.print({ count }, () => (isNone ? "" : `${counted(count, "recipient")} ${done}\n`));
  if (!isNone) return OK;
  tool.complain(none);
  return FAILED;
}

export const queueHold = queueAct({
  verb: "hold",
  from: WAITING,
  summary: "Sets mail aside: nothing happens to it until it is released.",
  done: "held.",
});

export const queueRelease = queueAct({
  verb: "release",
  from: ASIDE,
  summary: "Makes held and parked mail due now; its retention starts again.",
  done: "released, due at once.",
});

export const queueDelete = queueAct({
  verb: "delete",
  from: [...WAITING, ...ASIDE],
  summary: "Deletes mail, with a ledger entry. Mail that is being delivered at the moment stays.",
  done: "deleted.",
});

export const queueFlush = queueAct({
  verb: "flush",
  from: WAITING,
  summary: "Makes waiting mail due now.",
  done: "due now.",
});

export const queueReroute = queueAct({
  verb: "reroute",
  from: [...WAITING, ...ASIDE],
  summary: "Sends mail to another host at once, including held and parked mail.",
  done: "rerouted, due at once.",
  options: [{ name: "to", value: "HOST:PORT", help: "where to; `primary` is the domain's own" }],
  more: (input) => {
    const to = input.text("to");
    if (to === undefined) throw new WrongUse("where to? give --to HOST:PORT, or --to primary");
    return { to };
  },
  example: "holdfast queue reroute --domain example.com --to mail2.example.com:25",
});

export const queueBounce = queueAct({
  verb: "bounce",
  from: [...WAITING, ...ASIDE],
  summary:
    "Gives up on mail: it is parked, and its sender is notified within a minute if notices are on and the return path is proven to be the sender's own. Senders of parked mail who have not been notified yet are notified, too.",
  done: "given up.",
});
