/**
 * A process of its own that holds many connections to one SMTP port, from many addresses of 127.0.0.0/8: told by its
 * parent what to open, it answers when that stands, and again for each later question how many were cut off.
 */
import { connect, type Socket } from "node:net";

export interface CrowdOrder {
  readonly port: number;
  readonly count: number;
  /** Of the first address: each hundred connections come from a network of their own. */
  readonly from: number;
  /** `idle`: EHLO and silence; `slow`: a mail whose body arrives in drips, one a second. */
  readonly manner: "idle" | "slow";
  readonly domain: string;
}

export interface CrowdReport {
  readonly open: number;
  readonly lost: number;
}

/** Connections that are being made at the same time. */
const AT_ONCE = 50;
/** Octets a second of a slow body: above the least rate that is asked by default. */
const DRIP = Buffer.from(`${"slow and steady ".repeat(38)}\r\n`);
const NETWORK_SIZE = 100;

const counts = { open: 0, lost: 0 };
const dripping = new Set<Socket>();

process.on("message", (message: CrowdOrder | "report") => {
  if (message === "report") return void process.send?.({ ...counts } satisfies CrowdReport);
  void open(message).then(() => process.send?.({ ...counts } satisfies CrowdReport));
});
process.on("disconnect", () => process.exit());
setInterval(() => {
  for (const socket of dripping) socket.write(DRIP);
}, 1000);

async function open(order: CrowdOrder): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < order.count) await join(order, next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** Resolves when this one stands, or was lost before. */
async function join(order: CrowdOrder, n: number): Promise<void> {
  const network = order.from + Math.floor(n / NETWORK_SIZE);
  const localAddress = `127.${1 + (network >> 8)}.${network & 255}.${1 + (n % NETWORK_SIZE)}`;
  const socket = connect({ port: order.port, host: "127.0.0.1", localAddress });
  const { promise, resolve } = Promise.withResolvers<void>();
  const lines = ["EHLO crowd.example"];
  if (order.manner === "slow")
    lines.push("MAIL FROM:<slow@sender.example>", `RCPT TO:<alice@${order.domain}>`, "DATA");
  let stands = false;
  socket.on("error", () => {});
  socket.on("close", () => {
    dripping.delete(socket);
    counts.lost += 1;
    if (stands) counts.open -= 1;
    resolve();
  });
  socket.on("data", (chunk: Buffer) => {
    if (!/(?:^|\r\n)\d{3} [^\r]*\r\n$/.test(chunk.toString("latin1"))) return;
    const line = lines.shift();
    if (line !== undefined) return void socket.write(`${line}\r\n`);
    if (stands) return;
    stands = true;
    counts.open += 1;
    if (order.manner === "slow") dripping.add(socket);
    resolve();
  });
  await promise;
}
