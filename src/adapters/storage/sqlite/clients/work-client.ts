import type { MessagePort } from "node:worker_threads";
import { crc32 } from "node:zlib";
import type { ClaimedMail, WorkEvent, WorkStore } from "../../../../ports/work-store.ts";
import type { Body } from "../../../../ports/stored-body.ts";
import type { DsnStore, OwedMail } from "../../../../ports/dsn.ts";
import { Moved, openChannel } from "../../../../runtime/channel.ts";
import { claimedRecipient, factsOf, spoolOf } from "../wire/mail-row.ts";
import { bodyInFile, bodyInMemory, lostBody, placeInFile, type StoredBody } from "../bodies/stored-body.ts";
import {
  wireMail,
  wireSettlement,
  type WireBody,
  type WireClaim,
  type WireEvent,
  type WireOwed,
  type WorkMethods,
} from "../wire/wire.ts";

/** The delivery thread's side of the queue. */
export function connectWork(
  port: MessagePort,
  { folder }: { readonly folder: string },
): WorkStore & DsnStore {
  const channel = openChannel<WorkMethods>(port);
  const listeners: ((event: WorkEvent) => void)[] = [];
  channel.onEvent((wire: WireEvent) => {
    const event = wire.kind === "claimed" ? { kind: wire.kind, mail: unpack(wire.mail, folder) } : wire;
    for (const listener of listeners) listener(event);
  });
  return {
    work: () => channel.call("work"),
    claim: async (request) => {
      const claims = await channel.call("claim", request);
      return claims.map((claim) => unpack(claim, folder));
    },
    grant: (domain, credits) => {
      // The port closes only when this delivery thread ends; its grants end with it.
      channel.call("grant", { domain, credits }).catch(() => {});
    },
    settle: (request) => channel.call("settle", wireSettlement(request)),
    wake: (domains) => channel.call("wake", domains),
    due: (request) => channel.call("due", request),
    accepted: (addresses) => channel.call("accepted", addresses),
    unhold: (request) => channel.call("unhold", request),
    encrypted: () => channel.call("encrypted"),
    rememberTls: (destination, encrypted) => channel.call("rememberTls", { destination, encrypted }),
    expire: (slice) => channel.call("expire", slice),
    owed: async (request) => {
      const mails = await channel.call("owed", request);
      return mails.map((mail) => unpackOwed(mail, folder));
    },
    told: ({ notice, ...request }) => {
      if (notice === undefined) return channel.call("told", request);
      // A copy is transferred, because the ArrayBuffer behind a Buffer may contain other data.
      const body = Uint8Array.from(notice.body).buffer;
      const stored = { size: body.byteLength, spool: null, crc: crc32(notice.body) };
      const mail = wireMail(notice.mail, stored);
      return channel.call("told", new Moved({ ...request, notice: { mail, body } }, [body]));
    },
    delayed: (request) => channel.call("delayed", request),
    onEvent: (listener) => void listeners.push(listener),
  };
}

function unpack([token, domain, facts, recipients, body]: WireClaim, folder: string): ClaimedMail {
  const mail = factsOf(facts);
  const stored = { size: mail.size, crc: body.crc };
  const place = body.content ?? spoolOf(facts);
  return {
    token,
    domain,
    ...mail,
    recipients: recipients.map(claimedRecipient),
    body: place === null ? lostBody(mail.size) : bodyOf(place, stored, folder),
  };
}

function unpackOwed({ body, size, crc, ...mail }: WireOwed, folder: string): OwedMail {
  return body === undefined ? mail : { ...mail, body: bodyOf(body, { size, crc }, folder) };
}

function bodyOf(place: WireBody, stored: StoredBody, folder: string): Body {
  return typeof place === "string"
    ? bodyInFile(placeInFile(folder, place), stored)
    : bodyInMemory(place, stored);
}
