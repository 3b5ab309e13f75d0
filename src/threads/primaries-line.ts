/** The channel over which an SMTP thread makes requests of the delivery thread. */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { CalloutAnswer, CalloutQuestion } from "../ports/callout.ts";
import { serveChannel } from "../runtime/channel.ts";

/** What an SMTP thread may ask for. */
export type PrimariesControl = {
  /** ETRN: make what waits for the domain due, and ask its primary. */
  flush(domain: string): void;
  /** Whether a mailbox exists. */
  ask(question: CalloutQuestion): Promise<CalloutAnswer>;
};

/** The end for one life of one SMTP thread; the other end calls `methods`. */
export function primariesLine(methods: PrimariesControl): MessagePort {
  const { port1, port2 } = new MessageChannel();
  serveChannel<PrimariesControl>(port1, methods);
  port1.unref();
  return port2;
}

/** Asks with `ask`; while nobody is there to be asked, whoever asks may come again. */
export function askVia(
  ask: (question: CalloutQuestion) => Promise<CalloutAnswer> | undefined,
): PrimariesControl["ask"] {
  return async (question) => (await ask(question)?.catch(() => undefined)) ?? { kind: "busy" };
}
