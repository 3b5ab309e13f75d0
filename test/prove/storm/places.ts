/** Who lives where in the storm: domains, their people, and which primaries may get their mail. */

export interface Place {
  readonly domain: string;
  /** Numbers of the primaries that may get its mail. */
  readonly primaries: readonly number[];
  /** Local parts that exist at all times. */
  readonly people: readonly string[];
  /** Local parts that come and go. */
  readonly guests: readonly string[];
  /** It is always there, and takes mail for nobody else. */
  readonly closed: boolean;
  /** Its people are never refused for good. */
  readonly sure: boolean;
}

/** Where `reroute` sends mail, the smart host for notices, and the MX of a sender who may be told. */
export const [REROUTE, NOTICES, DIRECT] = [5, 6, 12] as const;
/** How many there are. */
export const PRIMARIES = 13;
/** Primaries of one domain that are found by its MX records, best first. */
export const EXCHANGES: readonly number[] = [10, 11];
/** Primaries that get mail over TLS with their own certificate, or none. */
export const VERIFIED: readonly number[] = [8, 9];
/** The primary that is asked who exists, and knows. */
export const ASKED = 7;

export const A: Place = {
  domain: "a.test",
  primaries: [0, 1],
  people: ["alice", "bob", "list-news"],
  guests: ["gina", "gus"],
  closed: true,
  sure: true,
};
/** Its list is a file. */
export const B: Place = {
  domain: "b.test",
  primaries: [2, 3],
  people: ["bea", "bill"],
  guests: ["gerd"],
  closed: true,
  sure: true,
};
export const C: Place = {
  domain: "c.test",
  primaries: [4],
  people: ["cora", "carl"],
  guests: ["any"],
  closed: false,
  sure: false,
};
/** Asks its primary about strangers. */
export const E: Place = {
  domain: "e.test",
  primaries: [4],
  people: ["eve", "emil"],
  guests: ["gabi"],
  closed: false,
  sure: false,
};
/** In the configuration at times. */
export const F: Place = {
  domain: "f.test",
  primaries: [1],
  people: ["fay"],
  guests: ["frank"],
  closed: false,
  sure: false,
};
/** Has no list at all: its primary is asked. */
export const K: Place = {
  domain: "k.test",
  primaries: [ASKED],
  people: ["kate", "kim"],
  guests: ["gale"],
  closed: false,
  sure: true,
};
/** Its primaries are found in the DNS. */
export const M: Place = {
  domain: "m.test",
  primaries: EXCHANGES,
  people: ["mary", "max"],
  guests: ["gil"],
  closed: true,
  sure: true,
};
/** Its mail is shown to scanners. */
export const S: Place = {
  domain: "s.test",
  primaries: [2],
  people: ["sue", "sam"],
  guests: ["greg"],
  closed: true,
  sure: true,
};
/** Its list is fetched. */
export const U: Place = {
  domain: "u.test",
  primaries: [3, 0],
  people: ["uma", "ulf"],
  guests: ["gwen", "guy"],
  closed: true,
  sure: true,
};
/** Its mail goes to nobody whose certificate is not in order. */
export const V: Place = {
  domain: "v.test",
  primaries: VERIFIED,
  people: ["vera", "vic"],
  guests: ["gert"],
  closed: true,
  sure: true,
};
/** Added and removed through the API. */
export const Y: Place = {
  domain: "y.test",
  primaries: [3, 2],
  people: ["yan"],
  guests: ["yuri"],
  closed: false,
  sure: false,
};
export const PLACES: readonly Place[] = [A, B, C, E, F, K, M, S, U, V, Y];

export function placeOfAddress(address: string): Place | undefined {
  const domain = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
  return PLACES.find((place) => place.domain === domain);
}

/** Whether this is the mailbox of somebody there, a tag put aside. */
export function livesIn({ people, guests }: Place, address: string): "always" | "at times" | "never" {
  const local = address.replace(/(?:\+[^@]*)?@.*$/, "").toLowerCase();
  if (people.includes(local)) return "always";
  return guests.includes(local) || local.startsWith("list-") ? "at times" : "never";
}
