import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress, type Address } from "../../../../src/mail/address.ts";
import { reply } from "../../../../src/mail/reply.ts";
import { ACCEPT, accepted, type Verdict } from "../../../../src/mail/verdict.ts";
import { loggerTo } from "../../../../src/runtime/log.ts";
import { Looks, type Check, type RcptSubject } from "../../../../src/services/policy/policy.ts";
import type { CalloutAnswer } from "../../../../src/ports/callout.ts";
import type { CheckSettings } from "../../../../src/ports/checks.ts";
import type { CheckNote } from "../../../../src/ports/journal.ts";
import { relayCheck } from "../../../../src/services/policy/checks/relay.ts";
import { Recipients } from "../../../../src/services/recipients/recipients.ts";
import { FakeNotes, recipientsOf } from "../../../support/recipient-notes.ts";
import { FakeInspection } from "../../../support/fake-inspection.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { quietPolicy } from "../../../support/quiet-policy.ts";
import { MemoryDirectory } from "../../../support/smtp-bench.ts";

const DEFER: Verdict = { kind: "defer", reply: reply(451, "4.7.1", "later") };
const REJECT: Verdict = { kind: "reject", reply: reply(550, "5.7.1", "never") };
const NO_SPF = { result: "none", domain: "b.example", identity: "mailfrom", comment: "" } as const;
const CLIENT = { ip: "192.0.2.1", network: "192.0.2.0/24" };

function setUp(checks?: readonly Check[], settings: CheckSettings = { dnsbl: "off" }) {
  const clock = new ManualClock();
  const directory = new MemoryDirectory();
  const errors: string[] = [];
  const log = loggerTo((_level, message) => void errors.push(message));
  const recipients = recipientsOf(directory);
  const own = checks === undefined ? {} : { checks };
  const policy = quietPolicy({ recipients, clock, log, settings: () => settings, ...own });
  const subject = (text: string): RcptSubject => {
    const recipient = parseAddress(text) as Address;
    const domain = directory.domain(recipient.domain, 0);
    const helo = { ...CLIENT, helo: "h", extended: true };
    return { ...helo, sender: "", announced: 0, recipient, domain, certain: false };
  };
  return { clock, errors, policy, subject };
}

function notesOf(looks: Looks): readonly CheckNote[] {
  return JSON.parse(looks.packed() ?? "[]") as readonly CheckNote[];
}

describe("Policy", () => {
  test("answers at once where no check waits", () => {
    const { policy, subject } = setUp();
    assert.equal(policy.rcpt(subject("alice@our.test")), ACCEPT);
  });

  test("the strictest wins, of those that wait too", async () => {
    const soft: Check = { name: "soft", stage: "rcpt", run: () => DEFER };
    const fine: Check = { name: "fine", stage: "rcpt", run: () => ACCEPT };
    const slow: Check = { name: "slow", stage: "rcpt", run: () => Promise.resolve(REJECT) };
    const late = setUp([soft, slow, fine]);
    assert.deepEqual(await late.policy.rcpt(late.subject("alice@our.test")), REJECT);
    const atOnce = setUp([soft, fine]);
    assert.deepEqual(atOnce.policy.rcpt(atOnce.subject("alice@our.test")), DEFER);
  });

  test("a check may ask ahead; that it breaks costs nothing", () => {
    const told: string[] = [];
    const { policy, subject, errors } = setUp([
      {
        name: "broken",
        stage: "rcpt",
        atConnect: () => {
          throw new Error("bug");
        },
        run: () => ACCEPT,
      },
      {
        name: "ahead",
        stage: "rcpt",
        atConnect: ({ ip }) => void told.push(ip),
        atMail: ({ helo }) => void told.push(helo),
        run: () => ACCEPT,
      },
    ]);
    const mail = subject("alice@our.test");
    policy.connect(CLIENT);
    policy.mail(mail);
    assert.equal(policy.rcpt(mail), ACCEPT);
    assert.deepEqual(told, ["192.0.2.1", "h"]);
    assert.equal(errors.length, 1);
  });

  test("postmaster is exempt from reputation, not from the rest", async () => {
    const list: Check = { name: "list", stage: "rcpt", reputation: true, run: () => Promise.resolve(REJECT) };
    const { policy, subject } = setUp([list]);
    assert.equal(policy.rcpt(subject("postmaster@our.test")), ACCEPT);
    assert.deepEqual(await policy.rcpt(subject("alice@our.test")), REJECT);
    const atOnce = setUp([{ name: "helo", stage: "rcpt", reputation: true, run: () => REJECT }]);
    assert.equal(atOnce.policy.rcpt(atOnce.subject("postmaster@our.test")), ACCEPT);
    assert.deepEqual(atOnce.policy.rcpt(atOnce.subject("alice@our.test")), REJECT);
    const hard = setUp([{ name: "rate", stage: "rcpt", run: () => DEFER }]);
    assert.deepEqual(hard.policy.rcpt(hard.subject("postmaster@our.test")), DEFER);
  });

  test("every check that looked is noted, with what it said for that domain and how long it took", async () => {
    const { policy, subject, clock } = setUp([
      { name: "quick", stage: "rcpt", run: () => DEFER },
      { name: "slow", stage: "rcpt", run: () => new Promise((done) => clock.after(30, () => done(ACCEPT))) },
      { name: "off", stage: "rcpt", run: () => undefined },
      { name: "lazy", stage: "rcpt", run: () => Promise.resolve(undefined) },
      { name: "list", stage: "rcpt", reputation: true, run: () => accepted("not on it") },
    ]);
    const looks = new Looks();
    const verdict = policy.rcpt(subject("alice@our.test"), looks);
    clock.set(3_600_000);
    clock.advance(30);
    assert.deepEqual(await verdict, DEFER);
    const noted = notesOf(looks).map((note) => note.slice(0, 4));
    assert.deepEqual(noted.toSorted(), [
      ["list", "rcpt", "not on it", 0],
      ["quick", "rcpt", "451 4.7.1 later", 0],
      ["slow", "rcpt", "nothing against it", 30],
    ]);
    const exempt = new Looks();
    const spared = policy.rcpt(subject("postmaster@our.test"), exempt);
    clock.advance(30);
    await spared;
    assert.deepEqual(
      notesOf(exempt)
        .map(([check]) => check)
        .toSorted(),
      ["access", "quick", "slow"],
    );
  });

  test("a check that fails defers, and is logged", async () => {
    const { policy, subject, errors } = setUp([
      {
        name: "throws",
        stage: "rcpt",
        run: () => {
          throw new Error("bug");
        },
      },
      { name: "rejects", stage: "rcpt", run: () => Promise.reject(new Error("bug")) },
    ]);
    const verdict = await policy.rcpt(subject("alice@our.test"));
    assert.ok(verdict.kind === "defer");
    assert.equal(verdict.reply.code, 451);
    assert.equal(errors.length, 2);
  });

  test("a check that never answers defers after its time", async () => {
    const { policy, subject, clock } = setUp([
      { name: "hangs", stage: "rcpt", run: () => new Promise(() => {}) },
    ]);
    const verdict = policy.rcpt(subject("alice@our.test"));
    clock.advance(20_000);
    assert.equal((await verdict).kind, "defer");
  });

  test("other domains, and mailboxes that are not there, are refused", () => {
    const { policy, subject } = setUp();
    const code = (text: string): string => {
      const verdict = policy.rcpt(subject(text)) as Verdict;
      return "reply" in verdict ? `${verdict.reply.code} ${verdict.reply.enhanced}` : verdict.kind;
    };
    assert.equal(code("alice@else.example"), "550 5.7.1");
    assert.equal(code("a%b@all.test"), "550 5.7.1");
    assert.equal(code("a%b@our.test"), "550 5.7.1");
    assert.equal(code("nobody@our.test"), "550 5.1.1");
    assert.equal(code("alice@leaving.test"), "451 4.3.2");
    assert.equal(code("x@all.test"), "accept");
    assert.equal((policy.rcpt({ ...subject("nobody@our.test"), certain: true }) as Verdict).kind, "accept");
  });

  test("what is refused for good at once waits for nobody, and is no matter of the operator's rules", () => {
    const never: Check = { name: "never", stage: "rcpt", run: () => new Promise(() => {}) };
    const { policy, subject } = setUp([relayCheck, never]);
    const verdict = policy.rcpt(subject("alice@else.example")) as Verdict;
    assert.equal(verdict.kind, "reject");
    const blocked = (to: string, until?: number): string => {
      const rule = {
        action: "block" as const,
        network: "192.0.2.0/24",
        ...(until !== undefined && { until }),
      };
      const by = setUp(undefined, { dnsbl: "off", access: [rule] });
      const said = by.policy.rcpt(by.subject(to)) as Verdict;
      return "reply" in said ? `${said.reply.code} ${said.reply.enhanced}` : said.kind;
    };
    assert.equal(blocked("alice@our.test"), "554 5.7.1");
    assert.equal(blocked("alice@our.test", 9e15), "451 4.7.1", "until then it is a matter of time");
    assert.equal(blocked("nobody@our.test", 9e15), "550 5.1.1");
    assert.equal(blocked("alice@our.test", 1), "accept", "the rule is over");
  });

  test("no primary is asked about a recipient for a client that is refused anyway, but it is for one that is tagged", async () => {
    const asked: string[] = [];
    const directory = new MemoryDirectory([{ name: "our.test", settings: { callout: true } }]);
    const ask = async ({ address }: { readonly address: string }): Promise<CalloutAnswer> => {
      asked.push(address);
      return { kind: "accepted" };
    };
    const clock = new ManualClock();
    const parts = { memory: new FakeNotes(), clock, ask, takeStranger: () => true };
    const recipients = new Recipients(directory, parts);
    const log = loggerTo((_level, message) => assert.fail(message));
    const kindFor = async (helo: string, to: string, action: "defer" | "tag" = "defer"): Promise<string> => {
      const settings = (): CheckSettings => ({ dnsbl: "off", helo: action });
      const policy = quietPolicy({ recipients, clock, log, settings });
      const domain = directory.domain("our.test", 0);
      return (await policy.rcpt({ ...setUp().subject(to), domain, helo })).kind;
    };
    assert.equal(await kindFor("nonsense", "alice@our.test"), "defer");
    assert.deepEqual(asked, []);
    assert.equal(await kindFor("c.example", "alice@our.test"), "accept");
    assert.equal(await kindFor("nonsense", "bob@our.test", "tag"), "tag");
    assert.deepEqual(asked, ["alice@our.test", "bob@our.test"]);
  });

  test("the DNS is asked ahead only for what is wanted for all", async () => {
    const asked = async (settings: Partial<CheckSettings>): Promise<readonly string[]> => {
      const questions: string[] = [];
      const note = <T>(question: string, answer: T): Promise<T> => {
        questions.push(question);
        return Promise.resolve(answer);
      };
      const found = { kind: "found", records: ["c.example"] } as const;
      const none = { kind: "none" } as const;
      const resolver = {
        mx: () => note("mx", none),
        addresses: () => Promise.resolve(none),
        records: () => Promise.resolve(none),
        confirmedName: () => note("name", found),
      };
      const policy = quietPolicy({
        clock: new ManualClock(),
        recipients: recipientsOf(new MemoryDirectory()),
        log: loggerTo(() => assert.fail()),
        settings: () => ({ dnsbl: "off", ...settings }),
        resolver,
        authenticator: {
          spf: () => note("spf", NO_SPF),
          verifyBody: () => assert.fail(),
        },
      });
      const name = await policy.clientName("192.0.2.1");
      assert.equal(name, questions.includes("name") ? "c.example" : undefined);
      const mail = { ...CLIENT, helo: "h", extended: true, sender: "a@b.example", announced: 0 };
      policy.mail({ ...mail, spf: policy.spf(mail) });
      return questions;
    };
    assert.deepEqual(await asked({}), []);
    assert.deepEqual(await asked({ spf: "off", dmarc: "off", clientName: "off" }), []);
    assert.deepEqual(await asked({ clientName: "lookup" }), ["name"]);
    assert.deepEqual(await asked({ spf: "tag" }), ["spf"]);
    assert.deepEqual(await asked({ dmarc: "tag" }), ["spf"]);
    assert.deepEqual(await asked({ senderDomain: "tag" }), ["mx"]);
  });

  test("who stands behind a mail is told by its signatures alone where SPF was not asked, and by nobody where nobody looked", () => {
    const { policy, subject } = setUp();
    const mail = subject("alice@our.test");
    assert.equal(policy.authenticate(mail), undefined);
    const signatures = [{ result: "pass", domain: "b.example", selector: "s" }] as const;
    const results = policy.authenticate(mail, { signatures });
    assert.ok(results !== undefined && !(results instanceof Promise));
    assert.deepEqual(results.signatures, signatures);
    assert.deepEqual(results.authentication.dkim, [{ domain: "b.example", selector: "s" }]);
  });

  test("content is not judged for reputation for postmaster, clients that are allowed and senders that a domain allows", () => {
    const fake = new FakeInspection();
    fake.key = ({ exempt }) => (exempt ? "exempt" : "judged");
    const { clock, subject } = setUp();
    const recipients = recipientsOf(new MemoryDirectory());
    const access = [{ action: "allow" as const, network: "198.51.100.0/24" }];
    const allowedSenders = {
      has: (sender: string, domain: string) => sender === "anna@b.example" && domain === "our.test",
    };
    const log = loggerTo(() => assert.fail());
    const settings = (): CheckSettings => ({ dnsbl: "off", access });
    const inspections = [fake];
    const policy = quietPolicy({ recipients, clock, log, settings, inspections, allowedSenders });
    const keyFor = (to: string, more: Partial<RcptSubject> = {}): string => {
      const { key, exempt } = policy.content({ ...subject(to), ...more });
      assert.equal(exempt, key === "exempt", "the body is looked at as the key says");
      return key;
    };
    assert.equal(keyFor("alice@our.test"), "judged");
    assert.equal(keyFor("postmaster@our.test"), "exempt");
    assert.equal(keyFor("alice@our.test", { certain: true }), "exempt");
    assert.equal(keyFor("alice@our.test", { ip: "198.51.100.7" }), "exempt");
    assert.equal(keyFor("alice@our.test", { sender: "Anna@B.example" }), "exempt");
    assert.equal(keyFor("x@all.test", { sender: "Anna@B.example" }), "judged");
  });

  test("a mail that goes round is refused by its Received fields", () => {
    const { policy, subject } = setUp();
    const kind = (received: number, ownReceived: number): string => {
      const facts = { received, ownReceived, tooLong: false };
      return (policy.data({ ...subject("alice@our.test"), facts, received: 100, ownReceived: 5 }) as Verdict)
        .kind;
    };
    assert.deepEqual([kind(100, 4), kind(101, 0), kind(5, 5)], ["accept", "reject", "reject"]);
  });
});
