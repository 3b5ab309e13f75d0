/**
 * Reloads under load: good files, a list of 100,000 recipients, a broken file, another certificate, by SIGHUP and by
 * the tool; then a stop and a start in the middle of it. Nothing that got its 250 is lost, and mail is never put
 * off for longer than 2 s but between stop and start.
 */
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { Daemon } from "../support/daemon.ts";
import { createLoad } from "../support/load.ts";
import { askForTls, openSmtp } from "../support/raw-smtp.ts";
import { openSink } from "../support/sink.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { makeCertificate } from "../support/test-certificate.ts";
import { TimedLedger } from "../support/timed-ledger.ts";
import { runOn } from "../support/tool-bench.ts";
import { waitFor } from "../support/wait.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";
import { recordArrivals, recordNamedDoubles, untilDrained } from "./story.ts";

const DOMAIN = "example.test";
/** Milliseconds. */
const DRAIN_DEADLINE = 60_000;
/** Milliseconds. */
const LIST_WITHIN = 5000;
/** Milliseconds. */
const GAP = 2000;

type Document = {
  smtp: Record<string, unknown>;
  domains: Record<string, Record<string, unknown>>;
};

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  const listed = short ? 5000 : 100_000;
  await using folder = await tempFolder();
  const ledger = new TimedLedger();
  await using sink = await openSink();
  recordArrivals(sink, ledger);
  const tls = { certificate: join(folder.path, "tls.crt"), key: join(folder.path, "tls.key") };
  await writeCertificate(tls, "first.test");
  const plan = { folder: folder.path, primaryPort: sink.port, domain: DOMAIN, smtp: { tls } };
  await using daemon = await Daemon.start(plan);
  const original = JSON.parse(await readFile(daemon.config, "utf8")) as Document;
  const settings = original.domains[DOMAIN];
  const change = (alter: (document: Document) => void): Promise<void> => {
    const document = structuredClone(original);
    alter(document);
    return writeFile(daemon.config, JSON.stringify(document, undefined, 2));
  };
  const failures: string[] = [];
  const stop = new AbortController();
  const loading = createLoad({
    port: daemon.smtpPort,
    domain: DOMAIN,
    recipients: ["alice", "bob"],
    seed,
    sessions: short ? 5 : 20,
    size: 4000,
    ledger,
  }).sendUntil(stop.signal);
  await waitFor({ what: "load", deadline: 20_000 }, () => ledger.count("acked") > 50);

  await change(({ domains }) => void (domains["added.test"] = { ...settings }));
  const added = await runOn(daemon.socket, ["reload"]);
  if (added.code !== 0 || !(await takes(daemon, "x@added.test")))
    failures.push(`an added domain is not taken: ${added.stderr}`);
  await change(() => undefined);
  process.kill(daemon.pid, "SIGHUP");
  await waitFor({ what: "the removed domain is gone", deadline: 10_000 }, async () => {
    return !(await takes(daemon, "x@added.test"));
  });
  say("a domain was added by the tool and removed by SIGHUP");

  const list = Array.from({ length: listed }, (_, n) => `user${n}`).join("\n");
  await writeFile(join(folder.path, "list.txt"), list);
  await change(({ domains, smtp }) => {
    domains["listed.test"] = { ...settings, recipients: { file: "list.txt" } };
    smtp["limits"] = { ...(smtp["limits"] as object), recipients: 200 };
  });
  ledger.begin();
  const begun = performance.now();
  process.kill(daemon.pid, "SIGHUP");
  await waitFor({ what: "the long list is in place", deadline: 60_000, every: 20 }, () =>
    takes(daemon, `user${listed - 1}@listed.test`),
  );
  const listMs = Math.round(performance.now() - begun);
  const p99 = ledger.p99();
  say(`${listed} recipients in place after ${listMs} ms, p99 of accepts meanwhile ${p99} ms`);
  if (listMs > LIST_WITHIN) failures.push(`${listed} recipients took ${listMs} ms`);
  if (await takes(daemon, "nobody@listed.test")) failures.push("an address beside the list is taken");

  await writeFile(daemon.config, (await readFile(daemon.config, "utf8")).replace('"backup"', '"bakcup"'));
  const broken = await runOn(daemon.socket, ["reload"]);
  if (broken.code !== 2 || !/holdfast\.yaml:\d+:\d+: .*bakcup/.test(broken.stderr))
    failures.push(`a broken file: code ${broken.code}, ${broken.stderr}`);
  if (!(await takes(daemon, "user0@listed.test"))) failures.push("a broken file changed what runs");

  await change(() => undefined);
  await writeCertificate(tls, "second.test");
  const renewed = await runOn(daemon.socket, ["reload"]);
  const shown = await shownName(daemon.smtpPort);
  if (renewed.code !== 0 || shown !== "CN=second.test") failures.push(`the certificate shown is ${shown}`);
  const longest = ledger.longestGap();
  if (longest > GAP) failures.push(`nothing was accepted for ${longest} ms across reloads`);
  say(`longest time without a 250 across reloads: ${longest} ms`);

  const code = await daemon.stop();
  if (code !== 0) failures.push(`the stop under load ended with ${code}`);
  await daemon.restart();
  const after = ledger.count("acked");
  await waitFor({ what: "load again", deadline: 20_000 }, () => ledger.count("acked") > after + 20);
  stop.abort();
  await loading;
  await daemon.api("POST", "/v1/queue/actions", { verb: "flush", all: true });
  await untilDrained(daemon, DRAIN_DEADLINE);
  await recordNamedDoubles(daemon, ledger);
  const verdict = ledger.check();
  return {
    claim: "reloads, a stop and a start under load lose nothing and stand in nobody's way",
    counts: { ...verdict.counts, listed, listMs, p99Ms: p99, longestGapMs: longest },
    failures: [...failures, ...verdict.failures],
  };
}

/** What RCPT is told. */
async function takes(daemon: Daemon, address: string): Promise<boolean> {
  const smtp = await openSmtp(daemon.smtpPort);
  try {
    await smtp?.command("EHLO asks.example");
    await smtp?.command("MAIL FROM:<>");
    return (await smtp?.command(`RCPT TO:<${address}>`))?.code === 250;
  } finally {
    smtp?.close();
  }
}

async function writeCertificate(files: { certificate: string; key: string }, name: string): Promise<void> {
  const { certificate, key } = await makeCertificate(name);
  await writeFile(files.certificate, certificate);
  await writeFile(files.key, key);
}

/** The subject of the certificate that STARTTLS shows. */
async function shownName(port: number): Promise<string | undefined> {
  const socket = connect({ port, host: "127.0.0.1" });
  try {
    await askForTls(socket);
    const secure = connectTls({ socket, rejectUnauthorized: false });
    await once(secure, "secureConnect");
    return secure.getPeerX509Certificate()?.subject;
  } finally {
    socket.destroy();
  }
}
