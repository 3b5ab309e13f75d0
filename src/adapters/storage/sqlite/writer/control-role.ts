import type { MessagePort } from "node:worker_threads";
import { serveChannel } from "../../../../runtime/channel.ts";
import type { Clock } from "../../../../runtime/clock.ts";
import { allowSender, disallowSender } from "../directory/allowed-senders.ts";
import type { CommitLoop } from "../commit/commit-loop.ts";
import { addRule, readRules, removeRule } from "../directory/rules.ts";
import type { Store } from "./store.ts";
import { noteFetch, readFetchRecords } from "../directory/fetch-records.ts";
import { addToken, readTokens, revokeToken } from "../directory/tokens.ts";
import type { ControlMethods } from "../wire/wire.ts";

/** Serves operators: their verbs, the directory, the tokens. Everything runs in slices, after the flowing mail. */
export function serveControl(port: MessagePort, parts: { loop: CommitLoop<Store>; clock: Clock }): void {
  const { loop, clock } = parts;
  const once = <T>(act: (store: Store) => T): Promise<T> =>
    // oxlint-disable-next-line require-yield -- there is only one step
    loop.submitSlices(function* (store) {
      return act(store);
    });
  serveChannel<ControlMethods>(port, {
    operate: (request) =>
      loop.submitSlices((store, batch) => store.operating.operate(request, batch), "mail"),
    stageOpen: () => once(({ directory }) => directory.stageOpen()),
    stageDomains: (domains) => once(({ directory }) => directory.stageDomains(domains)),
    stageEntries: (slices) => once(({ directory }) => directory.stageEntries(slices)),
    stageFlip: () => once(({ directory }) => directory.stageFlip(clock.now())),
    stageDiscard: () => once(({ directory }) => directory.discard()),
    addDomain: (domain) => once(({ directory }) => directory.addDomain(domain, clock.now())),
    changeDomain: (domain) => once(({ directory }) => directory.changeDomain(domain, clock.now())),
    removeDomain: (name) => once(({ directory }) => directory.removeDomain(name, clock.now())),
    setPaused: (change) => once(({ directory }) => directory.setPaused(change)),
    endPauses: () => once(({ directory }) => directory.endPauses(clock.now())),
    changeEntries: (change) => once(({ directory }) => directory.sideLists.change(change, clock.now())),
    sideListOpen: (plan) => loop.submitSlices(({ directory }) => directory.sideLists.begin(plan)),
    sideListAdd: (slice) => once(({ directory }) => directory.sideLists.add(slice)),
    sideListRemove: (slice) => once(({ directory }) => directory.sideLists.remove(slice)),
    sideListFlip: ({ domain, list }) =>
      once(({ directory }) => directory.sideLists.flip(domain, list, clock.now())),
    retire: () => once(({ directory }) => directory.retire(clock.now())),
    fetchRecords: () => once(({ database }) => readFetchRecords(database)),
    noteFetch: (note) => once(({ database }) => noteFetch(database, note)),
    tokens: () => once(({ database }) => readTokens(database)),
    addToken: (token) => once(({ database }) => addToken(database, token)),
    revokeToken: (name) => once(({ database }) => revokeToken(database, name)),
    rules: () => once(({ database }) => readRules(database)),
    addRule: (rule) => once(({ database }) => addRule(database, rule)),
    removeRule: (id) => once(({ database }) => removeRule(database, id)),
    allowSender: (sender) => once(({ database }) => allowSender(database, sender)),
    disallowSender: (sender) => once(({ database }) => disallowSender(database, sender)),
  });
  // The client that staged is gone. If this fails, the next change or the next start cleans up.
  port.once("close", () => void once(({ directory }) => directory.discard()).catch(() => {}));
}
