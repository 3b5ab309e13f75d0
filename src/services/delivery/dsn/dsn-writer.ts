import { needsSmtpUtf8 } from "../../../mail/address.ts";
import {
  DSN_DOMAIN,
  type DelayPlace,
  type DsnKind,
  type OwedMail,
  type OwedRecipient,
  type Told,
} from "../../../ports/dsn.ts";
import type { NewMail } from "../../../ports/intake.ts";
import { errorText } from "../../../runtime/log.ts";
import { groupByDsn, draftDsn, judge, type BounceRules, type Silence } from "../../bounce/bounce.ts";
import type { DeliveryParts, DsnParts } from "../ground/parts.ts";
import { readBack, type ReturnedMail } from "./returned-mail.ts";

/** Times in ms, sizes in octets. */
interface DsnWriterSettings {
  readonly hostname: string;
  readonly rules: BounceRules;
  /** Age of waiting mail at which its sender gets a DSN of delay; absent: never. */
  readonly delay?: number;
  /** Mails up to this size are returned whole when RET=FULL asks for it. */
  readonly fullSize: number;
  /** How long mail waits before it expires. */
  readonly retention: number;
}

interface DsnWriterParts extends DsnParts, Pick<DeliveryParts, "journal" | "log" | "clock"> {
  readonly settings: () => DsnWriterSettings;
}

/** Recipients of one mail about which no DSN is sent, all of one kind and for one reason. */
interface SilentGroup {
  readonly kind: DsnKind;
  readonly silence: Silence;
  readonly recipients: readonly OwedRecipient[];
}

/** Mails for which DSNs are written in one slice. */
const SLICE = 20;
/** Waiting recipients whose age is checked in one slice, for DSNs of delay. */
const DELAY_SLICE = 1000;
/** How often that check starts again at the oldest recipient, in ms. */
const LOOK_ANEW = 3_600_000;
/** How long the store may take to begin with storing a DSN, in ms. */
const DEADLINE = 60_000;

/** Closes each debt to a sender with a DSN, or with the reason for sending none. */
export class DsnWriter {
  readonly #parts: DsnWriterParts;
  #place: DelayPlace | undefined;
  /** When the check for delays starts at the oldest recipient again; in elapsed time. */
  #lookAnew: number;

  constructor(parts: DsnWriterParts) {
    this.#parts = parts;
    this.#lookAnew = parts.clock.elapsed() + LOOK_ANEW;
  }

  /** Writes one slice. Returns `again` if there may be more. */
  async write(): Promise<"again" | "done"> {
    const { store, clock } = this.#parts;
    const mails = await store.owed({ limit: SLICE, now: clock.now() });
    const written = new Map<string, number>();
    for (const mail of mails) {
      const sender = mail.sender.toLowerCase();
      const before = written.get(sender) ?? 0;
      const notices = await this.#pay({ ...mail, noticesToSender: mail.noticesToSender + before });
      written.set(sender, before + notices);
    }
    return mails.length > 0 ? "again" : "done";
  }

  /** Records a debt for each recipient that has waited so long that the sender must be notified. */
  async noteDelays(): Promise<"again" | "done"> {
    const { delay } = this.#parts.settings();
    if (delay === undefined) return "done";
    const { store, clock } = this.#parts;
    const after = this.#place;
    const answer = await store.delayed({
      before: clock.now() - delay,
      limit: DELAY_SLICE,
      ...(after !== undefined && { after }),
    });
    this.#place = answer.place;
    if (answer.more) return "again";
    if (clock.elapsed() >= this.#lookAnew) this.#beginAnew();
    return "done";
  }

  /**
   * Recipients that were in conversation or held when the check passed them are behind its place, so it starts again at
   * the oldest. No sender is notified twice: the store records the debt of a delay only once.
   */
  #beginAnew(): void {
    this.#place = undefined;
    this.#lookAnew = this.#parts.clock.elapsed() + LOOK_ANEW;
  }

  /** Closes the debts of one mail. Returns the number of DSNs written. */
  async #pay(mail: OwedMail): Promise<number> {
    const { rules } = this.#parts.settings();
    const judged = mail.recipients.map((recipient) => ({
      recipient,
      silence: judge(mail, recipient, rules),
    }));
    const told = judged.flatMap(({ silence, recipient }) => (silence === undefined ? [recipient] : []));
    for (const group of groupBySilence(judged)) await this.#keepSilent(mail, group);
    let notices = 0;
    for (const group of groupByDsn(told)) {
      await this.#tell(mail, group);
      notices += 1;
    }
    return notices;
  }

  /** One commit for the group, one event for each of its domains. */
  async #keepSilent({ id, sender }: OwedMail, { kind, silence, recipients }: SilentGroup): Promise<void> {
    const { store, clock, journal } = this.#parts;
    const told: Told = { kind, at: clock.now(), why: silence.why };
    if (!(await store.told({ id, recipients: recipients.map(({ n }) => n), told }))) return;
    for (const [domain, members] of Map.groupBy(recipients, (recipient) => recipient.domain)) {
      const facts = { id, sender, recipients: members.map(({ address }) => address), domain, about: kind };
      journal.record({ kind: "notice.withheld", ...facts, ...silence });
    }
  }

  async #tell(mail: OwedMail, group: readonly OwedRecipient[]): Promise<void> {
    const { store, clock, journal, nextId, log } = this.#parts;
    const [first] = group;
    if (first === undefined) return;
    const id = nextId();
    const notice = await this.#compose(mail, group, id).catch((error: unknown) => {
      log.error("a notice could not be written", { id: mail.id, error: errorText(error) });
    });
    if (!notice) {
      const silence = { why: "it could not be written, see the log", operators: true };
      const silenced = group.map((recipient) => ({ recipient, silence }));
      for (const each of groupBySilence(silenced)) await this.#keepSilent(mail, each);
      return;
    }
    const { kind } = first;
    const told: Told = { kind, at: clock.now(), notice: id };
    const { lacks, ...written } = notice;
    const owed = group.map(({ n }) => n);
    // Nothing is logged if nothing is owed any more: the mail was delivered or deleted while the DSN was composed.
    if (!(await store.told({ id: mail.id, recipients: owed, told, notice: written }))) return;
    if (lacks !== undefined)
      log.error("a notice is sent without the original mail", { id: mail.id, error: lacks });
    const recipients = group.map(({ address }) => address);
    const { sender } = mail;
    journal.record({ kind: "notice.written", id: mail.id, notice: id, sender, recipients, about: kind });
  }

  async #compose(
    mail: OwedMail,
    group: readonly OwedRecipient[],
    id: string,
  ): Promise<{ mail: NewMail; body: Buffer; lacks?: string }> {
    const { composer, clock, settings } = this.#parts;
    const { hostname, retention, fullSize } = settings();
    const now = clock.now();
    // RFC 3461 §4.3: RET applies to failures only.
    const failed = group.some(({ kind }) => kind === "failed" || kind === "expired");
    const { lacks, ...original } = await originalOf(mail, failed && mail.dsn?.ret === "FULL" ? fullSize : 0);
    const context = { hostname, id, now, retention, ...original };
    const draft = draftDsn(mail, group, context);
    const body = await composer.compose(draft);
    const notice: NewMail = {
      id,
      acceptedAt: now,
      sender: "",
      recipients: [{ address: mail.sender, domain: DSN_DOMAIN }],
      client: { ip: "127.0.0.1", helo: hostname },
      topFields: "",
      smtpUtf8: needsSmtpUtf8(mail.sender),
      eightBit: body.some((octet) => octet > 0x7f),
      messageId: draft.messageId,
      subject: draft.subject,
      deadline: now + DEADLINE,
    };
    return { mail: notice, body, ...(lacks !== undefined && { lacks }) };
  }
}

/** Groups the recipients about which no DSN is sent by kind and reason. */
function groupBySilence(
  judged: readonly { readonly recipient: OwedRecipient; readonly silence: Silence | undefined }[],
): readonly SilentGroup[] {
  const groups = new Map<string, SilentGroup & { readonly recipients: OwedRecipient[] }>();
  for (const { recipient, silence } of judged) {
    if (silence === undefined) continue;
    const { kind } = recipient;
    const key = `${kind} ${silence.why}`;
    const group = groups.get(key) ?? { kind, silence, recipients: [] };
    group.recipients.push(recipient);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** The part of the mail to return. `lacks` says why it cannot be read; the DSN is then sent without it. */
async function originalOf(
  mail: OwedMail,
  whole: number,
): Promise<{ readonly returned?: ReturnedMail; readonly lacks?: string }> {
  try {
    const returned = await readBack(mail, whole);
    return returned === undefined ? {} : { returned };
  } catch (error) {
    return { lacks: errorText(error) };
  }
}
