/** The demo's stand-in for the domain's own server: accepts every mail and records when. Speaks just enough SMTP. */
import { createServer, type Server, type Socket } from "node:net";

interface DemoPrimary {
  readonly received: { readonly recipient: string; readonly subject: string; readonly at: number }[];
  /** Opens the port; rejects if it is in use. */
  open(port: number): Promise<void>;
  close(): Promise<void>;
}

/** `arrived` runs after each mail. */
export function demoPrimary(arrived: () => void): DemoPrimary {
  const received: DemoPrimary["received"] = [];
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  return {
    received,
    open: (port) =>
      new Promise((resolve, reject) => {
        server = createServer((socket) => {
          sockets.add(socket);
          socket.on("close", () => sockets.delete(socket));
          converse(socket, (mail) => {
            received.push({ ...mail, at: Date.now() });
            arrived();
          });
        });
        server.once("error", reject);
        server.listen(port, "127.0.0.1", resolve);
      }),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        if (server === undefined) resolve();
        else server.close(() => resolve());
      }),
  };
}

/** Serves one connection: replies line by line, and collects a body up to its final dot. */
function converse(socket: Socket, deliver: (mail: { recipient: string; subject: string }) => void): void {
  let pending = "";
  let recipient = "";
  let body: string[] | undefined;
  const line = (text: string): void => {
    if (body === undefined) {
      recipient = /^RCPT TO:<([^>]*)>/i.exec(text)?.[1] ?? recipient;
      if (/^DATA$/i.test(text)) body = [];
      socket.write(answerTo(text));
    } else if (text === ".") {
      const subject = body.find((field) => /^Subject: /i.test(field))?.slice("Subject: ".length) ?? "";
      body = undefined;
      deliver({ recipient, subject });
      socket.write("250 2.0.0 Ok: delivered to the mailbox\r\n");
    } else body.push(text);
  };
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    const lines = (pending + chunk.toString("latin1")).split("\r\n");
    pending = lines.pop() ?? "";
    lines.forEach(line);
  });
  socket.write("220 primary.example.test ESMTP\r\n");
}

function answerTo(command: string): string {
  if (/^EHLO/i.test(command)) return "250-primary.example.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
  if (/^DATA/i.test(command)) return "354 Go ahead\r\n";
  return /^QUIT/i.test(command) ? "221 2.0.0 Bye\r\n" : "250 2.0.0 Ok\r\n";
}
