import assert from "node:assert/strict";
import { test } from "node:test";
import { badClientZones, deliverySettings, listZones, smtpSettings } from "../../../src/threads/settings.ts";
import { configOf, DOMAIN, HEAD } from "../config/sample.ts";

async function postmasterOf(text: string): Promise<string | undefined> {
  return smtpSettings(await configOf(text), undefined).postmaster;
}

test("mail to postmaster always has a domain to which it is delivered", async () => {
  const name = /^ *([a-z.]+):/.exec(DOMAIN)?.[1] ?? "";
  const domains = `domains:\n${DOMAIN}`;
  assert.equal(await postmasterOf(`${HEAD}postmaster: admin@${name}\n${domains}`), `admin@${name}`);
  assert.equal(
    await postmasterOf(`${HEAD}postmaster: admin@elsewhere.example\n${domains}`),
    `postmaster@${name}`,
  );
  assert.equal(await postmasterOf(`${HEAD}${domains}`), `postmaster@${name}`);
  assert.equal(await postmasterOf(HEAD), undefined);
});

test("all blocklists of all domains are tested; our own address is looked up in those that reject clients", async () => {
  const config = await configOf(`${HEAD}checks:
  dnsbl:
    lists:
      - { zone: bad.example }
      - { zone: good.example, weight: -1 }
      - { zone: noted.example, weight: 0 }
      - { zone: hard.example, weight: 0, action: reject }
    defer: 1
domains:
  one.example:
    primary: { host: mail.example.com }
    recipients: [alice]
    checks: { dnsbl: { lists: [{ zone: bad.example }, { zone: own.example }], defer: 1 } }
`);
  const declared = ["bad.example", "good.example", "noted.example", "hard.example"];
  assert.deepEqual(listZones(config), [...declared, "own.example"]);
  assert.deepEqual(badClientZones(config), ["bad.example", "hard.example"]);
});

test("the delivery settings of a listener on all addresses contain each address of this machine", async () => {
  const own = async (address: string): Promise<readonly string[]> => {
    const config = await configOf(`hostname: mx2.example.net\nsmtp: { listen: ["${address}:25"] }\n`);
    return deliverySettings(config).ownAddresses.map((each) => `${each.address} ${each.port}`);
  };
  assert.deepEqual(await own("192.0.2.1"), ["192.0.2.1 25"]);
  const all = await own("0.0.0.0");
  for (const address of ["0.0.0.0 25", "127.0.0.1 25"]) assert.ok(all.includes(address), all.join());
});
