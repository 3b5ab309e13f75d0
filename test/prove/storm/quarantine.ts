/** What an operator does about mail that was set aside. */
import type { QueuePage } from "../../../src/endpoints/admin/contract.ts";
import type { AdminClient } from "../../support/admin-client.ts";
import type { Random } from "../../support/random.ts";
import { S } from "./places.ts";

interface QuarantineDesk {
  readonly client: () => AdminClient;
  readonly random: Random;
  /** Mails that are about to be deleted. */
  readonly deleted: { readonly id?: string }[];
}

const SENDERS = ["load@sender.example", "@friend.test"];

export function quarantineActs({
  client,
  random,
  deleted,
}: QuarantineDesk): readonly (() => Promise<unknown>)[] {
  const anyMail = async (): Promise<string | undefined> => {
    const { items } = await client().api<QueuePage>("GET", "/v1/queue?reason=quarantine&limit=50");
    return items.length === 0 ? undefined : random.pick(items).id;
  };
  const act = (verb: string, filter: object): Promise<unknown> =>
    client().api("POST", "/v1/queue/actions", { verb, filter });
  const place = (): object => (random.below(2) === 0 ? {} : { domain: S.domain });
  return [
    () => act("release", { reason: "quarantine", ...place() }),
    async () => {
      const id = await anyMail();
      if (id !== undefined) await act("release", { id });
    },
    async () => {
      const id = await anyMail();
      if (id === undefined) return;
      deleted.push({ id });
      await act("delete", { id });
    },
    async () => {
      const id = await anyMail();
      if (id !== undefined) await client().text(`/v1/queue/${id}`);
    },
    () => client().api("POST", "/v1/quarantine/senders", { sender: random.pick(SENDERS), ...place() }),
    () => {
      const named = new URLSearchParams({ sender: random.pick(SENDERS), ...place() });
      return client().api("DELETE", `/v1/quarantine/senders?${named}`);
    },
  ];
}
