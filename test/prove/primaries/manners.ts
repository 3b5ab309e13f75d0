/** Primaries that are there and refuse, put off or break off. */
import { waitFor } from "../../support/wait.ts";
import { DOWN_AND_UP, everyNth, isEach, MAILS, MINUTE, type Behaviour } from "./behaviour.ts";

const FOURTH = MAILS / 4;
const OTHERS = MAILS - FOURTH;

export const MANNERS: readonly Behaviour[] = [
  {
    name: "greylists us for 5 minutes",
    scripts: (time) => {
      const first = new Map<string, number>();
      const known = (recipient: string): number => first.get(recipient) ?? time.now();
      const onRcpt = (recipient: string): string | undefined => {
        first.set(recipient, known(recipient));
        return time.now() - known(recipient) < 5 * MINUTE ? "450 4.2.0 greylisted" : undefined;
      };
      return [{ onRcpt }];
    },
    before: { counts: { waiting: MAILS }, state: "up", asked: { verb: "RCPT", times: MAILS } },
    after: { delivered: MAILS },
    told: [],
  },
  {
    name: "refuses spam only",
    scripts: () => [{ onDot: ({ data }) => (isEach(4, data) ? "554 5.7.1 spam" : undefined) }],
    before: { counts: { delivered: OTHERS, parked: FOURTH } },
    after: { delivered: OTHERS, parked: FOURTH },
    told: [],
  },
  {
    name: "closes after the dot of one mail in eight",
    scripts: () => [{ onDot: ({ data }) => (isEach(8, data) ? "close" : undefined) }],
    after: { delivered: MAILS - MAILS / 8, held: MAILS / 8 },
    told: ["mail.held"],
    mayTell: DOWN_AND_UP,
  },
  {
    name: "closes in the middle of DATA",
    scripts: () => [{ midData: { after: 300, act: "close" } }],
    // Where the kernel took the whole mail, its end may have arrived.
    before: { open: MAILS, asked: { verb: "DATA", times: 3 } },
    mend: ({ primary }) => void delete primary.behaviour.midData,
    after: { delivered: MAILS },
    told: DOWN_AND_UP,
  },
  {
    name: "says 421 in the middle of pipelining",
    scripts: () => [{ onRcpt: everyNth(7, "421 4.3.2 going down") }],
    after: { delivered: MAILS },
    told: [],
    mayTell: DOWN_AND_UP,
  },
  {
    name: "resets the connection at MAIL",
    scripts: () => [{ onMail: everyNth(5, "reset") }],
    after: { delivered: MAILS },
    told: [],
    mayTell: DOWN_AND_UP,
  },
  {
    name: "resets the connection at QUIT",
    scripts: () => [{ onQuit: () => "reset" }],
    before: { counts: { delivered: MAILS } },
    after: { delivered: MAILS },
    told: [],
  },
  {
    name: "puts off one recipient of three",
    everybody: true,
    scripts: () => [{ onRcpt: (to) => (to.startsWith("carol") ? "451 4.2.1 later" : undefined) }],
    before: { counts: { delivered: 2 * MAILS, waiting: MAILS } },
    mend: ({ primary }) => void delete primary.behaviour.onRcpt,
    after: { delivered: 3 * MAILS },
    told: [],
  },
  {
    name: "refuses one recipient of three",
    everybody: true,
    scripts: () => [{ onRcpt: (to) => (to.startsWith("carol") ? "550 5.1.1 no such user" : undefined) }],
    before: { counts: { delivered: 2 * MAILS, parked: MAILS } },
    after: { delivered: 2 * MAILS, parked: MAILS },
    told: [],
  },
  {
    name: "takes two recipients a mail (452)",
    everybody: true,
    scripts: () => [{ onRcpt: (_, taken) => (taken < 2 ? undefined : "452 4.5.3 too many recipients") }],
    before: { counts: { delivered: 3 * MAILS } },
    after: { delivered: 3 * MAILS },
    told: [],
  },
  {
    name: "refuses us at MAIL",
    scripts: () => [{ onMail: () => "550 5.7.1 go away" }],
    before: { counts: { parked: MAILS } },
    after: { parked: MAILS },
    told: [],
  },
  {
    name: "three primaries, the first dies in the middle of DATA",
    scripts: () => [{ midData: { after: 300, act: "close" } }, {}, {}],
    meanwhile: async (primary) => {
      const wait = { what: "the first DATA", deadline: MINUTE, every: 2 };
      await waitFor(wait, () => primary.commands.some((line) => line === "DATA"));
      await primary.close();
    },
    after: { delivered: MAILS },
    told: ["primary.down"],
    mayTell: DOWN_AND_UP,
    complaint: ({ mails }) => (mails.length === 0 ? undefined : "the dead one has mail"),
  },
  {
    name: "takes any address, and is all that knows them",
    scripts: () => [{}],
    recipients: { callout: true },
    flowing: true,
    // Fewer than the strangers that one network is taken for in an hour.
    mails: 18,
    before: { counts: { delivered: 18 }, acceptAll: true },
    after: { delivered: 18 },
    told: [],
  },
];
