/** Results of sender authentication as header fields for the primary: RFC 8601 and RFC 7208 §9.1. */
import type {
  Authentication,
  DmarcFacts,
  SignatureResult,
  SpfAnswer,
  SpfFacts,
} from "../../ports/authentication.ts";

interface FieldFacts {
  /** Our own host name, used as the authserv-id. */
  readonly hostname: string;
  readonly ip: string;
  readonly helo: string;
  readonly sender: string;
  readonly spf?: SpfAnswer;
  /** Undefined if signatures were not verified. */
  readonly signatures?: readonly SignatureResult[];
  readonly authentication: Authentication;
}

/** Authentication-Results and, if SPF was checked, Received-SPF. Each ends in CRLF; they go above Received. */
export function authenticationFields(facts: FieldFacts): string {
  const { spf } = facts;
  return resultsField(facts) + (spf === undefined ? "" : receivedSpf(facts, spf));
}

function resultsField({ hostname, authentication, signatures }: FieldFacts): string {
  const { spf, dmarc, fromDomain } = authentication;
  const results = [
    ...(spf === undefined ? [] : [spfResult(spf)]),
    ...(signatures ?? []).map(dkimResult),
    ...(signatures?.length === 0 ? ["dkim=none"] : []),
    ...(dmarc === undefined ? [] : [dmarcResult(dmarc, fromDomain)]),
  ];
  return `Authentication-Results: ${hostname};\r\n\t${results.join(";\r\n\t")}\r\n`;
}

function spfResult({ result, domain, identity }: SpfFacts): string {
  return `spf=${result} smtp.${identity}=${domain}`;
}

function dkimResult({ result, domain, selector }: SignatureResult): string {
  const d = domain === undefined ? "" : ` header.d=${domain}`;
  return `dkim=${result}${d}${selector === undefined ? "" : ` header.s=${selector}`}`;
}

function dmarcResult({ result, policy }: DmarcFacts, fromDomain: string | undefined): string {
  const asked = policy === undefined ? "" : ` (p=${policy})`;
  return `dmarc=${result}${asked}${fromDomain === undefined ? "" : ` header.from=${fromDomain}`}`;
}

function receivedSpf({ hostname, ip, helo, sender }: FieldFacts, spf: SpfAnswer): string {
  const pairs = [
    `receiver=${hostname}`,
    `client-ip=${quoted(ip)}`,
    ...(sender === "" ? [] : [`envelope-from=${quoted(sender)}`]),
    `helo=${quoted(helo)}`,
    `identity=${spf.identity}`,
  ];
  return `Received-SPF: ${spf.result} (${hostname}: ${spf.comment})\r\n\t${pairs.join(";\r\n\t")}\r\n`;
}

/** RFC 7208 §9.1: returns a dot-atom unchanged, anything else as a quoted string. */
function quoted(text: string): string {
  return /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/.test(text) ? text : `"${text.replace(/["\\]/g, "\\$&")}"`;
}
