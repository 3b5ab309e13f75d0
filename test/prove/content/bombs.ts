/** Mails that are made to hurt whoever takes them apart. We do not: no event loop of ours works for long on one. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crlf } from "./mails.ts";
import type { World } from "./world.ts";

/** Longest that any event loop may work on one thing, in ms of its own time. */
const LONGEST = 100;

interface BombTally {
  bombs: number;
  accepted: number;
  refused: number;
  /** Longest stretch of work of any thread, in ms. */
  longest: number;
  readonly failures: string[];
}

const SCALE = { full: 1, short: 0.005 } as const;

function bombs(scale: number): Readonly<Record<string, () => Buffer>> {
  const times = (count: number): number => Math.ceil(count * scale);
  const mime = (boundary: string) => `Content-Type: multipart/mixed; boundary="${boundary}"`;
  const head = ["From: a@sender.example", "MIME-Version: 1.0"];
  return {
    "500,000 header fields": () =>
      crlf(...head, `${"X-F: 1\r\n".repeat(times(500_000))}Subject: x`, "", "text"),
    "one header field of 20 MB": () => crlf(...head, `X-F: ${"a\r\n ".repeat(times(5_000_000))}`, "", "text"),
    "3,000,000 empty parts": () =>
      crlf(...head, mime("b"), "", "--b\r\n\r\n".repeat(times(3_000_000)), "--b--"),
    "10,000 deep": () => {
      const depth = Math.max(1000, times(10_000));
      const level = (n: number): string => `${mime(`b${n}`)}\r\n\r\n--b${n}\r\n`;
      return crlf(...head, Array.from({ length: depth }, (_, n) => level(n)).join(""), "text");
    },
    "10,000 mails in each other": () =>
      crlf(...head, "Content-Type: message/rfc822\r\n\r\n".repeat(times(10_000)), "text"),
    "one line of 50 MB": () => crlf(...head, "", "x".repeat(times(49_000_000))),
    "40 MB of bare line ends": () => crlf(...head, "", "\n".repeat(times(20_000_000))),
    "lone dots": () => crlf(...head, "", ".\r\n".repeat(times(8_000_000))),
  };
}

export async function showBombs(
  world: World,
  { short, say }: { readonly short: boolean; readonly say: (line: string) => void },
): Promise<BombTally> {
  const tally: BombTally = { bombs: 0, accepted: 0, refused: 0, longest: 0, failures: [] };
  writeFileSync(join(world.watch, "armed"), "");
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const [name, make] of Object.entries(bombs(SCALE[short ? "short" : "full"]))) {
    const body = make();
    tally.bombs += 1;
    const { code, text, took } = await world.send("tag", body);
    if (code === 250) tally.accepted += 1;
    else tally.refused += 1;
    const longest = longestOf(world.watch);
    say(
      `${name}, ${body.length} octets: ${text.slice(0, 60)} after ${took.toFixed(0)} ms; longest so far ${longest.toFixed(0)} ms`,
    );
    tally.longest = Math.max(tally.longest, longest);
  }
  if (tally.longest > LONGEST) tally.failures.push(`an event loop worked ${tally.longest} ms on one thing`);
  if (readdirSync(world.watch).length < 4) tally.failures.push("not all threads were watched");
  return tally;
}

function longestOf(folder: string): number {
  const files = readdirSync(folder).filter((name) => name !== "armed");
  return Math.max(0, ...files.map((name) => Number(readFileSync(join(folder, name), "utf8"))));
}
