/** `trust-kit`: settings for a primary, so that it treats this server's mail as a relay's, not as a stranger's. */
import { isIP } from "node:net";
import type { DomainBody, StatusBody } from "../endpoints/admin/contract.ts";
import { interfaceAddresses } from "../runtime/interfaces.ts";
import { FAILED, OK, WrongUse, type Command, type Input, type Tool } from "./command.ts";
import { askForTest, testText } from "./domain-test.ts";
import { domainPath } from "./domains.ts";
import { KITS, type KitFacts } from "./trust-snippets.ts";

const SERVERS: readonly string[] = Object.keys(KITS);

export const trustKit: Command = {
  words: "DOMAIN",
  summary:
    "Prints what to set on the domain's primary, so that it neither limits this server nor judges its mail by this server's address.",
  options: [
    { name: "server", value: "NAME", choices: SERVERS, help: SERVERS.join(", ") },
    { name: "verify", help: "test the primary instead, in a session without mail" },
    {
      name: "address",
      value: "IP",
      multiple: true,
      help: "our address as the primary sees it; may be repeated",
    },
  ],
  example: "holdfast trust-kit example.com --server postfix",
  async run(tool, input) {
    if (input.flag("verify")) return verify(tool, input);
    const path = domainPath(input.word(0));
    const [domain, status] = await Promise.all([
      tool.daemon.ask<DomainBody>({ path }),
      tool.daemon.ask<StatusBody>({ path: "/v1/status" }),
    ]);
    const kit: KitFacts = {
      domain: domain.name,
      hostname: status.hostname,
      addresses: addressesOf(input),
      xclient: domain.settings.primaries.some(({ identity }) => identity === "xclient"),
    };
    const wanted = input.text("server");
    const chosen = Object.entries(KITS).filter(([name]) => wanted === undefined || wanted === name);
    const found = chosen.map(([server, snippets]) => ({ server, files: snippets(kit) }));
    tool.print(
      { ...kit, kits: found },
      () => head(kit) + found.map(({ files }) => filesText(files)).join("\n"),
    );
    return OK;
  },
};

/** Asks the primary whether it accepts what we tell it about clients, and mail from us. */
async function verify(tool: Tool, input: Input): Promise<number> {
  const given = ["server", "address"].find((name) => input.text(name) ?? input.texts(name)[0]);
  if (given !== undefined) throw new WrongUse(`--verify or --${given}, not both`);
  const found = await askForTest(tool, input.word(0));
  tool.print(found, () => testText(found, tool.columns));
  const distrusts = found.primaries.some(({ steps }) =>
    steps.some(({ what, verdict }) => what === "identity" && verdict !== "ok"),
  );
  return found.ok && !distrusts ? OK : FAILED;
}

function head({ domain, hostname, addresses }: KitFacts): string {
  return [
    `# For the primary of ${domain}: ${hostname} is its backup MX.`,
    `# It is seen from ${addresses.join(" and ")}; --address IP names others.`,
    "",
    "",
  ].join("\n");
}

function filesText(files: ReturnType<(typeof KITS)[string]>): string {
  return files.map(({ file, lines }) => `# ${file}\n${lines.map((line) => `${line}\n`).join("")}`).join("\n");
}

/** Returns the given addresses, else those of this machine. */
function addressesOf(input: Input): readonly string[] {
  const given = input.texts("address");
  for (const address of given)
    if (isIP(address) === 0) throw new WrongUse(`--address takes an IP address, not ${address}`);
  if (given.length > 0) return given;
  const own = interfaceAddresses().filter(({ reachable }) => reachable);
  return own.length === 0 ? ["192.0.2.1"] : own.map(({ address }) => address);
}
