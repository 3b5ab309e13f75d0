/** Checks that defer clients, and admit them when they return. */
import type * as z from "zod";
import { described } from "./notes.ts";
import { duration } from "./quantities.ts";
import { choice, oneOf, section } from "./scalars.ts";

export const GREYLIST = {
  meaning:
    "A new combination of client network, sender and recipient is deferred once with 451. A client that returns, even from another network if SPF passes, is known for 35 days. Not applied while all primaries of the domain have been down for over an hour, to clients on a list of good clients, or to senders from which the domain has accepted mail before.",
  type: "`off`, `on` or mapping",
  example: "{ delay: 2m }",
};

export const REACHABILITY = {
  meaning:
    "While a primary of the domain is up, clients get 451 with its name. A client that returns after the delay, or from other networks of the same sender, is admitted, because its path to the primary may be broken. Not available for a reflector.",
  type: "`off`, `on` or mapping",
  example: "{ delay: 10m }",
};

function action() {
  return described(choice("tag", "defer").prefault("defer"), {
    meaning: "What happens to the client: it is deferred, or its mail gets a field below our Received.",
    example: "tag",
  });
}

/** `off`, a mapping, or `on` for its defaults; `expected` names the forms. */
function onOr<S extends z.ZodType>(mapping: S, expected: string) {
  const forms = oneOf([choice("off", "on"), mapping], expected);
  return forms.transform((given) => (given === "on" ? mapping.parse({}) : given));
}

export function greylist() {
  const keys = section({
    delay: described(duration("1s", "1h").prefault("1m"), {
      meaning: "How long a client must wait before it returns.",
      example: "2m",
    }),
    action: action(),
  });
  return onOr(keys, "off, on or { delay: 1m }");
}

export function reachability() {
  const keys = section({
    delay: described(duration("1s", "4h").prefault("5m"), {
      meaning: "A client that returns after this time is admitted; mail servers retry after 5 to 30 minutes.",
      example: "10m",
    }),
    remember: described(duration("1m", "35d").prefault("1d"), {
      meaning: "How long an admitted network is admitted at once, for the same sending domain.",
      example: "7d",
    }),
    action: action(),
  });
  return onOr(keys, "off, on or { delay: 5m }");
}
