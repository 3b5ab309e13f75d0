/** The trace in the API. */
import * as z from "zod";
import { text, time } from "./body-parts.ts";
import { LookBody } from "./explain-bodies.ts";
import { QueueEntryBody } from "./queue-bodies.ts";

/** GET /v1/trace?about=: an id, an address or a Message-ID. */
export const TraceQuery = z.strictObject({ about: text });
const TraceLineBody = z.object({
  at: time,
  id: z.string(),
  kind: z.string(),
  text: z.string(),
  /** The checks that ran, if the line is about an accepted mail or a refusal. */
  checks: z.array(LookBody).readonly().exactOptional(),
});
export const TraceBody = z.object({
  about: z.string(),
  /** The state of each recipient concerned. */
  mails: z.array(QueueEntryBody).readonly(),
  /** What happened, oldest first. */
  lines: z.array(TraceLineBody.readonly()).readonly(),
});
export type TraceBody = z.infer<typeof TraceBody>;
