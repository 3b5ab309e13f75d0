/** The channel over which an SMTP thread makes requests of the delivery thread. */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { CalloutAnswer, CalloutQuestion } from "../ports/callout.ts";
import { serveChannel } from "../runtime/channel.ts";

/** What an SMTP thread may ask for. */
export type PrimariesControl = {
  /** ETRN: makes the waiting mail of the domain due, and probes its primary. */
  flush(domain: string): void;
  /** Asks whether a mailbox exists. */
  ask(question: CalloutQuestion): Promise<CalloutAnswer>;
};

/** Opens a channel for one life of one SMTP thread and returns the thread's end; calls to it run `methods`. */
export function primariesLine(methods: PrimariesControl): MessagePort {
  const { port1, port2 } = new MessageChannel();
  serveChannel<PrimariesControl>(port1, methods);
  port1.unref();
  return port2;
}

/** Passes questions to `ask`. While there is nobody to ask, the answer tells the caller to try again later. */
export function askVia(
  ask: (question: CalloutQuestion) => Promise<CalloutAnswer> | undefined,
): PrimariesControl["ask"] {
  return async (question) => (await ask(question)?.catch(() => undefined)) ?? { kind: "busy" };
}
