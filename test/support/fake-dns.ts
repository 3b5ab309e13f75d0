/** A DNS server on 127.0.0.1 (UDP) whose zones are a map. `await using dns = await fakeDns({ ... })`. */
import { createSocket, type RemoteInfo } from "node:dgram";
import { decode, encode, type Answer, type Question } from "dns-packet";

export interface Records {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  readonly CNAME?: readonly string[];
  readonly MX?: readonly { readonly preference: number; readonly exchange: string }[];
  readonly PTR?: readonly string[];
  readonly TXT?: readonly string[];
  /** Seconds; 60 by default. */
  readonly ttl?: number;
}

/** By name in lower case; what is not in the map is NXDOMAIN. */
export type Zones = Record<string, Records | "NXDOMAIN" | "SERVFAIL" | "REFUSED" | "silence">;

export interface FakeDns extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly server: string;
  /** May be changed while it runs. */
  readonly zones: Zones;
  /** `A mail.example.com` and so on, in the order asked. */
  readonly questions: readonly string[];
}

const RCODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

/** Each answer goes out after `delay` ms. */
export async function fakeDns(zones: Zones, delay = 0): Promise<FakeDns> {
  const socket = createSocket("udp4");
  socket.on("error", () => {});
  const questions: string[] = [];
  socket.on("message", (message, peer) => {
    const query = decode(message);
    const question = query.questions?.[0];
    if (question === undefined) return;
    questions.push(`${question.type} ${question.name}`);
    const answer = respond(zones, question, query.id ?? 0);
    if (answer === undefined) return;
    if (delay === 0) send(answer, peer);
    else setTimeout(() => open && send(answer, peer), delay);
  });
  let open = true;
  const send = (answer: Buffer, peer: RemoteInfo): void => socket.send(answer, peer.port, peer.address);
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    server: `127.0.0.1:${socket.address().port}`,
    zones,
    questions,
    [Symbol.asyncDispose]: () => {
      open = false;
      return new Promise((resolve) => socket.close(resolve));
    },
  };
}

function respond(zones: Zones, question: Question, id: number): Buffer | undefined {
  const zone = zones[question.name.toLowerCase()] ?? "NXDOMAIN";
  if (zone === "silence") return undefined;
  const rcode = RCODES[typeof zone === "string" ? zone : "NOERROR"];
  const answers = typeof zone === "string" ? [] : answersOf(zone, question);
  // Flags: recursion desired and available, authoritative; the low four bits are the response code.
  return encode({ type: "response", id, flags: 0x0580 | rcode, questions: [question], answers });
}

function answersOf(records: Records, question: Question): Answer[] {
  const data = records[question.type as keyof Omit<Records, "ttl">] ?? [];
  const common = { name: question.name, type: question.type, ttl: records.ttl ?? 60, class: "IN" };
  return data.map((value) => Object.assign({ data: wireOf(question.type, value) }, common) as Answer);
}

/** A text goes in strings of 255 octets at most. */
function wireOf(type: string, value: unknown): unknown {
  return type === "TXT" && typeof value === "string" ? (value.match(/.{1,255}/gs) ?? [""]) : value;
}
