/** Judges a whole body: by its header, by the cheap checks, and then by the inspectors that saw it arrive. */
import type { HeaderFacts } from "../../mail/header-scanner.ts";
import type { Reply } from "../../mail/reply.ts";
import { ACCEPT, type Verdict } from "../../mail/verdict.ts";
import type { BodyWriter } from "../../ports/intake.ts";
import { andThen, type Later } from "../../runtime/at-once.ts";
import type { Examination, Examined, Policy } from "../../services/policy/policy.ts";
import { say, type Answer } from "./answer.ts";
import type { Transaction } from "./transaction.ts";

/** Time that inspectors have after the last octet, in ms. */
const INSPECTION = 20_000;

const MAIL_NEEDS_UTF8 = say(
  550,
  "5.6.9",
  "Message needs SMTPUTF8, which the server of the domain does not take",
);
const HEADER_TOO_BIG = say(552, "5.3.4", "Header section exceeds the size limit");

const NOT_EXAMINED: Examined = { verdict: ACCEPT, fields: [], notes: [] };

interface ArrivedBody {
  readonly transaction: Transaction;
  readonly policy: Policy;
  readonly facts: HeaderFacts;
  /** The body as it was written. */
  readonly body: Pick<BodyWriter, "size" | "read">;
  /** Undefined if there is no inspection. */
  readonly examination: Examination | undefined;
  /** Milliseconds since the last octet arrived. */
  readonly waited: () => number;
}

/** Returns an answer if the body is refused. Returns synchronously if no check or inspection is asynchronous. */
export function judgeBody(arrived: ArrivedBody): Later<Answer | Examined> {
  const { transaction, policy, facts } = arrived;
  if (facts.tooLong) return HEADER_TOO_BIG;
  if (transaction.profile?.lacksUtf8 === true && transaction.needsUtf8(facts)) return MAIL_NEEDS_UTF8;
  const { received, ownReceived } = transaction.settings.limits;
  const verdict = policy.data({ ...transaction.subject, facts, received, ownReceived }, transaction.looks);
  return andThen(verdict, (known) => weigh(arrived, known));
}

function weigh(arrived: ArrivedBody, verdict: Verdict): Later<Answer | Examined> {
  const { transaction, examination } = arrived;
  if (verdict.kind === "reject" || verdict.kind === "defer") return refusal(transaction, verdict.reply);
  if (verdict.kind === "tag") transaction.tags.push(verdict.field);
  return examination === undefined ? NOT_EXAMINED : inspect(arrived, examination);
}

async function inspect(
  { transaction, facts, body, waited }: ArrivedBody,
  examination: Examination,
): Promise<Answer | Examined> {
  const shown = { size: body.size, facts, read: () => body.read() };
  const examined = await examination.finish(shown, INSPECTION - waited());
  const { verdict } = examined;
  for (const { name, said, took } of examined.said ?? []) transaction.looks?.note(name, "data", said, took);
  return verdict.kind === "reject" || verdict.kind === "defer"
    ? refusal(transaction, verdict.reply)
    : examined;
}

/** The refusal with the results of the checks, for the trace. */
function refusal({ looks }: Transaction, reply: Reply): Answer {
  const checks = looks?.packed();
  return checks === undefined ? { reply } : { reply, about: { checks } };
}
