/** smtp-server alone, one thread, with a handler that throws the body away. Prints its port, ends with stdin. */
import type { AddressInfo } from "node:net";
import type { Readable } from "node:stream";
import { SMTPServer } from "smtp-server";

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ["AUTH", "STARTTLS"],
  disableReverseLookup: true,
  logger: false,
  onData: (stream: Readable, _session: unknown, done: (error?: Error) => void) => {
    stream.on("end", () => done());
    stream.resume();
  },
});
server.on("error", () => {});
const listening = server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(listening.address() as AddressInfo).port}\n`);
});
process.stdin.resume().on("end", () => process.exit());
