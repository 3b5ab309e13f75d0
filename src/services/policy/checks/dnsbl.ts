import { inAscii, reply, type Reply } from "../../../mail/reply.ts";
import { accepted, type Verdict } from "../../../mail/verdict.ts";
import type { Blocklists } from "../../../ports/blocklist.ts";
import type { CheckAction, CheckSettings, DnsblSettings, DnsList } from "../../../ports/checks.ts";
import type { Lookup } from "../../../ports/resolver.ts";
import { whenAllKnown, andThen, type Later } from "../../../runtime/at-once.ts";
import type { ConnectSubject, RcptSubject, Said, StageCheck } from "../check.ts";

export interface DnsblParts {
  readonly blocklists: Pick<Blocklists, "codes" | "reason">;
  /** Whether a list works. Others are not queried and do not count. */
  readonly isSound: (zone: string) => boolean;
}

/** Most characters of our text in one line of a reply, RFC 5321 §4.5.3.1.5. */
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
  /** Zones that were not queried, because they do not pass their test. */
  readonly aside: readonly string[];
  /** Sum of the weights of lists of good clients that gave no answer: 0 or below. */
  readonly hope: number;
}

/**
 * Lists of clients in the DNS. The lists for all domains are queried at connect, while the client waits for the
 * greeting. At RCPT the lists and thresholds of the recipient's domain decide; most answers are known by then.
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

/** Queries the lists. Returns synchronously if all answers are known. */
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

/** The note for operators, with the names of the zones. */
function words({ hits, silent, aside }: Answers, score: number): string {
  const listed = hits.map(({ list, code }) => `${list.zone}=${code}`).join(", ");
  return [
    listed === "" ? "not listed" : `score ${score}: ${listed}`,
    ...(silent.length === 0 ? [] : [`no answer from ${silent.join(", ")}`]),
    ...(aside.length === 0 ? [] : [`not used: ${aside.join(", ")}`]),
  ].join("; ");
}

/** Whether one of the lists of good clients contains the address. */
export async function onGoodList(
  ip: string,
  settings: DnsblSettings | "off",
  parts: DnsblParts,
): Promise<boolean> {
  if (settings === "off") return false;
  const lists = settings.lists.filter(({ weight }) => weight < 0);
  return (await ask(ip, { lists }, parts)).hits.length > 0;
}

/** Whether a code such as 127.0.0.2 matches a pattern such as `127.0.0.2-11` or `127.0.*.3`. */
export function codeFits(pattern: string, code: string): boolean {
  const octets = code.split(".").map(Number);
  return pattern.split(".").every((part, at) => {
    if (part === "*") return true;
    const [least = 0, most = least] = part.split("-").map(Number);
    const octet = octets[at] ?? -1;
    return octet >= least && octet <= most;
  });
}

/** If a list of good clients gives no answer, a rejection that its answer might have prevented becomes a deferral. */
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

/** The reply, which names the lists that count against the client and quotes the reason of the first. */
async function replyNaming(ip: string, { found, action }: Judgement, parts: AllParts): Promise<Reply> {
  const against = found.filter(({ list }) => list.weight > 0 || list.action === action);
  const first = against[0];
  const reason = first && (await parts.blocklists.reason(first.list.zone, ip));
  const { contact } = parts.settings();
  const sentence = [`Client ${ip} is listed by ${names(against)}`, reason, contact]
    .filter(Boolean)
    .join("; ");
  // Names of lists that an earlier version stored were not checked to be ASCII.
  const words = inAscii(sentence.slice(0, LONGEST_WORDS));
  return action === "defer" ? reply(451, "4.7.1", words) : reply(554, "5.7.1", words);
}
