import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { DataDecoder } from "../../../src/mail/data-decoder.ts";
import { PLAIN_FALSE_ENDS } from "../../support/smuggling.ts";

interface Read {
  readonly body: string;
  /** What followed the final dot; undefined when the body has not ended. */
  readonly rest: string | undefined;
}

/** Feeds pieces as separate memory, each destroyed once its body was taken. */
function decode(pieces: readonly Buffer[], decoder = new DataDecoder()): Read {
  let body = "";
  let rest: string | undefined;
  for (const piece of pieces) {
    const chunk = Buffer.from(piece);
    if (rest !== undefined) {
      rest += chunk.toString("latin1");
      continue;
    }
    const decoded = decoder.decode(chunk);
    body += decoded.body.toString("latin1");
    chunk.fill(0x21);
    rest = decoded.rest?.toString("latin1");
  }
  return { body, rest };
}

/** The same by plain string work on the whole. */
function reference(input: string): Read {
  const end = `\r\n${input}`.indexOf("\r\n.\r\n");
  const raw = end === -1 ? input : input.slice(0, end);
  const body = `\r\n${raw}`
    .replaceAll("\r\n.", "\r\n")
    .slice(2)
    .replace(/\r\n|\r|\n/g, "\r\n");
  return { body, rest: end === -1 ? undefined : input.slice(end + 3) };
}

function pieces(input: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...[...cuts].sort((a, b) => a - b), input.length];
  return places.slice(1).map((to, index) => input.subarray(places[index], to));
}

const read = (input: string): Read => decode([Buffer.from(input, "latin1")]);

/** What smuggling has been tried with; the octet before it makes it a line of its own. */
const SEQUENCES = PLAIN_FALSE_ENDS;

describe("DataDecoder", () => {
  test("removes the dot that opens a line, and only that", () => {
    assert.deepEqual(read("..a\r\n...\r\nb.\r\n.c\r\n.\r\nQUIT\r\n"), {
      body: ".a\r\n..\r\nb.\r\nc\r\n",
      rest: "QUIT\r\n",
    });
  });

  test("an empty body ends with its first line", () => {
    assert.deepEqual(read(".\r\n"), { body: "", rest: "" });
  });

  for (const sequence of SEQUENCES) {
    test(`${JSON.stringify(sequence)} ends nothing, wherever it is cut`, () => {
      const input = Buffer.from(`a${sequence}MAIL FROM:<x@y>\r\n`, "latin1");
      const whole = decode([input]);
      assert.equal(whole.rest, undefined);
      for (let first = 0; first <= input.length; first++) {
        for (let second = first; second <= input.length; second++) {
          assert.deepEqual(decode(pieces(input, [first, second])), whole);
        }
      }
    });
  }

  test("a CR before CRLF dot CRLF is content, the body still ends", () => {
    const input = Buffer.from("a\r\r\n.\r\nrest");
    for (let cut = 0; cut <= input.length; cut++) {
      assert.deepEqual(decode(pieces(input, [cut])), { body: "a\r\n\r\n", rest: "rest" });
    }
  });

  test("a chunk with very many bare newlines comes out whole", () => {
    for (const newline of ["\n", "\r", "\r\r\n", "\n\r\n..\r\n.\r"]) {
      const input = `some text${newline}..${newline}`.repeat(2000);
      assert.deepEqual(
        read(`${input}\r\n.\r\nrest`),
        reference(`${input}\r\n.\r\nrest`),
        JSON.stringify(newline),
      );
    }
  });

  test("a dot after a bare newline stays", () => {
    assert.equal(read("a\n..b\r..c\n.d\r\n").body, "a\r\n..b\r\n..c\r\n.d\r\n");
  });

  test("octet by octet gives what the whole gives", () => {
    const text = Buffer.from("..\r\n.x\r\n..\n.\r.\r\n.\r\r\n.\r\nNOOP\r\n");
    assert.deepEqual(decode([...text].map((octet) => Buffer.from([octet]))), decode([text]));
  });

  test("random octets in random pieces read as the plain reference reads them", () => {
    const octet = fc.constantFrom(..."\r\n..\r\n\r\nax\0\xff");
    const input = fc.array(octet, { maxLength: 60 }).map((octets) => Buffer.from(octets.join(""), "latin1"));
    const cuts = fc.array(fc.nat(60), { maxLength: 8 });
    fc.assert(
      fc.property(input, cuts, (whole, places) => {
        const sound = pieces(
          whole,
          places.map((place) => Math.min(place, whole.length)),
        );
        const got = decode(sound);
        const wanted = reference(whole.toString("latin1"));
        assert.equal(got.rest, wanted.rest);
        // What is held back while the body is open is not compared.
        if (got.rest !== undefined) assert.equal(got.body, wanted.body);
        else assert.ok(wanted.body.startsWith(got.body.replace(/\r$/, "")));
      }),
      { numRuns: 5000 },
    );
  });

  test("without dots, all is content until the end, wherever it is cut", () => {
    const octet = fc.constantFrom(..."\r\n..\r\n\r\nax\0\xff");
    const input = fc.array(octet, { maxLength: 40 }).map((octets) => octets.join(""));
    fc.assert(
      fc.property(input, fc.nat(40), (whole, place) => {
        const decoder = new DataDecoder("plain");
        const cut = Math.min(place, whole.length);
        const { body, rest } = decode(pieces(Buffer.from(whole, "latin1"), [cut]), decoder);
        assert.equal(rest, undefined);
        const all = body + decoder.end().toString("latin1");
        const wanted = whole.replace(/\r\n|\r|\n/g, "\r\n");
        assert.equal(all, wanted);
        assert.deepEqual(
          [decoder.size, decoder.hasNul, decoder.bareNewlines],
          [wanted.length, whole.includes("\0"), whole.replaceAll("\r\n", "").match(/[\r\n]/g)?.length ?? 0],
        );
      }),
      { numRuns: 2000 },
    );
  });

  test("a last line without an end counts by its length", () => {
    for (const [end, long] of [
      ["", 1],
      ["\r", 1],
      ["\r\n", 1],
    ] as const) {
      const decoder = new DataDecoder("plain");
      decoder.decode(Buffer.from(`${"x".repeat(998)}\r\n`));
      decoder.decode(Buffer.from("x".repeat(999) + end));
      decoder.end();
      assert.equal(decoder.longLines, long, JSON.stringify(end));
      const shorter = new DataDecoder("plain");
      shorter.decode(Buffer.from("x".repeat(998) + end));
      shorter.end();
      assert.equal(shorter.longLines, 0, JSON.stringify(end));
    }
  });

  test("counts what it saw", () => {
    const decoder = new DataDecoder();
    decode([Buffer.from(`${"x".repeat(999)}\r\nb\nc\rd\r\n${"y".repeat(998)}\r\n.\r\n`)], decoder);
    assert.equal(decoder.bareNewlines, 2);
    assert.equal(decoder.longLines, 1);
    assert.equal(decoder.hasNul, false);
    assert.equal(decoder.eightBit, false);
    assert.equal(decoder.size, 999 + 2 + 9 + 1000);
  });

  test("counts the same wherever a chunk is cut", () => {
    const long = "x".repeat(999);
    const input = Buffer.from(`.${long}\r\n${long.slice(1)}\r\n..${long.slice(1)}\r\na\n${long}\rb\r\n.\r\n`);
    const places = [
      1, 2, 999, 1000, 1001, 1002, 1003, 2000, 2001, 2002, 2003, 2004, 2005, 3003, 3004, 3005, 3006, 4008,
    ];
    for (const first of places) {
      for (const second of places) {
        const decoder = new DataDecoder();
        decode(pieces(input, [first, second]), decoder);
        assert.deepEqual([decoder.longLines, decoder.bareNewlines], [3, 2], `${first} ${second}`);
      }
    }
  });

  test("sees NUL and eight-bit octets, at the start of a line too", () => {
    const nul = new DataDecoder();
    nul.decode(Buffer.from("\0a\r\n"));
    assert.equal(nul.hasNul, true);
    for (const text of ["\xe9a", "a\xe9", "a\r\n\xe9"]) {
      const decoder = new DataDecoder();
      decoder.decode(Buffer.from(text, "latin1"));
      assert.equal(decoder.eightBit, true, JSON.stringify(text));
    }
  });

  test("plain text goes out as a view of what came in", () => {
    const chunk = Buffer.from("plain\r\ntext\r\n");
    assert.equal(new DataDecoder().decode(chunk).body.buffer, chunk.buffer);
  });

  test("what follows the end has memory of its own", () => {
    const chunk = Buffer.from("x\r\n.\r\nNOOP\r\n");
    const { rest } = new DataDecoder().decode(chunk);
    chunk.fill(0);
    assert.equal(rest?.toString(), "NOOP\r\n");
  });
});
