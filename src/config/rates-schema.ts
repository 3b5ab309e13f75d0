/** Caps on the activity of clients in a period. */
import { described } from "./notes.ts";
import { quoted } from "./problem.ts";
import { readSize } from "../runtime/quantities.ts";
import { duration, integerOrOff } from "./quantities.ts";
import { scalar, section } from "./scalars.ts";

/** A cap, or none. */
export function cap() {
  return integerOrOff(1, 1e9, "cap").prefault("off");
}

function sizeCap() {
  const notation = {
    type: "size, 1MiB to 1TB, or `off`",
    expected: "a size from 1MiB to 1TB, such as 2GB, or off",
    json: { type: ["string", "integer"] },
  };
  return scalar<number | "off">(notation, (text) => {
    const value = text === "off" ? "off" : (readSize(text) ?? 0);
    const sound = value === "off" || (value >= 2 ** 20 && value <= 1e12);
    return sound ? { value } : { wrong: `${quoted(text)} is not a cap` };
  }).prefault("off");
}

/** `whose` names a network or an address. */
function caps(whose: string, connections: string, mails: string) {
  return {
    connections: described(cap(), {
      meaning: `Connections made by one ${whose}; beyond, 421.`,
      example: connections,
    }),
    mails: described(cap(), { meaning: `Mails begun by one ${whose}; beyond, 451.`, example: mails }),
    recipients: described(cap(), {
      meaning: `Recipients named by one ${whose}; beyond, 451.`,
      example: "5000",
    }),
    refusedRecipients: described(cap(), {
      meaning: `Recipients of one ${whose} refused for good; beyond, 451 to every recipient: an end to lists that are tried out.`,
      example: "100",
    }),
    size: described(sizeCap(), {
      meaning: `Mail that came in from one ${whose}, in bytes; beyond, 451 to further mails.`,
      example: "2GB",
    }),
  };
}

export const rates = section({
  period: described(duration("1s", "24h").prefault("10m"), {
    meaning: "Length of the periods to which the caps below apply; periods are aligned to the clock.",
    example: "1h",
  }),
  ...caps("network", "600", "1000"),
  address: described(section(caps("address", "300", "500")).prefault({}), {
    meaning: "The same for one address, in addition to the caps on its network.",
    example: "{ mails: 500 }",
  }),
});
