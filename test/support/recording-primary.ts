/** A primary whose mails come back as they were handed over, octet for octet: a real Postfix, or a recording fake. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { asReceived, Postfix, primarySettings } from "../peers/postfix.ts";
import { fakePrimary } from "./fake-primary.ts";

export interface RecordingPrimary extends AsyncDisposable {
  /** Mails so far: what was sent after DATA, dots unstuffed. Each call answers all. */
  mails(): Promise<readonly Buffer[]>;
  /** Its own words, to be shown when mail is missing. */
  log(): Promise<string>;
}

export type PrimaryKind = "postfix" | "recording fake";

export async function recordingPrimary(
  kind: PrimaryKind,
  port: number,
  domain: string,
): Promise<RecordingPrimary> {
  return kind === "postfix" ? startPostfix(port, domain) : startFake(port);
}

async function startPostfix(port: number, domain: string): Promise<RecordingPrimary> {
  const postfix = await Postfix.start({ port, settings: primarySettings(domain) });
  const folder = join(postfix.folder, "mail", "all", "new");
  const read = new Map<string, Buffer>();
  return {
    mails: async () => {
      // A file is complete when it appears here, and never changes; each is read once.
      for (const name of await readdir(folder).catch(() => [])) {
        if (!read.has(name)) read.set(name, asReceived(await readFile(join(folder, name))));
      }
      return [...read.values()];
    },
    log: async () => (await postfix.log()).slice(-3000),
    [Symbol.asyncDispose]: () => postfix[Symbol.asyncDispose](),
  };
}

async function startFake(port: number): Promise<RecordingPrimary> {
  const primary = await fakePrimary({ port });
  return {
    mails: () => Promise.resolve(primary.mails.map((mail) => mail.data)),
    log: () => Promise.resolve(primary.commands.slice(-20).join("\n")),
    [Symbol.asyncDispose]: () => primary.close(),
  };
}
