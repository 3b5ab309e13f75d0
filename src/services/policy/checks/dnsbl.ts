import { inAscii, reply, type Reply } from "../../../mail/reply.ts";
import { accepted, type Verdict } from "../../../mail/verdict.ts";
import type { Blocklists } from "../../../ports/blocklist.ts";
import type { CheckAction, CheckSettings, DnsblSettings, DnsList } from "../../../ports/checks.ts";
import type { Lookup } from "../../../ports/resolver.ts";
import { whenAllKnown, andThen, type Later } from "../../../runtime/at-once.ts";
import type { ConnectSubject, RcptSubject, Said, StageCheck } from "../check.ts";

export interface DnsblParts {
  readonly blocklists: Pick<Blocklists, "codes" | "reason">;
  /** Whether a list works, so that its word counts. */
  readonly isSound: (zone: string) => boolean;
}

/** Characters: room for our words in one line of a reply, RFC 5321 §4.5.3.1.5. */
const LONGEST_WORDS = 450;

interface AllParts extends DnsblParts {
  readonly settings: () => CheckSettings;
}

interface Hit {
  readonly list: DnsList;
  readonly code: string;
}

interface Answers {
  readonly hits: readonly Hit[];
  /** Zones that gave no clear answer. */
  readonly silent: readonly string[];
  /** Zones that do not pass their test. */
  readonly aside: readonly string[];
  /** What lists of good clients that gave no answer might have added to the score: 0 or below. */
  readonly hope: number;
}

/**
 * Lists of clients in the DNS. The lists of all domains are asked at connect, while the client waits for the
 * greeting; at RCPT the lists and thresholds of that recipient's domain decide, mostly from answers that are there.
 */
export function dnsblCheck(parts: AllParts): StageCheck<"rcpt"> {
  const atConnect = ({ ip }: ConnectSubject): void => {
    const { dnsbl } = parts.settings();
    if (dnsbl !== "off") void ask(ip, dnsbl, parts);
  };
  const run = ({ ip, domain }: RcptSubject): Later<Said> => {
    if (domain === undefined) return undefined;
    const dnsbl = domain.settings.checks?.dnsbl ?? parts.settings().dnsbl;
    return dnsbl === "off" || dnsbl.lists.length === 0 ? undefined : judge(ip, dnsbl, parts);
  };
  return { name: "dnsbl", stage: "rcpt", reputation: true, atConnect, run };
}

function judge(ip: string, settings: DnsblSettings, parts: AllParts): Later<Verdict> {
  return andThen(ask(ip, settings, parts), (answers) => weigh(ip, answers, { settings, parts }));
}

interface Scales {
  readonly settings: DnsblSettings;
  readonly parts: AllParts;
}

function weigh(ip: string, answers: Answers, { settings, parts }: Scales): Later<Verdict> {
  const found = answers.hits;
  const score = found.reduce((sum, { list }) => sum + list.weight, 0);
  const action = strictestAction(answers, score, settings);
  const note = words(answers, score);
  if (action === undefined) return accepted(note);
  if (action === "tag") return { kind: "tag", field: tagField(found, score), note };
  return replyNaming(ip, { found, action }, parts).then((reply) => ({ kind: action, reply, note }));
}

/** At once where the lists have been asked before. */
function ask(ip: string, { lists }: DnsblSettings, parts: DnsblParts): Later<Answers> {
  const asked = lists.filter(({ zone }) => parts.isSound(zone));
  const answers = asked.map(({ zone }) => parts.blocklists.codes(zone, ip));
  return whenAllKnown(answers, (known) => collect(lists, asked, known));
}

function collect(
  lists: readonly DnsList[],
  asked: readonly DnsList[],
  answers: readonly Lookup<string>[],
): Answers {
  const hits = asked.flatMap((list, at): Hit[] => {
    const answer = answers[at];
    if (answer?.kind !== "found") return [];
    const code = answer.records.find((record) => list.codes.some((pattern) => codeFits(pattern, record)));
    return code === undefined ? [] : [{ list, code }];
  });
  const silent = asked.filter((_, at) => answers[at]?.kind === "failed").map(({ zone }) => zone);
  const aside = lists.filter((list) => !asked.includes(list)).map(({ zone }) => zone);
  const wordless = lists.filter(({ zone, weight }) => weight < 0 && [...silent, ...aside].includes(zone));
  return { hits, silent, aside, hope: wordless.reduce((sum, { weight }) => sum + weight, 0) };
}

/** For operators, who know the zones. */
function words({ hits, silent, aside }: Answers, score: number): string {
  const listed = hits.map(({ list, code }) => `${list.zone}=${code}`).join(", ");
  return [
    listed === "" ? "not listed" : `score ${score}: ${listed}`,
    ...(silent.length === 0 ? [] : [`no answer from ${silent.join(", ")}`]),
    ...(aside.length === 0 ? [] : [`not used: ${aside.join(", ")}`]),
  ].join("; ");
}

/** Whether one of the lists of good clients has the address. */
export async function onGoodList(
  ip: string,
  settings: DnsblSettings | "off",
  parts: DnsblParts,
): Promise<boolean> {
  if (settings === "off") return false;
  const lists = settings.lists.filter(({ weight }) => weight < 0);
  return (await ask(ip, { lists }, parts)).hits.length > 0;
}

/** Whether a code such as 127.0.0.2 is one of `127.0.0.2-11`, `127.0.*.3`. */
export function codeFits(pattern: string, code: string): boolean {
  const octets = code.split(".").map(Number);
  return pattern.split(".").every((part, at) => {
    if (part === "*") return true;
    const [least = 0, most = least] = part.split("-").map(Number);
    const octet = octets[at] ?? -1;
    return octet >= least && octet <= most;
  });
}

/** Trouble of a good list is no reason to refuse for good: what its word might have spared waits for it. */
function strictestAction(
  { hits, hope }: Answers,
  score: number,
  settings: DnsblSettings,
): CheckAction | undefined {
  const { reject = Infinity, defer = Infinity, tag = Infinity } = settings;
  const isHit = (action: CheckAction): boolean => hits.some(({ list }) => list.action === action);
  if (isHit("reject") || score + hope >= reject) return "reject";
  if (isHit("defer") || score >= Math.min(defer, reject)) return "defer";
  return isHit("tag") || score >= tag ? "tag" : undefined;
}

function names(found: readonly Hit[]): string {
  return found.map(({ list }) => list.name ?? list.zone).join(", ");
}

function tagField(found: readonly Hit[], score: number): string {
  const listed = found.map(({ list, code }) => `${list.name ?? list.zone}=${code}`);
  return `X-Holdfast-DNSBL: score=${score};\r\n\t${listed.join(";\r\n\t")}`;
}

interface Judgement {
  readonly found: readonly Hit[];
  readonly action: "defer" | "reject";
}

/** Names the lists that speak against the client and what the first of them says. */
async function replyNaming(ip: string, { found, action }: Judgement, parts: AllParts): Promise<Reply> {
  const against = found.filter(({ list }) => list.weight > 0 || list.action === action);
  const first = against[0];
  const reason = first && (await parts.blocklists.reason(first.list.zone, ip));
  const { contact } = parts.settings();
  const sentence = [`Client ${ip} is listed by ${names(against)}`, reason, contact]
    .filter(Boolean)
    .join("; ");
  // Of names that an earlier version stored, nothing was asked.
  const words = inAscii(sentence.slice(0, LONGEST_WORDS));
  return action === "defer" ? reply(451, "4.7.1", words) : reply(554, "5.7.1", words);
}
