import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { reroutedKey } from "../../../../../src/mail/delivery-key.ts";
import type { Outcome } from "../../../../../src/mail/outcome.ts";
import type { SendResult } from "../../../../../src/ports/smtp-client.ts";
import type { ClaimedMail } from "../../../../../src/ports/work-store.ts";
import { holdClaims } from "../../../../support/hold-claims.ts";
import { deliveryBench } from "../../../../support/delivery-bench.ts";
import { domainSettings } from "../../../../support/domain-settings.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import { allOf, DELIVERED } from "../../../../support/fake-smtp-client.ts";

const MINUTE = 60_000;
const NO_USER: Outcome = { kind: "refused", reply: { code: 550, enhanced: "5.1.1", text: "no such user" } };
const SPAM: Outcome = { kind: "refused", reply: { code: 554, enhanced: "5.7.1", text: "spam" } };
const LATER: Outcome = { kind: "deferred", reply: { code: 451, text: "later" } };

/** One domain whose primary has been away for `away` ms, with alice and bob in its list. */
async function outage(away = 10 * MINUTE) {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.5", 25)], {});
  for (const local of ["alice", "bob"]) bench.directory.listed.set(local, local);
  bench.directory.listed.set("list-x", "list-*");
  const server = bench.client.server("192.0.2.5:25");
  server.down = true;
  const delivery = await bench.start({}, "all domains");
  await bench.pass(away, 1000);
  const put = (...locals: string[]) =>
    locals.map((local) => bench.store.accept({ domain: "a.test", recipients: [`${local}@a.test`] }));
  const back = async (passing = 3000) => {
    server.down = false;
    await bench.pass(passing);
  };
  const sent = () => server.mails.map(({ recipients }) => recipients[0]?.address.split("@")[0]);
  return { ...bench, server, delivery, put, back, sent };
}

/**
 * Two primaries of one domain return after an outage of 20 min: the first refuses alice, who has five mails, before the
 * other is back, which has been away for `away` min. `preference` is that of the first; that of the other is 0.
 */
async function twoReturn(preference: number, away: number, random = () => 0.5) {
  const bench = Object.assign(deliveryBench(), { random });
  const primaries = [primaryAt("192.0.2.6", 25, { preference }), primaryAt("192.0.2.5", 25)];
  bench.directory.set("a.test", primaries, {});
  bench.directory.listed.set("alice", "alice");
  const [refuser, other] = [bench.client.server("192.0.2.6:25"), bench.client.server("192.0.2.5:25")];
  refuser.down = true;
  other.down = away === 20;
  const delivery = await bench.start({}, "all domains");
  await bench.pass((20 - away) * MINUTE, 1000);
  other.down = true;
  await bench.pass(away * MINUTE, 1000);
  for (let i = 0; i < 5; i++) bench.store.accept({ domain: "a.test", recipients: ["alice@a.test"] });
  refuser.onMail = refusing(() => NO_USER);
  refuser.down = false;
  await bench.pass(3000);
  const refuserProbation = () =>
    delivery.status().find(({ destination }) => destination === "192.0.2.6:25")?.probation?.[0];
  /** One mail for alice after the other. */
  const arrive = async (mails: number) => {
    for (let i = 0; i < mails; i++) {
      bench.store.accept({ domain: "a.test", recipients: ["alice@a.test"] });
      await bench.pass(100);
    }
  };
  return { ...bench, refuser, other, refuserProbation, arrive };
}

/** Two old mails for alice, which an operator sent to a host that refuses her. */
async function sentElsewhere() {
  const bench = deliveryBench();
  const place = "192.0.2.7:2525";
  bench.directory.set("a.test", [primaryAt("192.0.2.5", 25)]);
  bench.directory.listed.set("alice", "alice");
  const server = bench.client.server(place);
  server.onMail = refusing(() => NO_USER);
  const domain = reroutedKey("a.test", place);
  for (let i = 0; i < 2; i++) bench.store.put({ domain, recipients: ["alice@a.test"] });
  bench.clock.advance(10 * MINUTE);
  const delivery = await bench.start({}, "all domains");
  await bench.pass(3000);
  return { ...bench, delivery, server, place };
}

function refusing(wanted: (local: string) => Outcome | undefined) {
  return (mail: ClaimedMail): SendResult => {
    const outcomes = mail.recipients.map(
      ({ n, address }) => [n, wanted(address.split("@")[0] ?? "") ?? DELIVERED] as const,
    );
    return { outcomes: new Map(outcomes), took: 1 };
  };
}

const stateOf = (mail: { recipients: readonly { state: string; reason?: string }[] } | undefined) =>
  `${mail?.recipients[0]?.state} ${mail?.recipients[0]?.reason ?? ""}`.trim();

describe("probation", () => {
  test("a server that is empty after its return costs no mail: one recipient is held, the rest waits", async () => {
    const bench = await outage();
    const mails = bench.put("stranger", "alice", "bob", ...Array.from({ length: 50 }, (_, i) => `x${i}`));
    bench.server.onMail = refusing(() => NO_USER);
    await bench.back();
    assert.deepEqual(bench.sent(), ["alice"], "the canary is mail for a known recipient");
    assert.equal(stateOf(mails[1]), "held probation");
    assert.deepEqual(bench.store.count(), { held: 1, waiting: 52 });
    const [stopped, ...more] = bench.journal.of("probation.stopped");
    assert.match(
      stopped?.why ?? "",
      /refused alice@a\.test, although the address exists: 550 5\.1\.1 no such user/,
    );
    assert.equal(more.length, 0);
    const [status] = bench.delivery.status()[0]?.probation ?? [];
    assert.equal(status?.state, "stopped");
    // Restored at last: the next canary passes and everything follows.
    bench.server.onMail = (mail) => allOf(mail, DELIVERED);
    await bench.pass(4 * MINUTE, 1000);
    assert.equal(bench.sent().length, 1);
    await bench.pass(2 * MINUTE, 1000);
    assert.deepEqual(bench.store.count(), { gone: 53 });
    assert.equal(bench.journal.of("probation.passed")[0]?.why, "a canary was accepted");
    assert.equal(bench.delivery.status()[0]?.probation, undefined);
  });

  for (const [preference, away, title] of [
    [10, 1, "a better one that was away for a minute"],
    [10, 20, "a better one that was away for long"],
    [0, 20, "another as good"],
  ] as const)
    test(`what a primary made us set aside goes to ${title}`, async () => {
      const { refuser, other, ...bench } = await twoReturn(preference, away);
      assert.deepEqual(bench.store.count(), { held: 1, waiting: 4 });
      assert.equal(bench.refuserProbation()?.state, "stopped");
      other.down = false;
      await bench.pass(3000);
      assert.deepEqual(bench.store.count(), { gone: 5 });
      assert.equal(other.mails.length, 5);
      assert.equal(refuser.mails.length, 1);
    });

  test("of two that are as good, one that stopped gets nothing but a canary, which the other takes if need be", async () => {
    const { refuser, other, ...bench } = await twoReturn(0, 20, () => 0);
    other.down = false;
    await bench.pass(3000);
    await bench.arrive(100);
    assert.deepEqual([refuser.mails.length, other.mails.length], [1, 105]);
    await bench.pass(5 * MINUTE, 1000);
    await bench.arrive(50);
    assert.deepEqual([refuser.mails.length, other.mails.length], [2, 155], "it refused the canary");
    refuser.onMail = (mail) => allOf(mail, DELIVERED);
    await bench.pass(10 * MINUTE, 1000);
    await bench.arrive(100);
    assert.equal(bench.refuserProbation(), undefined, "it took the next, and those after it");
    assert.deepEqual(bench.store.count(), { gone: 255 });
  });

  test("a lesser primary takes what a better one that stopped would keep waiting, until that has proven itself", async () => {
    const { refuser, other, ...bench } = await twoReturn(-10, 20);
    assert.deepEqual(bench.store.count(), { held: 1, waiting: 4 });
    other.down = false;
    await bench.pass(3000);
    await bench.arrive(50);
    assert.deepEqual([refuser.mails.length, other.mails.length], [1, 55]);
    await bench.pass(5 * MINUTE, 1000);
    await bench.arrive(20);
    assert.deepEqual([refuser.mails.length, other.mails.length], [2, 75], "it refused the canary");
    refuser.onMail = (mail) => allOf(mail, DELIVERED);
    await bench.pass(10 * MINUTE, 1000);
    await bench.arrive(50);
    assert.equal(bench.refuserProbation(), undefined, "it took the next, and those behind it");
    assert.deepEqual([refuser.mails.length, other.mails.length], [52, 75]);
    assert.deepEqual(bench.store.count(), { gone: 125 });
  });

  test("a directory that is read anew leaves a stop as it is", async () => {
    const { server, ...bench } = await outage();
    server.onMail = refusing(() => NO_USER);
    bench.put("alice");
    await bench.back();
    assert.deepEqual(bench.store.count(), { held: 1 });
    bench.delivery.directoryChanged(["a.test"]);
    await bench.pass(1000);
    bench.put("bob");
    await bench.pass(1000);
    assert.deepEqual([server.mails.length, bench.store.count()], [1, { held: 1, waiting: 1 }]);
    assert.equal(bench.delivery.status()[0]?.probation?.length, 1);
  });

  test("what a better primary leaves when it stops goes on to a lesser one at once, and so do callouts", async () => {
    const bench = deliveryBench();
    const primaries = [primaryAt("192.0.2.5", 25), primaryAt("192.0.2.6", 25, { preference: 10 })];
    bench.directory.set("a.test", primaries, { settings: domainSettings(...primaries) });
    const [better, lesser] = [bench.client.server("192.0.2.5:25"), bench.client.server("192.0.2.6:25")];
    better.onMail = refusing(() => NO_USER);
    better.down = true;
    const delivery = await bench.start({}, "all domains");
    bench.store.accept({ domain: "a.test", recipients: ["x@a.test"] });
    await bench.pass(10 * MINUTE, 1000);
    better.down = false;
    await bench.pass(20_000, 1000);
    for (let i = 0; i < 60; i++) bench.store.accept({ domain: "a.test", recipients: [`x${i}@a.test`] });
    await bench.pass(3000);
    assert.deepEqual([bench.store.count(), lesser.mails.length], [{ parked: 20, gone: 41 }, 41]);
    assert.match(bench.journal.of("probation.stopped")[0]?.why ?? "", /none of the first 20/);
    assert.equal(bench.journal.of("probation.stopped")[0]?.elsewhere, true);
    better.onVerify = () => ({ code: 550, text: "no such user" });
    lesser.onVerify = (asked) => ({ code: asked === "new@a.test" ? 250 : 550, text: "as told" });
    const answer = await delivery.ask({ domain: "a.test", address: "new@a.test" });
    assert.deepEqual(answer, { kind: "accepted" }, "the lesser one is asked");
    await delivery.stop();
  });

  test("of two that are as good, one that stopped gets nothing even while the other is busy", async () => {
    const { refuser, other, ...bench } = await twoReturn(0, 20, () => 0);
    other.down = false;
    await bench.pass(3000);
    for (let i = 0; i < 100; i++) {
      bench.store.accept({ domain: "a.test" });
      await bench.pass(100);
    }
    other.onMail = () => new Promise(() => {});
    for (let i = 0; i < 100; i++) bench.store.accept({ domain: "a.test" });
    await bench.pass(60_000, 1000);
    assert.equal(bench.store.count().gone, 105);
    assert.ok((bench.store.count().claimed ?? 0) > 16, "more than there is room for");
    assert.equal(refuser.mails.length, 1);
  });

  test("one that stopped and that better ones outrank is not shown unless mail waits for it", async () => {
    const { other, ...bench } = await twoReturn(10, 1);
    other.down = false;
    await bench.pass(3000);
    assert.deepEqual(bench.store.count(), { gone: 5 });
    assert.equal(bench.refuserProbation(), undefined);
    other.down = true;
    await bench.pass(MINUTE, 1000);
    assert.equal(bench.refuserProbation()?.state, "stopped", "it is the best now");
  });

  test("canaries of a stopped probation go after 5 min, 10, 20 and so on up to an hour", async () => {
    const bench = await outage();
    bench.put("alice", "bob");
    bench.server.onMail = refusing(() => NO_USER);
    await bench.back();
    const times: number[] = [];
    const begin = bench.clock.now();
    const inner = bench.server.onMail;
    bench.server.onMail = (mail) => {
      times.push(Math.round((bench.clock.now() - begin) / MINUTE));
      return inner(mail);
    };
    await bench.pass(3 * 60 * MINUTE, 10_000);
    assert.deepEqual(times, [5, 15, 35, 75, 135]);
    assert.equal(bench.journal.of("probation.stopped").length, 1, "told once");
    assert.equal(bench.store.count().parked, undefined);
  });

  test("a canary of which the primary takes one known recipient and not the other lets nothing go", async () => {
    const bench = await outage();
    bench.put("alice");
    const recipients = ["alice@a.test", "bob@a.test"];
    bench.store.accept({ domain: "a.test", recipients });
    bench.put("x", "y", "z");
    bench.server.onMail = refusing(() => NO_USER);
    await bench.back();
    bench.server.onMail = refusing((local) => (local === "alice" ? undefined : NO_USER));
    await bench.pass(6 * MINUTE, 1000);
    assert.deepEqual(bench.store.count(), { gone: 1, held: 2, waiting: 3 });
    assert.equal(bench.delivery.status()[0]?.probation?.[0]?.state, "stopped");
  });

  test("a clock that is set does not move the next canary, which is shown as the clock says now", async () => {
    for (const set of [-86_400_000, 86_400_000]) {
      const bench = await outage();
      bench.put("alice", "bob");
      bench.server.onMail = refusing(() => NO_USER);
      await bench.back();
      const [before] = bench.delivery.status()[0]?.probation ?? [];
      bench.clock.set(set);
      const [after] = bench.delivery.status()[0]?.probation ?? [];
      assert.equal(after?.since, (before?.since ?? 0) + set);
      assert.equal(after?.canaryAt, (before?.canaryAt ?? 0) + set);
      // Else the mail itself, which is due by the clock, would wait for that.
      await bench.delivery.flush();
      await bench.pass(4 * MINUTE, 1000);
      assert.equal(bench.sent().length, 1);
      await bench.pass(2 * MINUTE, 1000);
      assert.equal(bench.sent().length, 2);
    }
  });

  test("an unknown recipient or one body that is refused is parked and stops nothing", async () => {
    const bench = await outage();
    const mails = bench.put(
      "alice",
      "stranger",
      "list-x",
      "bob",
      ...Array.from({ length: 30 }, () => "alice"),
    );
    bench.server.onMail = (mail) => {
      if (mail.id === mails[3]?.id) return { ...allOf(mail, SPAM), refusedAt: "body" };
      return refusing((local) => (local === "stranger" || local === "list-x" ? NO_USER : undefined))(mail);
    };
    await bench.back();
    assert.deepEqual(
      [1, 2, 3].map((i) => stateOf(mails[i])),
      ["parked refused", "parked refused", "parked content"],
    );
    assert.deepEqual(bench.store.count(), { gone: 31, parked: 3 });
    assert.equal(bench.journal.of("probation.stopped").length, 0);
    assert.equal(bench.journal.of("probation.passed").length, 1);
  });

  for (const body of [SPAM, LATER])
    test(`a known recipient that is refused stops it, though the body is ${body.kind} for the others`, async () => {
      const bench = await outage();
      const mails = [["bob"], ["stranger", "alice", "carol"]].map((locals) =>
        bench.store.accept({ domain: "a.test", recipients: locals.map((local) => `${local}@a.test`) }),
      );
      bench.server.onMail = (mail) => {
        if (mail.recipients.length === 1) return allOf(mail, DELIVERED);
        const { outcomes, took } = refusing((local) => (local === "carol" ? body : NO_USER))(mail);
        const singly = new Set(
          mail.recipients.filter(({ n }) => outcomes.get(n) === NO_USER).map(({ n }) => n),
        );
        return { outcomes, took, refusedAt: "body", singly };
      };
      await bench.back();
      const [stranger, alice, carol] = mails[1]?.recipients ?? [];
      assert.deepEqual([stranger?.state, stranger?.reason], ["parked", "refused"]);
      assert.deepEqual([alice?.state, alice?.reason], ["held", "probation"]);
      // While it is stopped no refusal is believed.
      assert.deepEqual(
        [carol?.state, carol?.reason],
        body === SPAM ? ["held", "probation"] : ["waiting", undefined],
      );
      assert.match(bench.journal.of("probation.stopped")[0]?.why ?? "", /refused alice@a\.test/);
    });

  test("recipients that are refused singly are not parked as those whose mail was refused by its body", async () => {
    const bench = await outage();
    const [mail] = bench.put("alice");
    const more = bench.store.accept({ domain: "a.test", recipients: ["stranger@a.test", "alice@a.test"] });
    bench.server.onMail = (sent) => {
      if (sent.id === mail?.id) return allOf(sent, DELIVERED);
      const { outcomes, took } = refusing((local) => (local === "alice" ? SPAM : NO_USER))(sent);
      return { outcomes, took, refusedAt: "body", singly: new Set([sent.recipients[0]?.n ?? -1]) };
    };
    await bench.back();
    assert.deepEqual(
      more.recipients.map(({ state, reason }) => `${state} ${reason}`),
      ["parked refused", "parked content"],
    );
  });

  test("mail whose sender is refused is parked as refused, not as junk", async () => {
    const bench = await outage(MINUTE);
    const [mail] = bench.put("alice");
    bench.server.onMail = (sent) => ({ ...allOf(sent, SPAM), refusedAt: "mail" });
    await bench.back();
    assert.equal(stateOf(mail), "parked refused");
  });

  test("what the primary may not take for a listed name stops nothing: a tag, capitals beyond ASCII", async () => {
    const bench = await outage();
    bench.directory.listed.set("élodie", "élodie");
    const mails = bench.put("alice+x", '"bob+ "', "Élodie", "élodie");
    bench.server.onMail = refusing((local) => (/[+É]/.test(local) ? NO_USER : undefined));
    await bench.back();
    assert.equal(bench.sent()[0], "élodie", "the canary is mail for a name that is listed");
    const parked = Array.from({ length: 3 }, () => "parked refused");
    assert.deepEqual(mails.map(stateOf), [...parked, "gone delivered"]);
    assert.equal(bench.journal.of("probation.stopped").length, 0);
  });

  test("an address that the primary took mail for within 31 days is known", async () => {
    for (const [days, state] of [
      [30, "held probation"],
      [32, "parked refused"],
    ] as const) {
      const bench = await outage();
      const [, carol] = bench.put("alice", "carol");
      bench.store.acceptedAt.set("carol@a.test", bench.clock.now() - days * 86_400_000);
      bench.server.onMail = refusing((local) => (local === "carol" ? NO_USER : undefined));
      await bench.back();
      assert.equal(stateOf(carol), state);
    }
  });

  test("a 5xx at MAIL stops it, so do refusals of half of the last 20 bodies", async () => {
    const senders = await outage();
    const [first] = senders.put("alice", "bob");
    senders.server.onMail = (mail) => ({ ...allOf(mail, SPAM), refusedAt: "mail" });
    await senders.back();
    assert.equal(stateOf(first), "held probation");
    assert.equal(senders.server.mails.length, 1);
    const bodies = await outage();
    bodies.put(...Array.from({ length: 40 }, () => "alice"));
    let count = 0;
    bodies.server.onMail = (mail) =>
      count++ % 2 === 0 ? allOf(mail, DELIVERED) : { ...allOf(mail, SPAM), refusedAt: "body" };
    await bodies.back();
    // A first one that is taken, then every other refused: the tenth refusal comes within 20 recipients.
    assert.match(bodies.journal.of("probation.stopped")[0]?.why ?? "", /refused 10 of the last 20 mails/);
    assert.equal(bodies.store.count().parked, 9);
    assert.ok((bodies.store.count().waiting ?? 0) >= 15);
  });

  test("none of the first 20 taken, though nobody is known, stops it as well", async () => {
    const bench = await outage();
    bench.put(...Array.from({ length: 60 }, (_, i) => `x${i}`));
    bench.server.onMail = refusing(() => NO_USER);
    await bench.back();
    assert.match(bench.journal.of("probation.stopped")[0]?.why ?? "", /none of the first 20/);
    assert.equal(bench.store.count().parked, 20);
    assert.equal(bench.store.count().waiting, 40);
  });

  test("no more than five mails are on their way at once until it has passed", async () => {
    const bench = await outage();
    bench.put(...Array.from({ length: 60 }, () => "alice"));
    bench.server.onMail = (mail) =>
      new Promise((resolve) => bench.clock.after(100, () => resolve(allOf(mail, DELIVERED))));
    await bench.back(0);
    let most = 0;
    while (bench.journal.of("probation.passed").length === 0) {
      most = bench.server.mostInFlight;
      await bench.pass(10);
    }
    assert.equal(most, 5);
    await bench.pass(1000, 10);
    assert.equal(bench.server.mostInFlight, 8);
  });

  test("what was claimed in vain, or could not be sent, takes no place", async (t) => {
    const failed = await outage();
    failed.put("alice");
    const fail = () => Promise.reject(new Error("the store is out of order"));
    t.mock.method(failed.store, "claim", fail, { times: 1 });
    await failed.back(5000);
    assert.deepEqual(failed.store.count(), { gone: 1 });

    const cut = await outage();
    cut.put("alice");
    const claim = cut.store.claim.bind(cut.store);
    const cutBefore: typeof claim = (request) => {
      // That of the probe ends, and another one is refused.
      cut.server.closeIdle();
      cut.server.down = true;
      return claim(request);
    };
    t.mock.method(cut.store, "claim", cutBefore, { times: 1 });
    await cut.back();
    assert.deepEqual([cut.store.count(), cut.server.down], [{ waiting: 1 }, true]);
    await cut.back(MINUTE);
    assert.deepEqual(cut.store.count(), { gone: 1 });
    for (const { journal } of [failed, cut]) assert.equal(journal.of("probation.began").length, 1);
  });

  test("an operator's resume lets all go, and refusals are believed", async () => {
    const bench = await outage();
    bench.put("alice", "bob", "x");
    bench.server.onMail = refusing((local) => (local === "alice" ? NO_USER : undefined));
    await bench.back();
    assert.deepEqual(bench.store.count(), { held: 1, waiting: 2 });
    await bench.delivery.resume("a.test");
    await bench.pass(100);
    assert.deepEqual(bench.store.count(), { gone: 2, parked: 1 });
    assert.deepEqual(
      bench.journal.of("probation.passed").map(({ domain, why }) => [domain, why]),
      [["a.test", "an operator resumed it"]],
    );
  });

  test("a refusal that is looked into while an operator resumes is believed, too", async () => {
    const bench = await outage();
    const [carol] = bench.put("carol");
    bench.server.onMail = refusing(() => NO_USER);
    bench.store.acceptedAt.set("carol@a.test", bench.clock.now());
    const accepted = bench.store.accepted.bind(bench.store);
    let asked = 0;
    const looked = Promise.withResolvers<void>();
    bench.store.accepted = async (addresses) => {
      asked += 1;
      // The first is for the canary, the second for what was refused.
      if (asked === 2) await looked.promise;
      return accepted(addresses);
    };
    await bench.back();
    assert.deepEqual([asked, bench.sent()], [2, ["carol"]]);
    await bench.delivery.resume("a.test");
    looked.resolve();
    await bench.pass(100);
    assert.equal(stateOf(carol), "parked refused");
    assert.equal(bench.delivery.status()[0]?.probation, undefined);
  });

  test("of mail that was sent elsewhere is the domain's in all that is shown, and its resume ends it too", async () => {
    const { delivery, place, ...bench } = await sentElsewhere();
    assert.deepEqual(bench.store.count(), { held: 1, waiting: 1 });
    const shown = delivery.status().find(({ destination }) => destination === place)?.probation;
    assert.deepEqual(
      shown?.map(({ domain, state }) => [domain, state]),
      [["a.test", "stopped"]],
    );
    for (const kind of ["probation.began", "probation.stopped"] as const)
      assert.deepEqual(
        bench.journal.of(kind).map(({ domain }) => domain),
        ["a.test"],
      );
    bench.server.onMail = (mail) => allOf(mail, DELIVERED);
    await delivery.resume("a.test");
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { gone: 2 });
  });

  test("of mail that was sent elsewhere goes on while all of that is held", async () => {
    const { delivery, ...bench } = await sentElsewhere();
    const survey = delivery.jobs.find(({ name }) => name === "delivery.survey");
    for (let minute = 0; minute < 60; minute++) {
      await survey?.run();
      await bench.pass(MINUTE, 10_000);
    }
    assert.deepEqual(bench.store.count(), { held: 2 });
    bench.server.onMail = (mail) => allOf(mail, DELIVERED);
    await delivery.resume("a.test");
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { gone: 2 });
    await survey?.run();
    assert.deepEqual(
      delivery.status().map(({ destination }) => destination),
      ["192.0.2.5:25"],
    );
  });

  test("a mailbox that is really gone is parked once a later canary was taken", async () => {
    const bench = await outage();
    const [alice] = bench.put("alice", "bob", "x");
    bench.server.onMail = refusing((local) => (local === "alice" ? NO_USER : undefined));
    await bench.back();
    await bench.pass(6 * MINUTE, 1000);
    assert.equal(stateOf(alice), "parked refused");
    assert.deepEqual(bench.store.count(), { gone: 2, parked: 1 });
  });

  test("an outage under 5 min needs none, and does not end one that was stopped", async () => {
    const short = await outage(4 * MINUTE);
    const [alice] = short.put("alice");
    short.server.onMail = refusing(() => NO_USER);
    await short.back();
    assert.equal(stateOf(alice), "parked refused");
    const bench = await outage();
    bench.put("alice", "bob");
    bench.server.onMail = refusing(() => NO_USER);
    await bench.back();
    bench.server.down = true;
    await bench.delivery.flush();
    bench.server.greeting = undefined;
    await bench.pass(2 * MINUTE, 1000);
    await bench.back(1000);
    assert.deepEqual(bench.store.count(), { held: 1, waiting: 1 });
  });

  for (const [words, others] of [
    ["another primary takes what was set aside", []],
    ["another primary takes what was set aside, the old one stays that of others", ["b.test"]],
  ] as const)
    test(words, async () => {
      const bench = await outage();
      for (const domain of others) bench.directory.set(domain, [primaryAt("192.0.2.5", 25)]);
      bench.delivery.directoryChanged(others);
      bench.put("alice");
      bench.server.onMail = refusing(() => NO_USER);
      await bench.back();
      assert.deepEqual(bench.store.count(), { held: 1 });
      bench.client.server("192.0.2.6:25");
      bench.directory.set("a.test", [primaryAt("192.0.2.6", 25)]);
      bench.delivery.directoryChanged(["a.test"]);
      await bench.pass(10_000, 1000);
      assert.deepEqual(bench.store.count(), { gone: 1 });
      const left = bench.delivery.status().flatMap(({ probation = [] }) => probation);
      assert.deepEqual(
        left.map(({ state }) => state),
        ["running"],
      );
    });

  test("the same primary, spoken to in another way, is not believed for that", async () => {
    const bench = await outage();
    bench.put("alice", "bob");
    bench.server.onMail = refusing(() => NO_USER);
    await bench.back();
    bench.directory.set("a.test", [primaryAt("192.0.2.5", 25, { connections: 2 })]);
    bench.delivery.directoryChanged(["a.test"]);
    await bench.pass(10_000, 1000);
    assert.deepEqual(bench.store.count(), { held: 1, waiting: 1 });
    assert.deepEqual(
      bench.delivery.status()[0]?.probation?.map(({ state }) => state),
      ["stopped"],
    );
  });

  test("a long outage is not forgotten where the primary is spoken to in another way since", async () => {
    const bench = await outage();
    bench.directory.set("a.test", [primaryAt("192.0.2.5", 25, { connections: 2 })]);
    bench.delivery.directoryChanged(["a.test"]);
    await bench.pass(2000);
    const [alice] = bench.put("alice");
    bench.server.onMail = refusing(() => NO_USER);
    await bench.back();
    assert.equal(stateOf(alice), "held probation");
  });

  test("after a restart: old mail and mail that was set aside are proven anew", async () => {
    const bench = deliveryBench();
    bench.directory.set("a.test", [primaryAt("192.0.2.5", 25)]);
    bench.directory.listed.set("alice", "alice");
    const server = bench.client.server("192.0.2.5:25");
    server.onMail = refusing(() => NO_USER);
    const held = bench.store.put({ domain: "a.test", recipients: ["alice@a.test"] });
    Object.assign(held.recipients[0] ?? {}, { state: "held", reason: "probation" });
    await bench.start();
    await bench.pass(100);
    assert.equal(server.mails.length, 1);
    assert.equal(stateOf(held), "held probation");
    const other = deliveryBench();
    other.directory.set("a.test", [primaryAt("192.0.2.5", 25)]);
    other.directory.listed.set("alice", "alice");
    other.client.server("192.0.2.5:25").onMail = refusing(() => NO_USER);
    const old = other.store.put({ domain: "a.test", recipients: ["alice@a.test"] });
    other.clock.advance(6 * MINUTE);
    await other.start();
    await other.pass(100);
    assert.equal(stateOf(old), "held probation");
  });

  test("after a restart: old mail that an operator deleted before the primary was reached says nothing", async () => {
    const bench = deliveryBench();
    bench.directory.set("a.test", [primaryAt("192.0.2.5", 25)]);
    const server = bench.client.server("192.0.2.5:25");
    server.down = true;
    const old = bench.store.put({ domain: "a.test" });
    bench.clock.advance(6 * MINUTE);
    const delivery = await bench.start();
    Object.assign(old.recipients[0] ?? {}, { state: "gone", reason: "deleted" });
    await delivery.jobs.find(({ name }) => name === "delivery.survey")?.run();
    bench.store.accept({ domain: "a.test" });
    server.down = false;
    await bench.pass(3000);
    assert.deepEqual([bench.store.count(), bench.journal.of("probation.began")], [{ gone: 2 }, []]);
  });

  test("fresh mail goes through probation, too, and credits come back after it", async () => {
    const bench = await outage();
    await bench.back();
    assert.equal(bench.store.grants.get("a.test") ?? 0, 0);
    for (let i = 0; i < 20; i++) {
      bench.put("alice");
      await bench.pass(10);
    }
    assert.deepEqual(bench.store.count(), { gone: 20 });
    assert.ok((bench.store.grants.get("a.test") ?? 0) > 0);
  });
});

test("a stop waits until it is known who was refused, and writes what became of the mail", async (t) => {
  const { store, server, back, delivery, pass } = await outage();
  const answer = Promise.withResolvers<ReadonlyMap<string, number>>();
  server.onMail = (mail) => {
    t.mock.method(store, "accepted", () => answer.promise);
    return refusing((local) => (local === "carol" ? NO_USER : undefined))(mail);
  };
  store.accept({ domain: "a.test", recipients: ["alice@a.test", "carol@a.test"] });
  await back();
  assert.deepEqual(store.count(), { claimed: 2 });
  let stopped = false;
  void delivery.stop().then(() => (stopped = true));
  await pass(5000);
  assert.equal(stopped, false);
  answer.resolve(new Map());
  await pass(100);
  assert.deepEqual([store.count(), stopped], [{ gone: 1, parked: 1 }, true]);
});

test("a pause that comes while the first mail is claimed takes no place from those after it", async () => {
  const { store, directory, put, back, sent, delivery, pass } = await outage();
  const { letGo } = holdClaims({ store });
  put("alice");
  await back();
  const pause = async (paused: boolean): Promise<void> => {
    directory.set("a.test", [primaryAt("192.0.2.5", 25)], { paused });
    delivery.directoryChanged(["a.test"]);
    await pass(100);
  };
  await pause(true);
  letGo();
  await pass(1000);
  assert.deepEqual([store.count(), sent()], [{ waiting: 1 }, []]);
  await pause(false);
  await pass(1000);
  assert.deepEqual([store.count(), sent()], [{ gone: 1 }, ["alice"]]);
});

test("what the primary was never asked for, too large for it, says nothing of it", async () => {
  const { store, server, put, back, delivery, journal, sent, pass } = await outage();
  server.size = 100_000;
  const recipients = Array.from({ length: 20 }, (_, n) => `user${n}@a.test`);
  store.accept({ domain: "a.test", recipients, body: Buffer.alloc(200_000, "x") });
  await back();
  assert.deepEqual([store.count(), sent()], [{ parked: 20 }, []]);
  assert.deepEqual(journal.of("probation.stopped"), []);
  assert.deepEqual(delivery.status()[0]?.probation?.[0]?.state, "running");
  put("alice");
  await pass(1000);
  assert.equal(delivery.status()[0]?.probation?.[0]?.state, "running", "one recipient is not twenty");
});

for (const late of ["a claim", "an answer"])
  test(`${late} that comes late for a primary which the domain has left proves nothing at the next one`, async () => {
    const { client, directory, delivery, server, store, journal, put, back, pass } = await outage();
    const over = Promise.withResolvers<void>();
    const claim = store.claim.bind(store);
    store.claim = async (request) => {
      const mails = await claim(request);
      if (late === "a claim") await over.promise;
      return mails;
    };
    server.onMail = (mail) => over.promise.then(() => refusing(() => NO_USER)(mail));
    put("carol");
    await back();
    assert.deepEqual(store.count(), { claimed: 1 });
    store.claim = claim;
    const next = client.server("192.0.2.6:25");
    const greeting = Promise.withResolvers<void>();
    next.onGreet = () => greeting.promise;
    next.onMail = refusing(() => NO_USER);
    directory.set("a.test", [primaryAt("192.0.2.6", 25)]);
    delivery.directoryChanged(["a.test"]);
    await pass(100);
    over.resolve();
    await pass(100);
    const [alice] = put("alice");
    greeting.resolve();
    await pass(3000);
    assert.equal(stateOf(alice), "held probation");
    assert.deepEqual(
      journal.of("probation.began").map(({ destination }) => destination),
      ["192.0.2.5:25", "192.0.2.6:25"],
    );
  });

test("what a primary says that the domain has left teaches nothing of its mailboxes", async () => {
  const { client, directory, delivery, server, store, put, back, pass } = await outage();
  put("carol");
  const answer = Promise.withResolvers<void>();
  server.onMail = async (mail) => {
    await answer.promise;
    return refusing(() => NO_USER)(mail);
  };
  await back();
  const next = client.server("192.0.2.6:25");
  const primaries = [primaryAt("192.0.2.6", 25)];
  const settings = { ...domainSettings(...primaries), callout: true };
  directory.set("a.test", primaries, { settings });
  delivery.directoryChanged(["a.test"]);
  await pass(3000);
  answer.resolve();
  await pass(3000);
  assert.deepEqual([store.count(), next.asked], [{ parked: 1 }, []]);
});

test("two primaries that were being proven are both proven when they are spoken to in another way", async () => {
  const bench = deliveryBench();
  const hosts = ["192.0.2.5", "192.0.2.6"];
  const speakTo = (connections: number): void =>
    bench.directory.set(
      "a.test",
      hosts.map((host) => primaryAt(host, 25, { connections })),
    );
  speakTo(8);
  bench.directory.listed.set("alice", "alice");
  const servers = hosts.map((host) => bench.client.server(`${host}:25`));
  for (const server of servers) server.down = true;
  const delivery = await bench.start({}, "all domains");
  await bench.pass(10 * MINUTE, 1000);
  for (const server of servers) Object.assign(server, { down: false, onMail: refusing(() => NO_USER) });
  await bench.pass(20_000, 1000);
  speakTo(2);
  delivery.directoryChanged(["a.test"]);
  await bench.pass(3000);
  for (let i = 0; i < 10; i++) bench.store.accept({ domain: "a.test", recipients: ["alice@a.test"] });
  await bench.pass(10_000);
  assert.deepEqual(bench.store.count(), { held: 2, waiting: 8 });
});

test("what a stopped probation set aside goes on when another outage begins a new one", async () => {
  const { server, store, put, back, pass } = await outage();
  const mails = put("alice", "bob", "alice");
  server.onMail = refusing(() => NO_USER);
  await back();
  await pass(16 * MINUTE, 1000);
  assert.deepEqual(mails.map(stateOf), Array(3).fill("held probation"));
  server.down = true;
  await pass(10 * MINUTE, 1000);
  server.onMail = refusing(() => undefined);
  await back(30_000);
  assert.deepEqual(store.count(), { gone: 3 });
});

for (const what of ["an operator resumes the domain", "the domain gets another primary"])
  test(`mail that a slow disk holds after ${what} is let go as well`, async () => {
    const { client, directory, delivery, server, store, put, back, pass } = await outage();
    server.onMail = refusing(() => NO_USER);
    const disk = Promise.withResolvers<void>();
    const settle = store.settle.bind(store);
    store.settle = (request) => disk.promise.then(() => settle(request));
    put("alice");
    await back();
    assert.equal(delivery.status()[0]?.probation?.[0]?.state, "stopped");
    client.server("192.0.2.6:25");
    server.onMail = refusing(() => undefined);
    if (what.startsWith("an operator")) await delivery.resume("a.test");
    else {
      directory.set("a.test", [primaryAt("192.0.2.6", 25)]);
      delivery.directoryChanged(["a.test"]);
    }
    await pass(1000);
    disk.resolve();
    await pass(3000);
    assert.deepEqual(store.count(), { gone: 1 });
  });

test("what a primary refuses that its domain has left in probation is for the next one to decide", async () => {
  const { client, directory, delivery, server, store, put, back, pass } = await outage();
  const answer = Promise.withResolvers<void>();
  server.onMail = (mail) => answer.promise.then(() => allOf(mail, NO_USER));
  put("alice");
  await back();
  client.server("192.0.2.6:25");
  directory.set("a.test", [primaryAt("192.0.2.6", 25)]);
  delivery.directoryChanged(["a.test"]);
  await pass(1000);
  answer.resolve();
  await pass(3000);
  assert.deepEqual(store.count(), { gone: 1 });
});

test("what a slow disk holds only after the canary was to go is the next canary", async () => {
  const { server, store, put, back, pass } = await outage();
  put("bob", "alice");
  server.onMail = refusing((local) => (local === "alice" ? NO_USER : undefined));
  const disk = Promise.withResolvers<void>();
  const settle = store.settle.bind(store);
  store.settle = async (request) => {
    if (request.recipients[0]?.state === "held") await disk.promise;
    return settle(request);
  };
  await back();
  assert.deepEqual(store.count(), { gone: 1, claimed: 1 });
  server.onMail = refusing(() => undefined);
  await pass(6 * MINUTE, 1000);
  disk.resolve();
  await pass(1000);
  assert.deepEqual(store.count(), { gone: 2 });
});

test("an operator's resume sets going what waits where nothing was held", async () => {
  const { server, store, put, back, delivery, journal, pass } = await outage();
  put(...Array.from({ length: 40 }, (_, i) => `x${i}`));
  server.onMail = refusing(() => NO_USER);
  await back();
  assert.deepEqual([journal.of("probation.stopped").length, store.count()], [1, { parked: 20, waiting: 20 }]);
  server.onMail = refusing(() => undefined);
  await delivery.resume("a.test");
  await pass(100);
  assert.deepEqual(store.count(), { parked: 20, gone: 20 });
});

test("a primary that the domain left in doubt is proven when it comes back to it, though others stayed there", async () => {
  const { client, directory, server, delivery, put, back, pass } = await outage();
  const goTo = async (host: string): Promise<void> => {
    directory.set("a.test", [primaryAt(host, 25)]);
    delivery.directoryChanged(["a.test"]);
    await pass(3000);
  };
  directory.set("b.test", [primaryAt("192.0.2.5", 25)]);
  delivery.directoryChanged(["b.test"]);
  client.server("192.0.2.6:25").down = true;
  await back();
  await goTo("192.0.2.6");
  await goTo("192.0.2.5");
  server.onMail = refusing(() => NO_USER);
  const [alice] = put("alice");
  await pass(1000);
  assert.equal(stateOf(alice), "held probation");
});

test("of a primary that the domain leaves while a refusal is looked into no stop is told", async (t) => {
  const { client, directory, server, store, delivery, journal, put, back, pass } = await outage();
  const looked = Promise.withResolvers<ReadonlyMap<string, number>>();
  put("alice");
  server.onMail = (mail) => {
    t.mock.method(store, "accepted", () => looked.promise);
    return {
      ...refusing(() => NO_USER)(mail),
      outcomes: new Map([
        [0, DELIVERED],
        [1, NO_USER],
      ]),
    };
  };
  store.accept({ domain: "a.test", recipients: ["bob@a.test", "carol@a.test"] });
  await back();
  client.server("192.0.2.6:25");
  directory.set("a.test", [primaryAt("192.0.2.6", 25)]);
  delivery.directoryChanged(["a.test"]);
  await pass(1000);
  looked.resolve(new Map([["carol@a.test", Date.now()]]));
  await pass(1000);
  assert.deepEqual(journal.of("probation.stopped"), []);
});

test("after a restart nothing goes before what was set aside waits again", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.5", 25)]);
  bench.directory.listed.set("alice", "alice");
  bench.client.server("192.0.2.5:25").onMail = refusing(() => NO_USER);
  const alice = { domain: "a.test", recipients: ["alice@a.test"] };
  Object.assign(bench.store.put(alice).recipients[0] ?? {}, { state: "held", reason: "probation" });
  const disk = Promise.withResolvers<void>();
  const unhold = bench.store.unhold.bind(bench.store);
  bench.store.unhold = (request) => disk.promise.then(() => unhold(request));
  await bench.start({}, "all domains");
  await bench.pass(1000);
  const fresh = bench.store.accept(alice);
  await bench.pass(1000);
  disk.resolve();
  await bench.pass(1000);
  assert.deepEqual([stateOf(fresh), bench.store.count()], ["waiting", { held: 1, waiting: 1 }]);
});

test("each domain of a primary is proven for itself", async () => {
  const { directory, delivery, server, store, journal, put, back, pass } = await outage();
  directory.set("b.test", [primaryAt("192.0.2.5", 25)]);
  delivery.directoryChanged(["b.test"]);
  put("alice", "alice");
  for (let i = 0; i < 2; i++) store.accept({ domain: "b.test", recipients: ["bob@b.test"] });
  server.onMail = refusing(() => NO_USER);
  await back();
  assert.deepEqual(store.count(), { held: 2, waiting: 2 });
  for (const kind of ["probation.began", "probation.stopped"] as const)
    assert.deepEqual(
      journal
        .of(kind)
        .map(({ domain }) => domain)
        .toSorted(),
      ["a.test", "b.test"],
    );
  server.onMail = refusing(() => undefined);
  await pass(6 * MINUTE, 1000);
  assert.deepEqual(store.count(), { gone: 4 });
});

test("what is ready when a primary stops taking known recipients is not sent", async () => {
  const { server, store, sent, put, back } = await outage();
  put("bob", ...Array.from({ length: 10 }, () => "alice"));
  server.onMail = refusing((local) => (local === "alice" ? NO_USER : undefined));
  await back();
  assert.ok(sent().length <= 3, String(sent().length));
  assert.deepEqual(store.count(), { gone: 1, held: sent().length - 1, waiting: 11 - sent().length });
});

test("mail that a primary put off for long says nothing of a short outage", async () => {
  const { server, store, delivery, journal, put, back, pass } = await outage(2 * MINUTE);
  await back();
  put("alice");
  server.onMail = (mail) => allOf(mail, { kind: "deferred", reply: { code: 451, text: "later" } });
  await pass(60 * MINUTE, 5000);
  server.down = true;
  await delivery.jobs.find(({ name }) => name === "delivery.survey")?.run();
  await pass(2 * MINUTE, 1000);
  server.onMail = refusing(() => undefined);
  await back();
  assert.deepEqual([store.count(), journal.of("probation.began")], [{ gone: 1 }, []]);
});

test("what was set aside before a restart has its domain proven once, and not at a primary that comes later", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.5", 25)]);
  bench.directory.listed.set("alice", "alice");
  const [one, other] = [5, 6].map((n) => bench.client.server(`192.0.2.${n}:25`));
  const held = bench.store.put({ domain: "a.test", recipients: ["alice@a.test"] });
  Object.assign(held.recipients[0] ?? {}, { state: "held", reason: "probation" });
  const delivery = await bench.start({}, "all domains");
  await bench.pass(1000);
  await delivery.resume("a.test");
  for (let outages = 0; outages < 2; outages++) {
    Object.assign(one ?? {}, { down: true });
    await bench.pass(2 * MINUTE, 1000);
    Object.assign(one ?? {}, { down: false });
    await bench.pass(20_000, 1000);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(1000);
  }
  await bench.pass(10 * MINUTE, 1000);
  bench.directory.set("a.test", [primaryAt("192.0.2.6", 25)]);
  delivery.directoryChanged(["a.test"]);
  await bench.pass(1000);
  bench.store.accept({ domain: "a.test" });
  await bench.pass(1000);
  assert.deepEqual([bench.store.count(), other?.mails.length], [{ gone: 4 }, 1]);
  assert.equal(bench.journal.of("probation.began").length, 1);
});

test("what a primary refuses that its domain has left, and that was trusted, is believed", async () => {
  const { client, directory, delivery, server, put, back, pass } = await outage(2 * MINUTE);
  const answer = Promise.withResolvers<void>();
  server.onMail = (mail) => answer.promise.then(() => allOf(mail, NO_USER));
  const [alice] = put("alice");
  await back();
  client.server("192.0.2.6:25");
  directory.set("a.test", [primaryAt("192.0.2.6", 25)]);
  delivery.directoryChanged(["a.test"]);
  await pass(1000);
  answer.resolve();
  await pass(1000);
  assert.equal(stateOf(alice), "parked refused");
});

test("a store that was sick and is well again lets nothing go that is set aside", async () => {
  const { server, store, put, back, pass } = await outage();
  put("alice");
  server.onMail = refusing(() => NO_USER);
  await back();
  store.condition("sick");
  await pass(10_000);
  store.condition("ok");
  await pass(3000);
  assert.deepEqual([store.count(), server.mails.length], [{ held: 1 }, 1]);
});

test("a probation that stopped is shown while its primary is away, though nothing waits", async () => {
  const { server, delivery, put, back, pass } = await outage();
  put("alice");
  server.onMail = refusing(() => NO_USER);
  await back();
  server.down = true;
  server.closeIdle();
  await pass(2 * MINUTE, 1000);
  const [shown] = delivery.status();
  assert.deepEqual([shown?.state, shown?.probation?.[0]?.state], ["down", "stopped"]);
});
