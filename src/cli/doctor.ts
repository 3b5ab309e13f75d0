/** `doctor`: whether senders find this server, and whether it finds the primaries, as far as the DNS can tell. */
import type { DiagnosisBody, DomainList } from "../endpoints/admin/contract.ts";
import { counted } from "../runtime/quantities.ts";
import { FAILED, OK, type Command, type Tool } from "./command.ts";
import { domainPath } from "./domains.ts";
import { plain } from "./terminal.ts";
import { verdictLines } from "./verdict-lines.ts";

/** Number of domains that are checked in parallel: the DNS may be slow. */
const TOGETHER = 8;

export const doctor: Command = {
  words: "[DOMAIN...]",
  summary:
    "Checks names, port, certificate and MX records as senders see them, for all domains or for some; with all domains, only problems are listed and the rest is counted. Queries the DNS only; `domain test` tests the primaries.",
  options: [],
  example: "holdfast doctor example.com",
  async run(tool, input) {
    const server = await tool.daemon.ask<DiagnosisBody>({ path: "/v1/doctor" });
    const some = input.words.length > 0;
    const domains = await diagnose(tool, some ? input.words : await allDomains(tool));
    const ok = [server, ...domains].every((one) => one.ok);
    tool.print({ ok, server: server.findings, domains }, () =>
      [section(tool, server), ...(some ? domains : troubled(domains)).map((one) => section(tool, one))]
        .concat(some ? [] : `${summary(domains)}\n`)
        .join("\n"),
    );
    return ok ? OK : FAILED;
  },
};

async function allDomains(tool: Tool): Promise<readonly string[]> {
  const { items } = await tool.daemon.ask<DomainList>({ path: "/v1/domains" });
  return items.map(({ name }) => name);
}

async function diagnose(tool: Tool, domains: readonly string[]): Promise<readonly DiagnosisBody[]> {
  const found: DiagnosisBody[] = [];
  const next = domains.entries();
  const work = async (): Promise<void> => {
    for (const [at, domain] of next)
      found[at] = await tool.daemon.ask<DiagnosisBody>({ path: `${domainPath(domain)}/doctor` });
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
  return found;
}

function section(tool: Tool, { domain, findings }: DiagnosisBody): string {
  return [plain(domain ?? "This server"), ...verdictLines(findings, tool.columns), ""].join("\n");
}

function troubled(domains: readonly DiagnosisBody[]): readonly DiagnosisBody[] {
  return domains.filter(({ findings }) => findings.some(({ verdict }) => verdict !== "ok"));
}

function summary(domains: readonly DiagnosisBody[]): string {
  const count = counted(domains.length, "domain");
  const inTrouble = troubled(domains).length;
  return inTrouble === 0 ? `${count}, no problems.` : `${count}, ${inTrouble} with problems.`;
}
