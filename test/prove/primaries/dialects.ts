/** Primaries that offer less than others, or say it at length. */
import { DOWN_AND_UP, isEach, longReply, MAILS, type Behaviour } from "./behaviour.ts";

const FOURTH = MAILS / 4;
const FLUENT = ["PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
const ALL_DELIVERED = { before: { counts: { delivered: MAILS } }, after: { delivered: MAILS }, told: [] };

export const DIALECTS: readonly Behaviour[] = [
  { name: "knows HELO only", scripts: () => [{ noEhlo: true }], ...ALL_DELIVERED },
  {
    name: "has no PIPELINING",
    scripts: () => [{ extensions: ["8BITMIME", "SIZE 100000000"] }],
    ...ALL_DELIVERED,
  },
  { name: "has no 8BITMIME", scripts: () => [{ extensions: ["PIPELINING"] }], ...ALL_DELIVERED },
  {
    name: "refuses one BDAT in four",
    scripts: () => [
      { extensions: FLUENT, onDot: ({ data }) => (isEach(4, data) ? "554 5.6.0 not that one" : undefined) },
    ],
    before: { counts: { delivered: MAILS - FOURTH, parked: FOURTH } },
    after: { delivered: MAILS - FOURTH, parked: FOURTH },
    told: [],
    complaint: ({ commands }) =>
      commands.some((line) => line.startsWith("BDAT")) ? undefined : "no BDAT was sent",
  },
  {
    name: "says 250 twice to each BDAT that it takes, and refuses one in four",
    scripts: () => [
      {
        extensions: FLUENT,
        onDot: ({ data }) =>
          isEach(4, data) ? "554 5.6.0 not that one" : "250 2.0.0 taken\r\n250 2.0.0 really",
      },
    ],
    after: { delivered: MAILS - FOURTH, parked: FOURTH },
    told: [],
    mayTell: DOWN_AND_UP,
    complaint: ({ commands }) =>
      commands.some((line) => line.startsWith("DATA")) ? undefined : "it was not asked step by step",
  },
  {
    name: "offers a SIZE below every mail",
    closed: true,
    scripts: () => [{ extensions: ["PIPELINING", "SIZE 700"] }],
    before: { counts: { waiting: MAILS }, state: "down" },
    after: { parked: MAILS },
    told: DOWN_AND_UP,
    complaint: ({ commands }) =>
      commands.some((line) => line.startsWith("MAIL")) ? "mail was sent all the same" : undefined,
  },
  { name: "replies of 60 KB", scripts: () => [{ onRcpt: () => longReply(250, 60_000) }], ...ALL_DELIVERED },
  {
    name: "replies without end",
    scripts: () => [{ onRcpt: () => longReply(250, 70_000, false) }],
    before: { counts: { waiting: MAILS }, asked: { verb: "RCPT", times: 3 } },
    mend: ({ primary }) => void delete primary.behaviour.onRcpt,
    after: { delivered: MAILS },
    told: DOWN_AND_UP,
  },
  {
    name: "answers DATA with 250",
    scripts: () => [{ onData: () => "250 2.0.0 thank you" }],
    before: { counts: { waiting: MAILS }, state: "up", asked: { verb: "DATA", times: MAILS } },
    mend: ({ primary }) => void delete primary.behaviour.onData,
    after: { delivered: MAILS },
    told: [],
  },
];
