/** Scanners that can be made to fail: Debian's own, or fakes where those are missing or speak too well. */
import { startClamd } from "../../peers/clamd.ts";
import { startRspamd } from "../../peers/rspamd.ts";
import type { ScannerProcess } from "../../peers/scanner-process.ts";
import { FakeClamd, FakeRspamd } from "../../support/fake-scanners.ts";

export type Trouble = "killed" | "frozen" | "nonsense" | "closing mid-stream";

export interface Victim {
  readonly name: "clamav" | "rspamd";
  readonly server: string;
  readonly troubles: readonly Trouble[];
  /** Processes whose time is the scanner's; none for a fake. */
  readonly pid: number | undefined;
  cause(trouble: Trouble): Promise<void>;
  heal(): Promise<void>;
}

export interface Victims extends AsyncDisposable {
  readonly clamav: Victim;
  readonly rspamd: Victim;
}

export async function realVictims(): Promise<Victims> {
  const stack = new AsyncDisposableStack();
  try {
    const clamd = await startClamd();
    stack.use(clamd.process);
    const rspamd = await startRspamd();
    stack.use(rspamd.process);
    return {
      clamav: real("clamav", clamd.process, clamd.socket),
      rspamd: real("rspamd", rspamd.process, rspamd.address),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function real(name: Victim["name"], process: ScannerProcess, server: string): Victim {
  let killed = false;
  return {
    name,
    server,
    troubles: ["killed", "frozen"],
    pid: process.pid,
    cause: async (trouble) => {
      killed = trouble === "killed";
      if (killed) await process.kill();
      else process.freeze();
    },
    heal: async () => {
      if (killed) await process.restart();
      else process.thaw();
    },
  };
}

const ALL: readonly Trouble[] = ["killed", "frozen", "nonsense", "closing mid-stream"];
const MOODS = { frozen: "silent", nonsense: "nonsense", "closing mid-stream": "closesMidStream" } as const;

export async function fakeVictims(): Promise<Victims> {
  const stack = new AsyncDisposableStack();
  const clamd = stack.use(await FakeClamd.start());
  const rspamd = stack.use(await FakeRspamd.start());
  return {
    clamav: fake("clamav", clamd, "eicar"),
    rspamd: fake("rspamd", rspamd, "gtube"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function fake<M>(
  name: Victim["name"],
  server: {
    mood: M | (typeof MOODS)[keyof typeof MOODS];
    readonly address: string;
    close(): Promise<void>;
    reopen(): Promise<void>;
  },
  well: M,
): Victim {
  return {
    name,
    server: server.address,
    troubles: ALL,
    pid: undefined,
    cause: async (trouble) => {
      if (trouble === "killed") await server.close();
      else server.mood = MOODS[trouble];
    },
    heal: async () => {
      server.mood = well;
      await server.reopen();
    },
  };
}
