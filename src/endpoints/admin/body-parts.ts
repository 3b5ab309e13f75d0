/** Schemas shared by the bodies of the API. Clients import contract.ts instead. */
import * as z from "zod";

/** Most entries in one page, and the default. */
const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;

/** Text in a request. */
export const text = z.string().min(1).max(1000);
/** Milliseconds since 1970. */
export const time = z.number();
/** Error message for a time in a request that is too late. */
export const TOO_FAR = "is after the year 9999; without it there is no end";
/** Text in a response. */
export const optionalText = z.string().exactOptional();

export const pageShape = {
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  cursor: text.exactOptional(),
};
