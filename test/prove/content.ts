/**
 * Viruses and spam are stopped at the door. What scanners find is refused at the dot; when one of them is killed,
 * frozen, talks nonsense or closes in the midst of a mail, that mail is put off, tagged or set aside as its domain
 * wants, and each mail arrives once, octet for octet. Mails that are made to hurt cost no event loop 100 ms.
 *
 * With Debian's clamd and rspamd where they are unpacked, and with fakes for what those never do.
 */
import { findUnpacked } from "../peers/unpacked.ts";
import { SIGNATURE } from "../peers/clamd.ts";
import { showBombs } from "./content/bombs.ts";
import { showFindings } from "./content/findings.ts";
import { INFECTED } from "./content/mails.ts";
import { showThroughput } from "./content/throughput.ts";
import { showTroubles } from "./content/troubles.ts";
import { fakeVictims, realVictims, type Victims } from "./content/victims.ts";
import { DOMAINS, LARGEST, World } from "./content/world.ts";
import type { Part, ProofOptions, ProofResult } from "./proof.ts";

const CLAIM = "content is stopped at the door, and no scanner loses, doubles or hides a mail";

const ALL = { clamav: DOMAINS, rspamd: DOMAINS };
const SIZES = [2000, 1_500_000];
/** A fake finds what lies open, and nothing else. */
const FAKE = { signature: "Fake.EICAR", wraps: ["plain"] };

export async function prove(options: ProofOptions): Promise<ProofResult> {
  const parts = options.short ? await withFakes(options) : await inFull(options);
  return {
    claim: CLAIM,
    counts: Object.assign({}, ...parts.map(({ counts }) => counts)) as Record<string, number>,
    failures: parts.flatMap(({ failures }) => failures),
  };
}

/** Everything on one daemon, in seconds. */
async function withFakes({ say, seed }: ProofOptions): Promise<readonly Part[]> {
  await using victims = await fakeVictims();
  const maxSize = 200_000;
  await using world = await World.start({ victims, timeout: 1000, maxSize });
  const wishes = { clamav: ["defer", "quarantine"], rspamd: ["defer", "tag"] } as const;
  return [
    countsOf(await showTroubles(world, { victims, sizes: [2000], wishes, say })),
    countsOf(await showFindings(world, { victims, maxSize, ...FAKE, signed: 8, seed })),
    countsOf(await showBombs(world, { short: true, say })),
  ];
}

async function inFull({ say, seed }: ProofOptions): Promise<readonly Part[]> {
  const fake = await fakesInFull({ say, seed });
  const missing = [["clamav", "clamd"] as const, ["rspamd", "rspamd"] as const].filter(
    ([peer, program]) => findUnpacked(peer, program) === undefined,
  );
  if (missing.length === 0) return [...(await realInFull({ say, seed })), ...fake];
  say(`SKIPPED, the parts with real scanners: ${missing.join(", ")} not unpacked (npm run peers)`);
  return fake;
}

type Told = Pick<ProofOptions, "say" | "seed">;

async function fakesInFull({ say, seed }: Told): Promise<readonly Part[]> {
  await using victims = await fakeVictims();
  await using world = await World.start({ victims, timeout: 3000 });
  const troubles = await showTroubles(world, { victims, sizes: SIZES, wishes: ALL, say });
  const found = { ...FAKE, maxSize: LARGEST, signed: 20, seed };
  return [
    prefixed("fake", countsOf(troubles)),
    prefixed("fake", countsOf(await showFindings(world, { victims, ...found }))),
  ];
}

async function realInFull({ say, seed }: Told): Promise<readonly Part[]> {
  await using victims = await realVictims();
  await using world = await World.start({ victims, timeout: 15_000 });
  const found = { signature: SIGNATURE, wraps: Object.keys(INFECTED), maxSize: LARGEST, signed: 100, seed };
  const findings = await showFindings(world, { victims, ...found });
  say("viruses, spam, quarantine and signatures are through");
  const bombs = await showBombs(world, { short: false, say });
  const speed = await showThroughput({ victims, timeout: 15_000, mails: 2000 });
  return [
    countsOf(findings),
    countsOf(bombs),
    countsOf(speed),
    prefixed("real", await realTroubles(victims, { say, seed })),
    prefixed("patient", await patientTroubles(victims, { say, seed })),
  ];
}

async function realTroubles(victims: Victims, { say }: Told): Promise<Part> {
  await using world = await World.start({ victims, timeout: 3000 });
  return countsOf(await showTroubles(world, { victims, sizes: SIZES, wishes: ALL, say }));
}

/** As slow as the usual settings allow. */
async function patientTroubles(victims: Victims, { say }: Told): Promise<Part> {
  await using world = await World.start({ victims, timeout: 15_000 });
  return countsOf(
    await showTroubles(world, { victims: frozenOnly(victims), sizes: [2000], wishes: ALL, say }),
  );
}

function frozenOnly({ clamav, rspamd, ...rest }: Victims): Victims {
  const troubles = ["frozen"] as const;
  return { ...rest, clamav: { ...clamav, troubles }, rspamd: { ...rspamd, troubles } };
}

function countsOf(tally: object & { readonly failures: readonly string[] }): Part {
  const { failures, ...counts } = tally;
  const rounded = Object.entries(counts).map(([name, count]) => [
    name,
    Math.round(100 * Number(count)) / 100,
  ]);
  return { counts: Object.fromEntries(rounded) as Record<string, number>, failures };
}

function prefixed(prefix: string, { counts, failures }: Part): Part {
  const named = Object.entries(counts).map(([name, count]) => [`${prefix} ${name}`, count]);
  return {
    counts: Object.fromEntries(named) as Record<string, number>,
    failures: failures.map((text) => `${prefix}: ${text}`),
  };
}
