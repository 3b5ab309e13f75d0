/** Primaries that are slow, and one that comes and goes. */
import type { FakePrimary } from "../../support/fake-primary.ts";
import { pause } from "../../support/wait.ts";
import { DOWN_AND_UP, MAILS, MINUTE, type Behaviour } from "./behaviour.ts";

/** Their seconds are of the test clock, which runs ahead. */
export const SLOW: readonly Behaviour[] = [
  {
    name: "greets after 4 minutes",
    scripts: ({ wait }) => [{ greetingDelay: 4 * MINUTE, wait }],
    after: { delivered: MAILS },
    told: ["primary.slow"],
  },
  {
    name: "answers an octet a second",
    scripts: ({ wait }) => [{ drip: 1000, wait }],
    after: { delivered: MAILS },
    told: ["primary.slow"],
  },
];

/** Milliseconds. */
const FLAP = 5000;
const CYCLES = 3;

/** Its seconds are real. */
export const FLAPPING: readonly Behaviour[] = [
  {
    name: "5 s up, 5 s down",
    // Slow enough that the mail does not go in the first 5 s.
    scripts: () => [{ tarpit: 120 }],
    transport: { connections: 1 },
    meanwhile: async (primary: FakePrimary) => {
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        await pause(FLAP);
        await primary.close();
        await pause(FLAP);
        await primary.open();
      }
      delete primary.behaviour.tarpit;
    },
    after: { delivered: MAILS },
    told: DOWN_AND_UP,
  },
];
