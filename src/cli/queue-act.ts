/** Acting on the queue: hold, release, delete, flush. */
import type { CountBody, QueueAction, QueueVerb } from "../endpoints/admin/contract.ts";
import { FAILED, OK, WrongUse, type Command, type Input } from "./command.ts";
import { FILTERS, filterOf } from "./queue-look.ts";

interface Act {
  readonly verb: QueueVerb;
  readonly summary: string;
  /** `3 recipients` and then this. */
  readonly done: string;
}

function queueAct({ verb, summary, done }: Act): Command {
  return {
    words: "[ID]",
    summary,
    options: [...FILTERS, { name: "all", help: "everything, where nothing else narrows it" }],
    example: `holdfast queue ${verb} --domain example.com`,
    async run(tool, input) {
      const json = { verb, ...selection(verb, input) };
      const { count } = await tool.daemon.ask<CountBody>({ method: "POST", path: "/v1/queue/actions", json });
      const isNone = count === 0 && input.words.length > 0;
      tool.print({ count }, () =>
        isNone ? "" : `${count} ${count === 1 ? "recipient" : "recipients"} ${done}\n`,
      );
      if (!isNone) return OK;
      tool.complain(
        `nothing to ${verb}: no mail in the queue has the id ${input.word(0)}, or its state forbids it`,
      );
      return FAILED;
    },
  };
}

/** Nothing given never means everything. */
function selection(verb: QueueVerb, input: Input): Omit<QueueAction, "verb"> {
  const [id] = input.words;
  const filter = { ...filterOf(input), ...(id !== undefined && { id }) } as NonNullable<
    QueueAction["filter"]
  >;
  if (Object.keys(filter).length > 0) return { filter };
  if (!input.flag("all"))
    throw new WrongUse(`what to ${verb}? give an id, a filter such as --domain example.com, or --all`);
  return { filter, all: true };
}

export const queueHold = queueAct({
  verb: "hold",
  summary: "Sets mail aside: nothing happens to it until it is released.",
  done: "held.",
});

export const queueRelease = queueAct({
  verb: "release",
  summary: "Lets held and parked mail go on; its retention starts anew.",
  done: "released, due at once.",
});

export const queueDelete = queueAct({
  verb: "delete",
  summary: "Deletes mail, with a line in the ledger. What is just being delivered stays.",
  done: "deleted.",
});

export const queueFlush = queueAct({
  verb: "flush",
  summary: "Makes waiting mail due now.",
  done: "due now.",
});
