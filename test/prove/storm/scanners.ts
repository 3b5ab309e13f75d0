/** The scanners of the storm: they judge, lie, freeze, break off, and are away. */
import { FakeClamd, FakeRspamd, type ClamdMood, type RspamdMood } from "../../support/fake-scanners.ts";
import type { Random } from "../../support/random.ts";
import type { Weather } from "./weather.ts";

const CLAMD: readonly (ClamdMood | "away")[] = [
  "eicar",
  "eicar",
  "eicar",
  "away",
  "silent",
  "nonsense",
  "early",
  "size",
  "closes",
  "closesMidStream",
  "endless",
];
const RSPAMD: readonly (RspamdMood | "away")[] = [
  "gtube",
  "gtube",
  "gtube",
  "away",
  "silent",
  "nonsense",
  "error",
  "closesMidStream",
  "endless",
];
/** What rspamd says of mail at which nothing is wrong; some of it is a lie. */
const ACTIONS = ["no action", "no action", "add header", "greylist", "soft reject", "reject"] as const;
const CALM = { action: "no action", score: 0.1, required_score: 15 };

export class Scanners implements Weather {
  readonly clamd: FakeClamd;
  readonly rspamd: FakeRspamd;
  readonly #random: Random;

  private constructor(clamd: FakeClamd, rspamd: FakeRspamd, random: Random) {
    this.clamd = clamd;
    this.rspamd = rspamd;
    this.#random = random;
  }

  static async open(random: Random, stack: AsyncDisposableStack): Promise<Scanners> {
    return new Scanners(stack.use(await FakeClamd.start()), stack.use(await FakeRspamd.start()), random);
  }

  async change(): Promise<void> {
    const { pick, below } = this.#random;
    if (below(2) === 0) await take(this.clamd, pick(CLAMD));
    else await take(this.rspamd, pick(RSPAMD));
    this.rspamd.answer = { ...CALM, action: pick(ACTIONS) };
  }

  async mend(): Promise<void> {
    this.rspamd.answer = CALM;
    await take(this.clamd, "eicar");
    await take(this.rspamd, "gtube");
  }
}

/** Whoever hangs in a mood of before is let go. */
async function take<M>(
  server: { mood: M; close(): Promise<void>; reopen(): Promise<void> },
  mood: M | "away",
): Promise<void> {
  await server.close();
  if (mood === "away") return;
  server.mood = mood as M;
  await server.reopen();
}
