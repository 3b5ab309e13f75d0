import type { MessagePort } from "node:worker_threads";
import type { Accepted, Intake, NewMail } from "../../../../ports/intake.ts";
import { openChannel, type Caller } from "../../../../runtime/channel.ts";
import type { Clock } from "../../../../runtime/clock.ts";
import { ArrivingBody, type BodyPlaces } from "../bodies/arriving-body.ts";
import { Blocks } from "../bodies/blocks.ts";
import { Consigner } from "./consigner.ts";
import { failureOf } from "../disk/failure.ts";
import { SEGMENT_SIZE, SegmentWriter } from "../bodies/segment-writer.ts";
import { spoolIn } from "../bodies/spool-place.ts";
import { readCondition, readRoom, type SharedState } from "../wire/shared-state.ts";
import type { IntakeMethods } from "../wire/wire.ts";

export interface IntakeOptions {
  readonly folder: string;
  /** From the writer. */
  readonly shared: SharedState;
  /** Bytes of bodies that this thread may hold in memory; beyond that, bodies of any size are written to disk. */
  readonly bodyMemory: number;
  readonly clock: Clock;
  /** Bodies up to this size become rows, in bytes; 16 KiB when absent. */
  readonly rowLimit?: number;
  /** Larger bodies get a file of their own, smaller ones share segments, in bytes; 64 KiB when absent. */
  readonly heldLimit?: number;
  /** Size in bytes at which a new segment is begun; 32 MiB when absent. */
  readonly segmentSize?: number;
}

type Refused = Extract<Accepted, { kind: "refused" }>;

/** The SMTP thread's side of the queue. */
export function connectIntake(port: MessagePort, options: IntakeOptions): Intake {
  const channel = openChannel<IntakeMethods>(port, queueMicrotask);
  const consigner = new Consigner(channel);
  const folder = spoolIn(options.folder);
  const begins = (name: string): Promise<void> => channel.call("beginSegment", name);
  const segments = new SegmentWriter({ folder, begins, size: options.segmentSize ?? SEGMENT_SIZE });
  port.once("close", () => segments.close());
  const places: BodyPlaces = {
    memory: new Blocks(options.bodyMemory),
    folder,
    segments,
    rowLimit: options.rowLimit,
    heldLimit: options.heldLimit,
    // The client gets 451, and the mail is never passed to the store; so the writer has to be told here.
    failed: (error) => void tellOfTrouble(channel, error),
  };
  return {
    openBody: () => new ArrivingBody(places),
    condition: () => readCondition(options.shared),
    room: () => readRoom(options.shared),
    accept: async (mail, body) => {
      if (!(body instanceof ArrivingBody)) throw new TypeError("the body was not opened by this intake");
      const early = refuseEarly(mail, options);
      if (early !== undefined) {
        body.close(false);
        return early;
      }
      let keepFile = true;
      try {
        const result = await store({ channel, consigner }, mail, body);
        keepFile = mayNeedFile(result);
        return result;
      } finally {
        body.close(keepFile);
      }
    },
  };
}

/** Returns the refusal if it is certain that the writer would refuse the mail. */
function refuseEarly(mail: NewMail, { shared, clock }: IntakeOptions): Refused | undefined {
  const condition = readCondition(shared);
  if (condition !== "ok") return { kind: "refused", why: condition };
  return clock.now() > mail.deadline ? { kind: "refused", why: "late" } : undefined;
}

interface Lines {
  readonly channel: Caller<IntakeMethods>;
  readonly consigner: Consigner;
}

function store(lines: Lines, mail: NewMail, body: ArrivingBody): Promise<Accepted> {
  const spooled = body.finish();
  if (spooled === undefined) return lines.consigner.send(mail, body);
  return spooled.then(
    (stored) => lines.consigner.send(mail, stored),
    (error: unknown) => refuseBody(lines.channel, error),
  );
}

/** Handles a body that could not be written to the spool. Rethrows an error that is not the disk's. */
function refuseBody(channel: Caller<IntakeMethods>, error: unknown): Refused {
  const why = tellOfTrouble(channel, error);
  if (why === undefined) throw error;
  return { kind: "refused", why };
}

/** Tells the writer of a full or sick disk; returns undefined if the error means neither. */
function tellOfTrouble(channel: Caller<IntakeMethods>, error: unknown): "full" | "sick" | undefined {
  const { why, message } = failureOf(error);
  if (why !== "full" && why !== "sick") return undefined;
  channel.call("trouble", { why, text: message }).catch(() => {});
  return why;
}

/** A mail whose commit failed on a sick disk may still be stored, so its file is left to the sweep. */
function mayNeedFile(result: Accepted): boolean {
  return result.kind === "accepted" || result.why === "sick";
}
