/** Everybody who takes part in a storm, around one daemon. */
import { randomInt } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ClockedDaemon } from "../../support/clocked-daemon.ts";
import { daemonSettings } from "../../support/daemon.ts";
import { freePort } from "../../support/free-port.ts";
import { seededRandom, type Random } from "../../support/random.ts";
import { smallDisk, smallDiskMissing } from "../../support/small-disk.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { Ledger } from "../checker.ts";
import { Certificates } from "./certificates.ts";
import { Senders } from "./clients.ts";
import { Faults } from "./faults.ts";
import { Letters } from "./letters.ts";
import { ListServer } from "./list-server.ts";
import { Block, Names } from "./names.ts";
import { Operator } from "./operator.ts";
import { DIRECT } from "./places.ts";
import { Chronicle } from "./primary.ts";
import { openPrimaries } from "./primaries.ts";
import { Scanners } from "./scanners.ts";
import { Town, USERS_FILE } from "./town.ts";
import type { Weather } from "./weather.ts";

/** Megabytes. */
const DISK = 200;

export interface Scene {
  readonly data: string;
  readonly daemon: ClockedDaemon;
  readonly ledger: Ledger;
  readonly letters: Letters;
  readonly senders: Senders;
  readonly chronicle: Chronicle;
  /** Whatever changes by itself. */
  readonly weather: readonly Weather[];
  readonly operator: Operator;
  readonly faults: Faults;
  /** For whoever is left. */
  readonly random: Random;
  /** At times mail expires after hours. */
  readonly brief: boolean;
}

interface ScenePlan {
  readonly seed: number;
  /** Octets of the largest mails. */
  readonly largest: number;
}

/** Everything stands and is well; `stack` takes it down. */
export async function setScene({ seed, largest }: ScenePlan, stack: AsyncDisposableStack): Promise<Scene> {
  const seeds = seededRandom(seed);
  const random = (): Random => seededRandom(seeds.below(2 ** 31));
  const folder = stack.use(await tempFolder()).path;
  const data = join(folder, "data");
  const disk = smallDiskMissing() === undefined ? data : undefined;
  if (disk !== undefined) stack.use(smallDisk(disk, DISK));
  const certificates = await Certificates.make(folder);
  const chronicle = new Chronicle();
  const { town, weather, dns } = await setTown({ random, chronicle, certificates }, stack);
  const anchors = join(folder, "anchors.pem");
  await writeFile(anchors, certificates.anchors);
  const plan = {
    folder,
    primaryPort: 0,
    smtpPort: await freePort(),
    adminPort: await freePort(),
    settings: settingsOf(town, dns),
    smtp: { ...SMTP, tls: await certificates.renew(random()) },
    environment: { NODE_EXTRA_CA_CERTS: anchors },
  };
  const base = daemonSettings(plan, { smtp: plan.smtpPort, admin: plan.adminPort });
  await writeFile(join(folder, USERS_FILE), town.users());
  const daemon = stack.use(await ClockedDaemon.start(plan));
  const ledger = new Ledger();
  const letters = new Letters(random(), largest);
  // Some storms are without deaths of the process, and in some mail expires.
  const faults = new Faults({ daemon, random: random(), disk, mortal: seed % 3 !== 0 });
  const brief = seed % 4 === 3;
  const operator = new Operator({ daemon, town, certificates, random: random(), base, brief });
  const dying = (): boolean => faults.dying;
  const senders = new Senders({ port: plan.smtpPort, random: random(), letters, ledger, dying });
  const parts = { data, daemon, ledger, letters, senders, chronicle, weather, operator, faults };
  return { ...parts, random: random(), brief };
}

interface TownParts {
  readonly random: () => Random;
  readonly chronicle: Chronicle;
  readonly certificates: Certificates;
}

/** Everybody with whom the daemon speaks beside its clients; `dns` is the server that knows where they are. */
async function setTown(
  { random, chronicle, certificates }: TownParts,
  stack: AsyncDisposableStack,
): Promise<{ readonly town: Town; readonly weather: readonly Weather[]; readonly dns: string }> {
  const block = new Block(randomInt(1, 255), randomInt(0, 255));
  const { primaries, direct } = await openPrimaries({ block, random, chronicle, certificates }, stack);
  const names = await Names.open(random(), block, stack);
  const lists = stack.use(await ListServer.open(random()));
  const scanners = await Scanners.open(random(), stack);
  const town = new Town({
    random: random(),
    ports: primaries.map(({ port }) => port),
    listUrl: lists.url,
    clamav: scanners.clamd.address,
    rspamd: scanners.rspamd.address,
    direct,
  });
  const standing = direct ? primaries : primaries.filter((_, number) => number !== DIRECT);
  return { town, weather: [...standing, names, lists, scanners], dns: names.dns.server };
}

const SMTP = {
  greetDelay: "0s",
  threads: 2,
  limits: {
    connectionsPerClient: 1000,
    mailsPerConnection: 100_000,
    refusedRecipients: 1000,
    errors: 1000,
    bodyMemory: "1MiB",
  },
};

function settingsOf(town: Town, dns: string): Readonly<Record<string, unknown>> {
  return {
    domains: town.domains(true),
    // Longer than all clocks of a storm go.
    retention: {
      waiting: "300d",
      parked: "300d",
      refusedContent: "300d",
      ledger: "900d",
      quarantine: "300d",
    },
    store: { reserve: "8MiB" },
    alerts: { oldest: "365d" },
    dns: { servers: [dns] },
    checks: { spf: "tag" },
    notices: { route: town.route(true), delay: "4h", perSender: 1000, retention: "60d" },
  };
}
