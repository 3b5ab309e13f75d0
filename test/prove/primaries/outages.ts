/** Primaries that take nothing for three days. */
import { DOWN_AND_UP, longReply, MAILS, MINUTE, type Behaviour } from "./behaviour.ts";

const WAITING = { waiting: MAILS };
const BACK = { after: { delivered: MAILS }, told: DOWN_AND_UP };

function greetsWith(name: string, greeting: string, state: string): Behaviour {
  return {
    name,
    scripts: () => [{ greeting }],
    before: { counts: WAITING, state },
    mend: ({ primary }) => void delete primary.behaviour.greeting,
    ...BACK,
  };
}

/** Its name is in the DNS only after it was mended. */
function nameless(answer: "NXDOMAIN" | "SERVFAIL"): Behaviour {
  const host = `${answer.toLowerCase()}.primaries.test`;
  return {
    name: `its name is ${answer}`,
    scripts: () => [{}],
    transport: { host },
    before: { counts: WAITING, state: "down" },
    mend: ({ dns }) => void (dns.zones[host] = { A: ["127.0.0.1"], ttl: 5 }),
    ...BACK,
  };
}

export const OUTAGES: readonly Behaviour[] = [
  {
    name: "down for three days",
    closed: true,
    promptly: true,
    scripts: () => [{}],
    before: { counts: WAITING, state: "down" },
    ...BACK,
  },
  {
    name: "back without its users for 10 minutes",
    closed: true,
    scripts: (time) => {
      let empty = Infinity;
      const onRcpt = (): string | undefined => {
        empty = Math.min(empty, time.now() + 10 * MINUTE);
        return time.now() < empty ? "550 5.1.1 no such user" : undefined;
      };
      return [{ onRcpt }];
    },
    before: { counts: WAITING, state: "down" },
    after: { delivered: MAILS },
    told: [...DOWN_AND_UP, "probation.stopped", "probation.passed"],
  },
  greetsWith("bans us with 554", "554 5.7.1 you are listed", "banned"),
  greetsWith("bans us with 421", "421 4.7.0 try again later", "banned"),
  greetsWith("greets as something else than SMTP", "SSH-2.0-OpenSSH_9.2p1", "down"),
  greetsWith("greets without end", longReply(220, 70_000, false), "down"),
  {
    name: "takes connections and never speaks",
    scripts: () => [{ greeting: "silence" }],
    before: { counts: WAITING },
    mend: async ({ primary }) => {
      delete primary.behaviour.greeting;
      await primary.close();
      await primary.open();
    },
    after: { delivered: MAILS },
    told: [...DOWN_AND_UP, "primary.slow"],
  },
  {
    name: "greets by our own name",
    scripts: () => [{ name: "mx2.holdfast.test" }],
    before: { counts: WAITING, state: "loop" },
    mend: ({ primary }) => void delete primary.behaviour.name,
    after: { delivered: MAILS },
    told: ["primary.loop", "primary.up"],
  },
  {
    name: "is our own listener",
    scripts: () => [{}],
    ownListener: true,
    before: { counts: WAITING, state: "loop" },
    after: WAITING,
    told: ["primary.loop"],
  },
  nameless("NXDOMAIN"),
  nameless("SERVFAIL"),
];
