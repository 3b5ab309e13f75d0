/** Tokens in the API. */
import * as z from "zod";
import { SOCKET_CALLER } from "../../ports/journal.ts";
import { optionalText, text, time } from "./body-parts.ts";

const tokenName = z
  .string()
  .min(1)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    "has other characters than letters, digits, `.`, `_` and `-`, or more than 64 of them",
  )
  .refine(
    (name) => name !== SOCKET_CALLER,
    "is what the trace calls those who come over the socket; take another name",
  );

/** POST /v1/tokens. A token without `domain` may do everything. */
export const NewToken = z.strictObject({ name: tokenName, domain: text.exactOptional() });
export type NewToken = z.infer<typeof NewToken>;

const TokenBody = z.object({
  name: z.string(),
  createdAt: time,
  domain: optionalText,
});

/** The only response that contains the secret. */
export const CreatedToken = z.object({ ...TokenBody.shape, secret: z.string() });
export type CreatedToken = z.infer<typeof CreatedToken>;

/** GET /v1/tokens. DELETE /v1/tokens/{name} answers 204. */
export const TokenList = z.object({ items: z.array(TokenBody).readonly() });
export type TokenList = z.infer<typeof TokenList>;
