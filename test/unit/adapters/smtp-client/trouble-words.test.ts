import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { answerWords, errorWords, noTlsWords } from "../../../../src/adapters/smtp-client/trouble-words.ts";
import { testCertificate } from "../../../support/test-certificate.ts";

/** What Node.js says where a verified handshake with such a server fails. */
async function failureWith(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const socket = connectTls({ port, host: "127.0.0.1" });
  const [error] = (await once(socket, "error")) as [Error];
  socket.destroy();
  server.close();
  return error.message;
}

test("a server that speaks in clear on a port for implicit TLS is explained as such", async () => {
  const plain = createServer((socket) => socket.on("error", () => {}).end("220 mail.example ESMTP\r\n"));
  assert.match(
    errorWords(await failureWith(plain)),
    /^it does not begin with TLS on this port; `implicitTls`/,
  );
});

test("a self-signed certificate is explained, with the setting that would accept it", async () => {
  const { certificate: cert, key } = await testCertificate();
  const server = createTlsServer({ cert, key });
  server.on("tlsClientError", () => {});
  assert.match(errorWords(await failureWith(server)), /is self-signed; `tls: pin` trusts one/);
});

test("other messages stay as they are, shortened and on one line", () => {
  assert.equal(errorWords("connect ECONNREFUSED\r\n127.0.0.1:25"), "connect ECONNREFUSED 127.0.0.1:25");
  assert.equal(errorWords("x".repeat(1000)).length, 300);
});

test("an SMTP reply is quoted, and other text is said to be no SMTP", () => {
  const reply = { code: 554, text: "no PTR" };
  assert.equal(answerWords(reply, "554 no PTR"), "it answered 554 no PTR");
  assert.equal(noTlsWords(reply), "it does not accept STARTTLS, which `tls` requires: 554 no PTR");
  const other = answerWords({ code: 451, text: "SSH-2.0-OpenSSH_9" }, "SSH-2.0-OpenSSH_9\r\n");
  assert.equal(other, "it does not speak SMTP: it sent SSH-2.0-OpenSSH_9");
});
