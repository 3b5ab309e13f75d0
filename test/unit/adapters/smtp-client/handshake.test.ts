import assert from "node:assert/strict";
import { test } from "node:test";
import SMTPConnection from "nodemailer/lib/smtp-connection";

test("nodemailer has the internals that the handshake takes off the socket", () => {
  const connection = new SMTPConnection({ host: "127.0.0.1" });
  const internals = connection as unknown as Record<string, unknown>;
  const functions = [
    "_actionGreeting",
    "_onSocketData",
    "_onSocketError",
    "_onSocketClose",
    "_onSocketEnd",
    "_onSocketTimeout",
  ];
  for (const name of functions) assert.equal(typeof internals[name], "function", name);
  assert.equal(internals["_destroyed"], false);
});
