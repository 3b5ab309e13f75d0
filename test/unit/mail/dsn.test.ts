import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { originalRecipient, readMailDsn, readRcptDsn, wantsDsn } from "../../../src/mail/dsn.ts";

const mail = (parameters: Record<string, string>) => readMailDsn(new Map(Object.entries(parameters)));
const rcpt = (parameters: Record<string, string>, utf8 = false) =>
  readRcptDsn(new Map(Object.entries(parameters)), utf8);

describe("RET and ENVID", () => {
  it("are kept as received", () => {
    assert.deepEqual(mail({ RET: "full", ENVID: "QQ+2B314159" }), { ret: "FULL", envid: "QQ+2B314159" });
    assert.deepEqual(mail({ RET: "HDRS" }), { ret: "HDRS" });
    assert.deepEqual(mail({}), {});
  });

  for (const [name, parameters] of Object.entries({
    "another RET": { RET: "BODY" },
    "an empty RET": { RET: "" },
    "an empty ENVID": { ENVID: "" },
    "101 characters": { ENVID: "x".repeat(101) },
    "lower-case hexadecimal": { ENVID: "a+2b" },
    "a lone plus": { ENVID: "a+" },
    "a line break": { ENVID: "a+0D+0ARCPT" },
    "a NUL": { ENVID: "a+00" },
    "an octet that is not ASCII": { ENVID: "a+E9" },
    "a character that is not ASCII": { ENVID: "é" },
  }))
    it(`refuse ${name}`, () => assert.equal(mail(parameters), undefined));
});

describe("NOTIFY and ORCPT", () => {
  it("are brought into one order, and kept as received", () => {
    assert.deepEqual(rcpt({ NOTIFY: "delay,Success" }), { notify: "SUCCESS,DELAY" });
    assert.deepEqual(rcpt({ NOTIFY: "never" }), { notify: "NEVER" });
    assert.deepEqual(rcpt({ ORCPT: "rfc822;Bob+2Bx@x.test" }), { orcpt: "rfc822;Bob+2Bx@x.test" });
    assert.deepEqual(rcpt({ ORCPT: "utf-8;b\\x{E9}@x.test" }), { orcpt: "utf-8;b\\x{E9}@x.test" });
    assert.deepEqual(rcpt({ ORCPT: "utf-8;bé@x.test" }, true), { orcpt: "utf-8;bé@x.test" });
  });

  for (const [name, parameters] of Object.entries({
    "NEVER with another": { NOTIFY: "NEVER,SUCCESS" },
    "a word twice": { NOTIFY: "DELAY,DELAY" },
    "an unknown word": { NOTIFY: "ALWAYS" },
    "an empty list": { NOTIFY: "" },
    "an empty member": { NOTIFY: "SUCCESS," },
    "an address without its type": { ORCPT: "bob@x.test" },
    "an empty type": { ORCPT: ";bob@x.test" },
    "an empty address": { ORCPT: "rfc822;" },
    "a type that is no atom": { ORCPT: "rfc 822;bob@x.test" },
    "501 octets": { ORCPT: `rfc822;${"x".repeat(494)}` },
    "a line break": { ORCPT: "rfc822;bob+0D+0A@x.test" },
    "a DEL": { ORCPT: "rfc822;bob+7F@x.test" },
    "octets that are not UTF-8": { ORCPT: "rfc822;bob+FF@x.test" },
    "a line separator": { ORCPT: "utf-8;bob\\x{2028}@x.test" },
    "a line break in UTF-8": { ORCPT: "utf-8;bob\\x{0A}@x.test" },
    "a code point that does not exist": { ORCPT: "utf-8;bob\\x{FFFFFF}@x.test" },
    "raw UTF-8 without SMTPUTF8": { ORCPT: "utf-8;bé@x.test" },
    "raw UTF-8 as rfc822": { ORCPT: "rfc822;bé@x.test" },
  }))
    it(`refuse ${name}`, () => assert.equal(rcpt(parameters), undefined));

  it("are decoded to type and address", () => {
    assert.deepEqual(originalRecipient("rfc822;Bob+2Bx@x.test"), { type: "rfc822", address: "Bob+x@x.test" });
    assert.deepEqual(originalRecipient("utf-8;b\\x{E9}@x.test"), { type: "utf-8", address: "bé@x.test" });
  });

  it("say of which events the sender wants to hear", () => {
    assert.equal(wantsDsn(undefined, "FAILURE"), true);
    assert.equal(wantsDsn(undefined, "DELAY"), true);
    assert.equal(wantsDsn(undefined, "SUCCESS"), false);
    assert.equal(wantsDsn("NEVER", "FAILURE"), false);
    assert.equal(wantsDsn("SUCCESS,DELAY", "SUCCESS"), true);
    assert.equal(wantsDsn("SUCCESS,DELAY", "FAILURE"), false);
  });
});
