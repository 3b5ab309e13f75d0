import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HeaderScanner, type HeaderFacts } from "../../../src/mail/header-scanner.ts";

function scan(text: string, { headerSize = 10_000, step = text.length || 1 } = {}): HeaderFacts {
  const scanner = new HeaderScanner({ headerSize, headerFields: 5000, hostname: "mx.us" });
  const octets = Buffer.from(text);
  for (let at = 0; at < octets.length; at += step) scanner.feed(Buffer.from(octets.subarray(at, at + step)));
  return scanner.facts();
}

const MAIL =
  "Received: from a\r\n\tby other.example\r\nReceived: from b by MX.US. (x)\r\n\tid 1\r\nmessage-id : <1@x>\r\n" +
  "Subject: Grüße\r\n  zwei\r\nFrom: A <a@b.example>\r\nSubject: second\r\n\r\nReceived: by mx.us\r\nFrom: body\r\n";

describe("HeaderScanner", () => {
  test("too many fields end it, folded ones count once", () => {
    const facts = (fields: string): boolean => {
      const scanner = new HeaderScanner({ headerSize: 1e6, headerFields: 3, hostname: "mx.us" });
      scanner.feed(Buffer.from(fields));
      return scanner.facts().tooLong;
    };
    assert.equal(facts("A: 1\r\n 2\r\nB: 1\r\nC: 1\r\n\r\nD: 1\r\n"), false);
    assert.equal(facts("A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n"), true);
  });

  test("reads the facts, folded fields included", () => {
    assert.deepEqual(scan(MAIL), {
      received: 2,
      ownReceived: 1,
      tooLong: false,
      foreign: true,
      messageId: "<1@x>",
      subject: "Grüße  zwei",
      from: "A <a@b.example>",
    });
  });

  test("says the same however it is cut", () => {
    for (let step = 1; step < 40; step++) assert.deepEqual(scan(MAIL, { step }), scan(MAIL));
  });

  test("octets above 127 are told of the header alone, however it is cut", () => {
    for (const step of [1, 3, 1000]) {
      assert.equal(scan("X: \u00fc\r\n\r\nbody\r\n", { step }).foreign, true);
      assert.equal(scan("X: \r\n \u00fc\r\n\r\nbody\r\n", { step }).foreign, true);
      assert.equal(scan("X: u\r\n\r\n\u00fc\r\n", { step }).foreign, undefined);
    }
  });

  test("what is folded belongs to the field before it, whether that matters or not", () => {
    for (const step of [1, 7, 1000]) {
      const facts = scan(
        "Subject: a\r\nX-Y: 1\r\n by mx.us\r\nReceived: from x\r\nDate: 1\r\n\tby mx.us\r\nTo: y\r\n b\r\n\r\n",
        { step },
      );
      assert.deepEqual([facts.subject, facts.received, facts.ownReceived], ["a", 1, 0]);
    }
  });

  test("a `by` within a comment is no clause", () => {
    assert.equal(scan("Received: from x (by mx.us) by other.example\r\n\r\n").ownReceived, 0);
    assert.equal(scan("Received: from x (HELO by mx.us ) by other.example\r\n\r\n").ownReceived, 0);
    assert.equal(scan("Received: from by.mx.us via mx.us\r\n\r\n").ownReceived, 0);
  });

  test("names of fields are read in any case, however long they are", () => {
    for (const name of ["received", "RECEIVED", "rEcEiVeD"])
      assert.equal(scan(`${name}: by mx.us\r\n\r\n`).ownReceived, 1, name);
    const long = `${"x".repeat(3000)}: 1\r\nReceived: a\r\n\r\n`;
    assert.deepEqual(scan(long), scan(long, { step: 1000 }));
  });

  test("ends at what is no header field", () => {
    for (const line of ["Not a field: x", "X\u00fc: 1", "R\u00fc: 1", ": x", "From a@b.example 1"])
      for (const step of [1, 1000])
        assert.equal(scan(`Received: a\r\n${line}\r\nReceived: b\r\n`, { step }).received, 1, line);
    assert.equal(scan("Received: a\r\nThis is text\r\nReceived: b\r\n").received, 1);
    assert.equal(scan("\r\nReceived: b\r\n").received, 0);
    assert.equal(scan("Received: unfinished").received, 0);
    assert.equal(scan("Subject: no end\r\n").tooLong, false);
  });

  test("what begins with a blank has no header, however it is cut", () => {
    for (const blank of [" ", "\t"])
      for (const step of [1, 100]) {
        const facts = scan(`${blank}folded\r\nSubject: s\r\n\r\nbody`, { step });
        assert.deepEqual(facts, { received: 0, ownReceived: 0, tooLong: false, headless: true });
      }
    assert.equal(scan("A: 1\r\n folded\r\n\r\n").headless, undefined);
  });

  test("a section above the limit is told", () => {
    const long = `X: ${"y".repeat(100)}\r\n`.repeat(100);
    assert.equal(scan(`${long}\r\n`, { headerSize: 1000 }).tooLong, true);
    assert.equal(scan(`X: 1\r\n\r\n${long}`, { headerSize: 1000 }).tooLong, false);
    for (const step of [1, 1000]) {
      assert.equal(scan("X: 1\r\n\r\nbody", { headerSize: 8, step }).tooLong, false);
      assert.equal(scan("X: 1\r\n\r\nbody", { headerSize: 7, step }).tooLong, true);
    }
  });

  for (const [field, traits] of Object.entries({
    "List-Id: <a.example>": ["list"],
    "LIST-UNSUBSCRIBE : <mailto:x@a.example>": ["list"],
    "Precedence: Bulk": ["bulk"],
    "precedence: list": ["bulk"],
    "Precedence: first-class": undefined,
    "Auto-Submitted: auto-replied; x=y": ["automatic"],
    "Auto-Submitted: No": undefined,
    "Auto-Submitted: notified": ["automatic"],
    "Precedence: listless": undefined,
    "Listing-Id: 1\r\nX-Auto-Submitted: yes": undefined,
    "Auto-Submitted: auto-generated\r\nPrecedence: junk\r\nList-Post: NO": ["list", "bulk", "automatic"],
  }))
    test(`who wrote it: ${JSON.stringify(field)}`, () => {
      assert.deepEqual(scan(`${field}\r\n\r\nList-Id: body\r\n`, { step: 3 }).traits, traits);
    });

  test("texts are printable and short", () => {
    const { subject } = scan(`Subject: \x1b[31m\u202e${"x".repeat(5000)}\r\n\r\n`);
    assert.equal(subject?.length, 200);
    assert.match(subject ?? "", /^\[31m x+$/);
    assert.equal(
      scan(`Subject: ${"x".repeat(199)}\u{1f4ec}\r\n`).subject,
      "x".repeat(199),
      "no half of a pair",
    );
  });

  test("names such as __proto__ do no harm", () => {
    const facts = scan("__proto__: 1\r\nconstructor: 2\r\ntoString: 3\r\nFrom: x\r\n\r\n");
    assert.equal(facts.from, "x");
    assert.equal(({} as Record<string, unknown>)["1"], undefined);
  });

  test("half a million fields take no second", () => {
    const block = Buffer.from("Received: x\r\n To: y\r\n".repeat(2500));
    const scanner = new HeaderScanner({ headerSize: 1e9, headerFields: 1e9, hostname: "mx.us" });
    const start = performance.now();
    for (let round = 0; round < 100; round++) scanner.feed(block);
    assert.equal(scanner.facts().received, 250_000);
    assert.ok(performance.now() - start < 5000);
  });
});
