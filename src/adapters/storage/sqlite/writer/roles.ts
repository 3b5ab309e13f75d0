import type { MessagePort } from "node:worker_threads";
import type { Accepted } from "../../../../ports/intake.ts";
import type { StoreCondition } from "../../../../ports/store-condition.ts";
import { Moved, serveChannel } from "../../../../runtime/channel.ts";
import type { Clock } from "../../../../runtime/clock.ts";
import type { Batch } from "../commit/batch.ts";
import type { Arrived } from "../queue/accepting.ts";
import type { CommitLoop, Job, Rank } from "../commit/commit-loop.ts";
import { serveControl } from "./control-role.ts";
import { StoreFailure } from "../disk/failure.ts";
import type { Appender, Segments } from "../bodies/segments.ts";
import { WorkSession, type Sessions } from "../queue/sessions.ts";
import type { Store } from "./store.ts";
import {
  buffersOf,
  type Consignment,
  type IntakeMethods,
  type MemoryMethods,
  type WorkMethods,
} from "../wire/wire.ts";

/** What a port to the store is used for. */
export type Role = "intake" | "work" | "control" | "memory";

interface RoleParts {
  readonly loop: CommitLoop<Store>;
  readonly sessions: Sessions;
  readonly segments: Segments;
  readonly clock: Clock;
  readonly condition: () => StoreCondition;
  /** Called when a client could not write a spool file because the disk is full or sick. */
  readonly trouble: (failure: StoreFailure) => void;
}

const SERVE: Readonly<Record<Role, (port: MessagePort, parts: RoleParts) => void>> = {
  intake: serveIntake,
  work: serveWork,
  control: serveControl,
  memory: serveMemory,
};

export function serveRole(role: Role, port: MessagePort, parts: RoleParts): void {
  SERVE[role](port, parts);
}

/** Time before the next attempt to give up claims or segments of a dead thread, in ms. */
const TRY_AGAIN = 1000;

const ACCEPTED: Accepted = { kind: "accepted" };
/** Approximate size of a row without its body, in bytes. */
const ROW_BYTES = 2000;

function serveIntake(port: MessagePort, parts: RoleParts): void {
  const { loop, segments, condition, trouble } = parts;
  serveChannel<IntakeMethods>(port, {
    accept: (consignment) => {
      const present = condition();
      if (present !== "ok")
        return Promise.resolve(consignment.mails.map(() => ({ kind: "refused", why: present })));
      const jobs = unpack(consignment).map((arrived) => acceptJob(arrived, port));
      return loop.submitAll(jobs).then((failures) => failures.map(answerOf));
    },
    beginSegment: (name) => segments.begin(port, name),
    trouble: ({ why, text }) => trouble(new StoreFailure(why, text)),
  });
  port.once("close", () => leaveSegments(port, parts));
}

/** Runs after the mails that the client has still sent. */
function leaveSegments(appender: Appender, parts: RoleParts): void {
  brief(parts.loop, "accept", ({ bodies }, batch) => bodies.leaveSegments(appender, batch)).catch(() =>
    parts.clock.after(TRY_AGAIN, () => leaveSegments(appender, parts)),
  );
}

function unpack({ mails, bodies }: Consignment): readonly Arrived[] {
  let end = 0;
  return mails.map((mail) => {
    const [[, , , size, spool]] = mail;
    if (spool !== null) return { mail, body: undefined };
    const body = new Uint8Array(bodies, end, size);
    end += size;
    return { mail, body };
  });
}

function acceptJob(arrived: Arrived, appender: Appender): Job<Store> {
  const [[, , , size, spool], , , deadline] = arrived.mail;
  return {
    rank: "accept",
    bytes: size + ROW_BYTES,
    deadline,
    run: (store, batch) => {
      store.accepting.accept(arrived, batch);
      if (spool !== null) store.bodies.reached(appender, spool, batch);
    },
  };
}

function answerOf(failure: StoreFailure | undefined): Accepted {
  return failure === undefined ? ACCEPTED : { kind: "refused", why: failure.why };
}

/** Approximate size of a sighting or of a note, in bytes. */
const NOTE_BYTES = 100;

function serveMemory(port: MessagePort, { loop, clock }: RoleParts): void {
  serveChannel<MemoryMethods>(port, {
    note: (sightings) =>
      loop.submit({
        rank: "accept",
        bytes: sightings.length * NOTE_BYTES,
        run: (store, batch) => store.greylisting.note(sightings, clock.now(), batch),
      }),
    learn: (notes) =>
      loop.submit({
        rank: "accept",
        bytes: notes.length * NOTE_BYTES,
        run: (store, batch) => store.learning.learn(notes, clock.now(), batch),
      }),
  });
}

function serveWork(port: MessagePort, parts: RoleParts): void {
  const { loop, sessions, clock } = parts;
  const server = serveChannel<WorkMethods>(port, {
    work: () => loop.submitSlices((store) => store.waiting.all()),
    claim: async (request) => {
      const claims = await brief(loop, "claim", (store, batch) =>
        store.claiming.claim(request, session, batch),
      );
      return new Moved(claims, buffersOf(claims));
    },
    grant: ({ domain, credits }) => session.grant(domain, credits),
    settle: (settlement) => brief(loop, "settle", (store, batch) => store.settling.settle(settlement, batch)),
    wake: (domains) => loop.submitSlices((store, batch) => store.waiting.wake(domains, clock.now(), batch)),
    due: (request) => brief(loop, "claim", ({ proving }) => proving.due(request)),
    accepted: (addresses) => brief(loop, "claim", ({ proving }) => proving.accepted(addresses)),
    unhold: (request) => loop.submitSlices((store, batch) => store.proving.unhold(request, batch)),
    encrypted: () => brief(loop, "claim", ({ rememberedTls }) => rememberedTls.all()),
    rememberTls: (change) => brief(loop, "claim", ({ rememberedTls }) => rememberedTls.remember(change)),
    expire: (slice) => loop.submitSlices((store, batch) => store.expiring.expire(slice, batch)),
    ...serveDsns(loop),
  });
  const session = new WorkSession((event, buffers) => server.tell(event, buffers));
  sessions.add(session);
  port.once("close", () => {
    sessions.bury(session);
    abandonClaims(session, parts);
  });
  if (parts.condition() !== "ok") session.tell({ kind: "condition", condition: parts.condition() });
}

/** Submits a job that writes hardly anything. */
function brief<T>(loop: CommitLoop<Store>, rank: Rank, run: (store: Store, batch: Batch) => T): Promise<T> {
  return loop.submit({ rank, bytes: 0, run });
}

/** Serves the writer of DSNs. A DSN takes room, so a full disk refuses it like new mail. */
function serveDsns(loop: CommitLoop<Store>): Pick<WorkMethods, "owed" | "told" | "delayed"> {
  return {
    owed: async (request) => {
      const mails = await brief(loop, "claim", ({ notifying }) => notifying.owed(request));
      const bodies = mails.map(({ body }) => body).filter((body) => body instanceof ArrayBuffer);
      return new Moved(mails, bodies);
    },
    told: (request) =>
      loop.submit({
        rank: "accept",
        bytes: (request.notice?.body.byteLength ?? 0) + ROW_BYTES,
        run: (store, batch) => store.notifying.told(request, batch),
      }),
    delayed: (request) => loop.submitSlices((store) => store.notifying.delayed(request)),
  };
}

/** Makes the claims of a dead thread unconfirmed: how far it came is unknown. */
function abandonClaims(session: WorkSession, parts: RoleParts): void {
  const { loop, sessions, clock } = parts;
  const abandoned = brief(loop, "settle", ({ recovering }) =>
    recovering.abandon(clock.now(), (token) => session.holds(token)),
  );
  abandoned.then(
    () => sessions.forget(session),
    () => clock.after(TRY_AGAIN, () => abandonClaims(session, parts)),
  );
}
