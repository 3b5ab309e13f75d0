/** Debian's clamd with one signature of our own, which knows EICAR; no database is downloaded. */
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { ScannerProcess } from "./scanner-process.ts";

/** The test file of EICAR, which every scanner takes for a virus and which harms nobody. In two parts for our own peace. */
export const EICAR = `X5O!P%@AP[4\\PZX54(P^)7CC)7}$${"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"}!$H+H*`;
/** What clamd calls it; it marks signatures that are not its own. */
export const SIGNATURE = "Holdfast.Test.EICAR.UNOFFICIAL";

interface Clamd {
  readonly process: ScannerProcess;
  readonly socket: string;
  readonly tcp: string;
  /** Octets of body that it takes. */
  readonly streamMaxLength: number;
}

/** Octets. */
const STREAM_MAX = 10 * 1024 * 1024;

export async function startClamd(): Promise<Clamd> {
  const port = await freePort();
  const process = await ScannerProcess.start({
    peer: "clamav",
    program: "clamd",
    prepare: (folder) => prepare(folder, port),
    isReady: () => answersPing(port),
  });
  const socket = join(process.folder, "clamd.sock");
  return { process, socket, tcp: `127.0.0.1:${port}`, streamMaxLength: STREAM_MAX };
}

async function prepare(folder: string, port: number): Promise<readonly string[]> {
  const [database, file] = [join(folder, "db"), join(folder, "clamd.conf")];
  await mkdir(database);
  // Any type, anywhere in a file, RFC or archive: clamd takes them apart itself.
  const hex = Buffer.from(EICAR).toString("hex");
  await writeFile(join(database, "own.ndb"), `Holdfast.Test.EICAR:0:*:${hex}\n`);
  const lines = [
    `LocalSocket ${join(folder, "clamd.sock")}`,
    `TCPSocket ${port}`,
    "TCPAddr 127.0.0.1",
    `DatabaseDirectory ${database}`,
    `TemporaryDirectory ${folder}`,
    `StreamMaxLength ${STREAM_MAX}`,
    "Foreground yes",
    "MaxThreads 10",
    "SelfCheck 0",
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  return ["-c", file];
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => void socket.write("zPING\0"));
    socket.once("data", (text) => {
      socket.destroy();
      resolve(String(text).startsWith("PONG"));
    });
    socket.once("error", () => resolve(false));
  });
}
