/** How primaries behave in the storm. */
import type { Act, Behaviour } from "../../support/fake-primary.ts";
import type { Random } from "../../support/random.ts";

/**
 * After the final dot: the mail is taken; taken without a reply; taken, and all connections are cut right behind the
 * reply; not taken, without a reply; or refused with these words.
 */
export type Dot = "take" | "lose the reply" | "cut" | "drop" | `${4 | 5}${string}`;

export interface Mood extends Omit<Behaviour, "onEhlo" | "onDot"> {
  /** By the size of the mail in octets. */
  readonly dot?: (size: number) => Dot;
  /** What SIZE says, in octets. */
  readonly size?: number;
}

/** Makes a reply that is found again; with a recipient it is about that one. */
export type Say = (text: string, recipient?: string) => string;

/** One of them is drawn for a while; what is random in it is drawn anew for each command. */
export function moods(random: Random, say: Say): readonly (Mood | "away")[] {
  const { below, pick } = random;
  const oneIn = (times: number): boolean => below(times) === 0;
  const act = (): Act => pick(["close", "reset", "silence"]);
  const dots = (times: number, dot: Dot) => (): Dot => (oneIn(times) ? dot : "take");
  const refusing = (times: number, text: string) => (to: string) =>
    oneIn(times) ? say(text, to) : undefined;
  const saying = (...texts: readonly string[]) => {
    const text = pick(texts);
    return () => (oneIn(3) ? say(text) : undefined);
  };
  const leaving = () => (oneIn(8) ? act() : undefined);
  const size = pick([2000, 20_000, 70_000, 200_000]);
  const nobody = /^(?:bob|bill|carl|emil|g)/;
  return [
    {},
    "away",
    { onRcpt: refusing(2, "450 4.2.0 greylisted") },
    { onRcpt: (to) => (nobody.test(to) ? say("550 5.1.1 no such user", to) : undefined) },
    { onRcpt: refusing(3, "553 5.1.3 not so") },
    { dot: dots(2, "451 4.3.0 try again") },
    { dot: dots(3, "554 5.7.1 not this") },
    { dot: dots(3, "lose the reply") },
    { dot: dots(3, "drop") },
    { dot: dots(6, "cut") },
    { midData: { after: 500 + below(5000), act: act() } },
    { onMail: saying("451 4.3.2 later", "421 4.3.2 closing", "550 5.7.1 not you") },
    { onData: saying("451 4.3.2 later", "421 4.3.2 closing", "554 5.5.0 no") },
    { onMail: leaving, onRcpt: leaving, onData: leaving, onReset: leaving },
    { greeting: pick(["554 5.7.1 not you", "421 4.3.2 busy", "close", "silence"]) },
    { size, dot: (octets) => (octets > size ? "552 5.3.4 too large" : "take") },
    { tarpit: 30, maxConnections: 2 },
    {
      onRcpt: refusing(8, pick(["450 4.2.0 later", "550 5.1.1 nobody"])),
      dot: () => pick(["take", "take", "take", "lose the reply", "drop", "451 4.3.0 later", "554 5.7.1 no"]),
    },
  ];
}
