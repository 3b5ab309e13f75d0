/**
 * Where should a body live: as a row of the database, in a segment that it shares, or in a file of its own? Stores
 * mails of several sizes in each way, turn about, 50 at a time, and prints rates. `node bench/body-home.ts [ROUNDS]`
 */
import { MessageChannel } from "node:worker_threads";
import { connectIntake, openWriter } from "../src/adapters/storage/sqlite/sqlite.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { idSource } from "../src/runtime/ids.ts";
import { median } from "../test/support/quantiles.ts";
import { SILENT } from "../test/support/silent-log.ts";
import { tempFolder } from "../test/support/temp-folder.ts";
import { RECIPIENT } from "./contestants.ts";
import { storeMail } from "./fill-store.ts";

const SIZES = [4, 8, 16, 32, 64, 256, 1024].map((kib) => kib * 1024);
/** Limits that send every body to one of them. */
const HOMES = {
  rows: { rowLimit: Infinity, heldLimit: Infinity },
  segments: { rowLimit: 0, heldLimit: Infinity },
  files: { rowLimit: 0, heldLimit: 0 },
} as const;
type Home = keyof typeof HOMES;
/** Mails that are stored at the same time. */
const TOGETHER = 50;
/** Bytes stored in one measurement, about. */
const VOLUME = 64 * 1024 * 1024;
const MAX_MAILS = 3000;

const rounds = Number(process.argv[2] ?? 3);
const clock = systemClock();
const nextId = idSource(() => clock.now());

/** Mails a second. */
async function measure(size: number, home: Home): Promise<number> {
  await using place = await tempFolder();
  const folder = place.path;
  const writer = openWriter({ folder, clock, reserve: { bytes: 0 }, log: SILENT });
  const { port1, port2 } = new MessageChannel();
  writer.serve("intake", port1);
  const intake = connectIntake(port2, {
    folder,
    shared: writer.shared,
    bodyMemory: 256 * 1024 * 1024,
    clock,
    ...HOMES[home],
  });
  const count = Math.min(MAX_MAILS, Math.ceil(VOLUME / size));
  const body = Buffer.alloc(size, "0123456789abcdef");
  let left = count;
  const begun = performance.now();
  const sender = async (): Promise<void> => {
    while (left-- > 0) await storeMail(intake, nextId(), RECIPIENT, body);
  };
  await Promise.all(Array.from({ length: TOGETHER }, sender));
  const rate = count / ((performance.now() - begun) / 1000);
  port2.close();
  await writer.close();
  return rate;
}

for (const size of SIZES) {
  const rates: Record<Home, number[]> = { rows: [], segments: [], files: [] };
  for (let round = 0; round < rounds; round++)
    for (const home of Object.keys(HOMES) as Home[]) rates[home].push(await measure(size, home));
  const columns = Object.entries(rates).map(([home, of]) =>
    `${home} ${median(of).toFixed(0)}/s`.padStart(16),
  );
  process.stdout.write(`${`${size / 1024} KiB`.padStart(8)}${columns.join("")}\n`);
}
