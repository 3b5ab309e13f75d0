import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mailAuthenticator } from "../../../../src/adapters/authentication/authentication.ts";
import type { BodyProof, SpfResult } from "../../../../src/ports/authentication.ts";
import type { Lookup, RecordSource, RecordType } from "../../../../src/ports/resolver.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { loggerTo } from "../../../../src/runtime/log.ts";
import { dkimRecord, dkimSign, USUAL } from "../../../fixtures/dkim.ts";

const KEY = "test._domainkey.sender.example";
const SOUND = { [KEY]: dkimRecord(), "_dmarc.sender.example": "v=DMARC1; p=reject; sp=quarantine" };

/** A selector that is one, of a key whose name no question has room for. */
const NO_NAME = Array.from({ length: 4 }, () => "s".repeat(63)).join(".");

type Zone = Readonly<Record<string, string | "SICK">>;

function source(zone: Zone, asked: string[] = []): RecordSource {
  const answer = (name: string): Lookup<string> => {
    asked.push(name);
    // As our resolver answers what is too long for a name.
    if (name.length > 253) return { kind: "failed", why: "EBADNAME" };
    const text = zone[name];
    if (text === "SICK") return { kind: "failed", why: "ESERVFAIL" };
    return text === undefined ? { kind: "none" } : { kind: "found", records: [text] };
  };
  return {
    records: (name, type) => Promise.resolve(type === "TXT" ? answer(name) : { kind: "none" }),
    mx: () => Promise.resolve({ kind: "none" }),
  };
}

const log = loggerTo(() => undefined);

interface Look {
  readonly zone?: Zone;
  readonly asked?: string[];
  readonly chunk?: number;
  readonly spf?: { readonly result: SpfResult; readonly domain: string };
}

async function look(mail: Buffer, { zone = SOUND, asked, chunk = 1000, spf }: Look = {}): Promise<BodyProof> {
  const authenticator = mailAuthenticator({
    resolver: source(zone, asked),
    hostname: "mx.us",
    clock: systemClock(),
    log,
  });
  const verifier = authenticator.verifyBody();
  for (let at = 0; at < mail.length; at += chunk) {
    const part = Buffer.from(mail.subarray(at, at + chunk));
    const wait = verifier.feed(part);
    // The memory is the store's from here on.
    part.fill(0);
    await wait;
  }
  return verifier.finish({ dmarc: true, ...(spf && { spf: { ...spf, identity: "mailfrom" } }) });
}

function mail(from = "Alice <alice@sender.example>", body = "Hello  there\r\n\r\nBye \r\n"): Buffer {
  return Buffer.from(`From: ${from}\r\nTo: bob@our.test\r\nSubject: a\r\n\r\n${body}`);
}

const FIELDS = ["from", "to", "subject"];
const SIGNED = dkimSign(mail(), FIELDS);

function changed(what: string, into: string): Buffer {
  return Buffer.from(SIGNED.toString("latin1").replace(what, into), "latin1");
}

/** The signature on top of a mail. */
function fieldOf(signed: Buffer): Buffer {
  return signed.subarray(0, signed.indexOf("From:"));
}

describe("signatures", () => {
  for (const chunk of [1, 7, 65_536]) {
    test(`a good one passes, in chunks of ${chunk}`, async () => {
      assert.deepEqual(await look(SIGNED, { chunk }), {
        signatures: [{ result: "pass", domain: "sender.example", selector: "test" }],
        from: "alice@sender.example",
        fromDomain: "sender.example",
        dmarc: { result: "pass", policy: "reject" },
      });
    });
  }

  const lines = `${"abcdefg ".repeat(9)}\r\n`;
  for (const chunk of [1000, 20_000, 32_768, 50_000])
    test(`a good one of a large header and a large body passes, in chunks of ${chunk}`, async () => {
      const body = Array.from({ length: 4000 }, (_, n) => `${n} ${lines}`).join("");
      const large = Buffer.concat([Buffer.from(`X: ${"long ".repeat(5000)}\r\n`), mail(undefined, body)]);
      const { signatures } = await look(dkimSign(large, FIELDS), { chunk });
      assert.equal(signatures[0]?.result, "pass");
    });

  test("one that covers a part of the body does not pass where more has been added: policy", async () => {
    const partly = dkimSign(mail(), FIELDS, { ...USUAL, tags: "l=20" });
    assert.equal((await look(partly)).signatures[0]?.result, "pass");
    const more = await look(Buffer.concat([partly, Buffer.from("and pay me\r\n")]));
    assert.deepEqual([more.signatures[0]?.result, more.dmarc?.result], ["policy", "fail"]);
  });

  test("what is no domain and no selector is not told", async () => {
    for (const name of ["x (dkim=pass", "x y", "-", "a=b", "x\u00e4", "x".repeat(64)]) {
      const { signatures } = await look(changed("d=sender.example", `d=${name}`));
      assert.deepEqual(signatures, [{ result: "neutral", selector: "test" }]);
      const other = await look(changed("s=test;", `s=${name};`));
      if (name !== "-")
        assert.deepEqual(other.signatures[0], { result: "neutral", domain: "sender.example" });
    }
  });

  test("the key is asked for while the body arrives, unless its name is none", async () => {
    const asked: string[] = [];
    const parts = { resolver: source(SOUND, asked), hostname: "mx.us", clock: systemClock(), log };
    const verifier = mailAuthenticator(parts).verifyBody();
    const two = Buffer.concat([fieldOf(changed("d=sender.example", "d=x y")), SIGNED]);
    await verifier.feed(two.subarray(0, two.length - 1));
    assert.deepEqual(asked, [KEY]);
    verifier.abort();
  });

  test("those that are known in time count, the others are temperror", async () => {
    const resolver = source(SOUND);
    const late = {
      ...resolver,
      records: (name: string, type: RecordType) =>
        name.startsWith("late.") ? new Promise<never>(() => undefined) : resolver.records(name, type),
    };
    const parts = { resolver: late, hostname: "mx.us", clock: systemClock(), log, patience: 50 };
    const verifier = mailAuthenticator(parts).verifyBody();
    await verifier.feed(Buffer.concat([fieldOf(SIGNED), fieldOf(changed("s=test;", "s=late;")), mail()]));
    const { signatures } = await verifier.finish({ dmarc: false });
    assert.deepEqual(
      signatures.map(({ result }) => result),
      ["pass", "temperror"],
    );
  });

  const results: readonly (readonly [string, Buffer, string])[] = [
    ["a changed body", changed("Bye", "Buy"), "fail"],
    ["a changed subject", changed("Subject: a", "Subject: b"), "fail"],
    ["another selector, without a key", changed("s=test;", "s=none;"), "neutral"],
    ["a key that cannot be read", changed("s=test;", "s=sick;"), "temperror"],
    ["a key that no name leads to", changed("s=test;", `s=${NO_NAME};`), "neutral"],
    ["no algorithm", changed("a=ed25519-sha256;", ""), "neutral"],
    ["nonsense", Buffer.from(`DKIM-Signature: ;;=;\0;d=\xff\r\n${mail().toString()}`, "latin1"), "neutral"],
  ];
  for (const [name, body, result] of results) {
    test(`${name}: ${result}`, async () => {
      const { signatures } = await look(body, {
        zone: { ...SOUND, "sick._domainkey.sender.example": "SICK" },
      });
      assert.deepEqual(
        signatures.map((signature) => signature.result),
        [result],
      );
    });
  }

  test("an unsigned mail has none; one without a body, or without a header, has none either", async () => {
    for (const body of [mail(), Buffer.from("From: a@b.c\r\n"), Buffer.from("\r\nbody\r\n"), Buffer.alloc(0)])
      assert.deepEqual((await look(body)).signatures, []);
  });
});

describe("what is larger than what is looked at", () => {
  const long = "x".repeat(70_000);
  const wide = `To: ${"x@y.example,\r\n ".repeat(2100)}z@y.example\r\n`;

  test("is no signed mail where it has no signature", async () => {
    const { signatures, unread, dmarc } = await look(mail(undefined, long));
    assert.deepEqual([signatures, unread, dmarc?.result], [[], undefined, "fail"]);
  });

  const unread: readonly (readonly [string, Buffer, string])[] = [
    ["a signed mail with a long line", Buffer.concat([SIGNED, Buffer.from(long)]), "temperror"],
    ["a mail to thousands", Buffer.concat([Buffer.from(wide), mail()]), "permerror"],
    [
      "a header above 256 KiB",
      Buffer.concat([Buffer.from(`X: ${"a".repeat(270_000)}\r\n`), SIGNED]),
      "permerror",
    ],
  ];
  for (const [name, body, result] of unread)
    test(`is unread: ${name}`, async () => {
      const { signatures, unread: told, dmarc } = await look(body);
      assert.deepEqual([signatures, told, dmarc?.result], [[{ result: "neutral" }], true, result]);
    });

  test("takes nothing from an author for whom SPF speaks", async () => {
    const spf = { result: "pass", domain: "sender.example" } as const;
    const { dmarc } = await look(Buffer.concat([SIGNED, Buffer.from(long)]), { spf });
    assert.equal(dmarc?.result, "pass");
  });
});

test("the author behind a first line that is no field, or in one of many blanks, is read", async () => {
  const blanks = " \t".repeat(1000);
  for (const header of [
    `X${blanks}y\r\n${mail().toString()}`,
    `From${blanks}: alice@sender.example\r\n\r\n`,
  ]) {
    const { from, dmarc } = await look(Buffer.from(header));
    assert.deepEqual([from, dmarc?.result], ["alice@sender.example", "fail"]);
  }
});

describe("DMARC", () => {
  const fails = { result: "fail", policy: "reject" };
  const cases: readonly (readonly [string, Buffer, Look, BodyProof["dmarc"]])[] = [
    ["nothing speaks for it", mail(), {}, { ...fails } as BodyProof["dmarc"]],
    [
      "SPF speaks for it",
      mail(),
      { spf: { result: "pass", domain: "bounces.sender.example" } },
      { result: "pass", policy: "reject" },
    ],
    [
      "SPF speaks for another",
      mail(),
      { spf: { result: "pass", domain: "evil.example" } },
      fails as BodyProof["dmarc"],
    ],
    ["a subdomain inherits", mail("a@news.sender.example"), {}, { result: "fail", policy: "quarantine" }],
    ["no policy", mail("a@other.example"), {}, { result: "none" }],
    [
      "the policy cannot be read",
      mail(),
      { zone: { "_dmarc.sender.example": "SICK" } },
      { result: "temperror" },
    ],
    [
      "its own key cannot be read",
      SIGNED,
      { zone: { ...SOUND, [KEY]: "SICK" } },
      { result: "temperror", policy: "reject" },
    ],
    [
      "its own key cannot be read, and SPF speaks for it",
      SIGNED,
      { zone: { ...SOUND, [KEY]: "SICK" }, spf: { result: "pass", domain: "sender.example" } },
      { result: "pass", policy: "reject" },
    ],
    [
      "a stranger's key cannot be read",
      changed("d=sender.example", "d=evil.example"),
      { zone: { ...SOUND, "test._domainkey.evil.example": "SICK" } },
      fails as BodyProof["dmarc"],
    ],
    [
      "a stranger's SPF cannot be read",
      mail(),
      { spf: { result: "temperror", domain: "evil.example" } },
      fails as BodyProof["dmarc"],
    ],
    [
      "a signature names a key that no name leads to",
      changed("s=test;", `s=${NO_NAME};`),
      {},
      fails as BodyProof["dmarc"],
    ],
    [
      "a signature names no canonicalization of the header",
      changed("c=relaxed/relaxed", "c=/relaxed"),
      {},
      fails as BodyProof["dmarc"],
    ],
    [
      "SPF of another part of the author's domain cannot be read",
      mail("a@news.sender.example"),
      { spf: { result: "temperror", domain: "bounces.sender.example" } },
      { result: "temperror", policy: "quarantine" },
    ],
    [
      "the key of another part of the author's domain cannot be read",
      Buffer.from(
        SIGNED.toString().replace("d=sender", "d=bounces.sender").replace("@sender", "@news.sender"),
      ),
      { zone: { ...SOUND, "test._domainkey.bounces.sender.example": "SICK" } },
      { result: "temperror", policy: "quarantine" },
    ],
    [
      "SPF of another part cannot be read, and the author's domain takes its own alone",
      mail(),
      {
        zone: { ...SOUND, "_dmarc.sender.example": "v=DMARC1; p=reject; aspf=s" },
        spf: { result: "temperror", domain: "bounces.sender.example" },
      },
      fails as BodyProof["dmarc"],
    ],
    [
      "two From fields",
      Buffer.concat([Buffer.from("From: x@evil.example\r\n"), mail()]),
      {},
      { result: "permerror" },
    ],
    [
      "two From fields of one domain, of which one is signed",
      Buffer.concat([Buffer.from("From: x@sender.example\r\n"), SIGNED]),
      {},
      { result: "permerror" },
    ],
    [
      "30 authors of one domain",
      mail(Array.from({ length: 30 }, (_, n) => `a${n}@sender.example`).join(", ")),
      {},
      fails as BodyProof["dmarc"],
    ],
    ["two authors' domains", mail("a@sender.example, b@evil.example"), {}, { result: "permerror" }],
    ["no author", mail("nobody"), {}, { result: "permerror" }],
  ];
  for (const [name, body, options, dmarc] of cases) {
    test(name, async () => assert.deepEqual((await look(body, options)).dmarc, dmarc));
  }

  test("the author is named only where it is one", async () => {
    const two = await look(mail("a@sender.example, b@sender.example"));
    assert.deepEqual([two.from, two.fromDomain], [undefined, "sender.example"]);
    const none = await look(mail("a@sender.example, b@evil.example"));
    assert.deepEqual([none.from, none.fromDomain], [undefined, undefined]);
    const twice = await look(Buffer.concat([Buffer.from("From: a@sender.example\r\n"), mail()]));
    assert.deepEqual([twice.from, twice.fromDomain], [undefined, undefined]);
  });
});

describe("what strangers send is bounded", () => {
  const signature = (at: number, more = ""): string =>
    `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=d${at}.example; s=s; h=from; bh=AAAA;${more} b=AAAA\r\n`;
  const many = (count: number, more?: (at: number) => string): string =>
    Array.from({ length: count }, (_, at) => signature(at, more?.(at))).join("");

  test("of 1,000 signatures eight are looked at, of those that cover a part one", async () => {
    const asked: string[] = [];
    const some = await look(Buffer.concat([Buffer.from(many(1000)), mail()]), { asked });
    assert.equal(some.signatures.length, 8);
    assert.ok(asked.length < 20, `${asked.length} questions`);
    const parts = await look(Buffer.concat([Buffer.from(many(1000, (at) => ` l=${at};`)), mail()]));
    assert.equal(parts.signatures.length, 1);
    const behindColon = many(8, (at) => ` l=${at};`).replaceAll(/: (v=1;.*?) (l=\d+;)/g, ":$2 $1");
    assert.match(behindColon, /^DKIM-Signature:l=0; v=1;/);
    const first = await look(Buffer.concat([Buffer.from(behindColon), mail()]));
    assert.equal(first.signatures.length, 1);
  });

  test("a signature of blanks is none: mailauth's time grows with the square of their number", async () => {
    const blanks = (count: number): Buffer =>
      Buffer.concat([Buffer.from(many(8, () => ` q=${" \t".repeat(count / 2)}dns/txt;`)), mail()]);
    assert.equal((await look(blanks(100))).signatures.length, 8);
    assert.equal((await look(blanks(7000))).signatures.length, 0);
  });

  const costly: readonly (readonly [string, Buffer])[] = [
    ["a header of 60,000 lines", Buffer.from(`X: a\r\n${" b\r\n".repeat(60_000)}\r\n`)],
    ["a first line of blanks that is no field", Buffer.from(`X${" ".repeat(250_000)}y: b\r\n\r\n`)],
    ["a first line of blanks without a colon", Buffer.from(`X${" ".repeat(250_000)}y\r\n\r\n`)],
    ["a header without an end", Buffer.from(`X: ${"a".repeat(3_000_000)}`)],
    ["a From of groups in groups", mail("a:".repeat(100_000))],
    ["a From of 20,000 authors", mail("a@b.c,".repeat(20_000))],
    [
      "a signature of 50,000 tags",
      Buffer.concat([Buffer.from(`DKIM-Signature: ${"a=b;".repeat(50_000)}\r\n`), mail()]),
    ],
    ["one line of 8 MB", Buffer.concat([Buffer.from(many(8)), mail("a@b.c", "x".repeat(8_000_000))])],
    [
      "lines just below the limit, for eight signatures",
      Buffer.concat([Buffer.from(many(8)), mail("a@b.c", `${" \t".repeat(32_000)}x\r\n`.repeat(10))]),
    ],
  ];
  for (const [name, body] of costly) {
    test(name, async () => {
      const before = process.cpuUsage();
      await look(body, { chunk: 16_384 });
      const { user } = process.cpuUsage(before);
      assert.ok(user < 400_000, `${user} µs of CPU`);
    });
  }
});
