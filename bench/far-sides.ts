/** What stands at the far end of a line and takes the mail. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Postfix, primarySettings } from "../test/peers/postfix.ts";
import { SmtpSink } from "../test/peers/smtp-sink.ts";
import { DOMAIN } from "./contestants.ts";
import { waitFor } from "../test/support/wait.ts";

interface Arrivals {
  readonly count: number;
  /** Milliseconds of any clock. */
  readonly first: number;
  readonly last: number;
}

export interface FarSide extends AsyncDisposable {
  arrived(): Promise<Arrivals>;
}

export async function smtpSink(port: number): Promise<FarSide> {
  const sink = await SmtpSink.start({ port });
  return {
    arrived: async () => ({ count: sink.messages, ...sink.times }),
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}

/** A Postfix that delivers into a maildir; a mail's time is that of its file. */
export async function postfixSink(port: number, folder: string): Promise<FarSide> {
  const postfix = await Postfix.start({ port, parent: folder, settings: primarySettings(DOMAIN) });
  return {
    arrived: async () => {
      await waitFor({ what: "all is delivered", deadline: 60_000, every: 100 }, async () => {
        return (await postfix.queued()) === 0;
      });
      return arrivalsIn(join(postfix.folder, "mail", "all", "new"));
    },
    [Symbol.asyncDispose]: () => postfix[Symbol.asyncDispose](),
  };
}

async function arrivalsIn(folder: string): Promise<Arrivals> {
  const names = await readdir(folder);
  const times = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).mtimeMs));
  return { count: times.length, first: Math.min(...times), last: Math.max(...times) };
}
