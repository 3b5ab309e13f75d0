/** What checks at the door say; a part of the contract. */
import * as z from "zod";

/** One check that looked: at which stage, what it said, how long that took, for how many recipients. */
export const LookBody = z.object({
  check: z.string(),
  stage: z.string(),
  said: z.string(),
  took: z.number(),
  times: z.number(),
});
export type LookBody = z.infer<typeof LookBody>;
