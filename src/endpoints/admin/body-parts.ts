/** Small parts that the bodies of the API share. Not for clients: they import the contract. */
import * as z from "zod";

/** Most entries of one page, and how many there are unless a client says. */
const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;

/** Of a request. */
export const text = z.string().min(1).max(1000);
/** Milliseconds since 1970. */
export const time = z.number();
/** For the bound of a time to come that a client gives. */
export const TOO_FAR = "is after the year 9999; without it there is no end";
/** Of a response. */
export const optionalText = z.string().exactOptional();

export const pageShape = {
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  cursor: text.exactOptional(),
};
