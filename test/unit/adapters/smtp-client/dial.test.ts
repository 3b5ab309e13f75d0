import assert from "node:assert/strict";
import { syncBuiltinESMExports } from "node:module";
import net, { type AddressInfo, type TcpNetConnectOpts } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { connectError, dial } from "../../../../src/adapters/smtp-client/dial.ts";

const HERE = "127.0.0.1";

test("a socket that connected to itself is reported as refused, and the port is free again", async (t) => {
  const probe = net.createServer().listen(0, HERE);
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await once(probe.close(), "close");

  const { connect } = net;
  // What the system does once in some thousand connections.
  const fromThere = (options: TcpNetConnectOpts): net.Socket => {
    const socket = connect({ ...options, localAddress: HERE, localPort: port });
    t.after(() => socket.destroy());
    return socket;
  };
  t.mock.method(net, "connect", fromThere);
  syncBuiltinESMExports();
  t.after(syncBuiltinESMExports);
  await assert.rejects(dial({ ip: HERE, port }, 1000), {
    message: `connection refused (${HERE}:${port})`,
  });
  t.mock.restoreAll();
  syncBuiltinESMExports();

  const primary = net.createServer().listen(port, HERE);
  await once(primary, "listening");
  const socket = await dial({ ip: HERE, port }, 1000);
  assert.equal(socket.remotePort, port);
  socket.destroy();
  await once(primary.close(), "close");
});

test("errors of connecting are described in words", () => {
  const words = (code: string): string =>
    connectError(Object.assign(new Error(`connect ${code} ::1:25`), { code }));
  assert.equal(words("ECONNREFUSED"), "connection refused");
  // A primary with an IPv6 address, and a machine without IPv6.
  assert.equal(words("EAFNOSUPPORT"), "this machine has no addresses of that kind");
});

test("an error message of OpenSSL becomes one line", () => {
  const said =
    "139:error:0A00010B:SSL routines:tls_default_validate:wrong version number:../tls_common.c:1001:\n";
  assert.equal(connectError(new Error(said)), said.trim());
});
