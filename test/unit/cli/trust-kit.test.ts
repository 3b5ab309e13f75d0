import assert from "node:assert/strict";
import { test } from "node:test";
import { toolWorld } from "../../support/tool-bench.ts";

const ADDRESSES = ["--address", "192.0.2.25", "--address", "2001:db8::25"];

test("the kit names our addresses for each server, and never lets us relay", async () => {
  await using tool = await toolWorld();
  const { code, stdout } = await tool.run(["trust-kit", "example.com", ...ADDRESSES]);
  assert.equal(code, 0);
  assert.match(stdout, /^# For the primary of example\.com: mx2\.example\.net is its backup MX\.$/m);
  for (const line of [
    "smtpd_authorized_xforward_hosts = 192.0.2.25, [2001:db8::25]",
    "2001:db8::25 permit",
    "hostlist holdfast = <; 192.0.2.25 ; 2001:db8::25",
    'match from src <holdfast> for domain "example.com" action "local_mail"',
    "remote_ip == '192.0.2.25' || remote_ip == '2001:db8::25'",
    '    ip_map = "/etc/rspamd/holdfast.map";',
    "internal_networks 192.0.2.25",
  ])
    assert.ok(stdout.split("\n").includes(line), line);
  assert.doesNotMatch(stdout, /^mynetworks|relay_from_hosts|xclient_hosts/m);
  const order = stdout.indexOf("reject_unauth_destination");
  assert.ok(order > 0 && order < stdout.indexOf("check_client_access"));
});

test("one server alone, XCLIENT where the domain uses it, as JSON", async () => {
  await using tool = await toolWorld();
  const [domain] = tool.world.domains;
  const [primary] = domain?.settings.primaries ?? [];
  if (domain !== undefined && primary !== undefined)
    tool.world.domains[0] = {
      ...domain,
      settings: { ...domain.settings, primaries: [{ ...primary, identity: "xclient" }] },
    };
  const { stdout } = await tool.run(["trust-kit", "example.com", "--server", "postfix", ...ADDRESSES]);
  assert.match(stdout, /^smtpd_authorized_xclient_hosts = 192\.0\.2\.25, \[2001:db8::25\]$/m);
  assert.doesNotMatch(stdout, /Exim/);
  const json = JSON.parse((await tool.run(["trust-kit", "example.com", "--json"])).stdout);
  assert.equal(json.kits.length, 6);
  assert.ok(json.addresses.length > 0);
});

test("wrong use is told", async () => {
  await using tool = await toolWorld();
  assert.equal((await tool.run(["trust-kit", "example.com", "--address", "mx2"])).code, 2);
  assert.equal((await tool.run(["trust-kit", "example.com", "--server", "sendmail"])).code, 2);
  assert.equal((await tool.run(["trust-kit", "foreign.example"])).code, 1);
  for (const option of [["--server", "exim"], ADDRESSES]) {
    const { code, stderr } = await tool.run(["trust-kit", "example.com", "--verify", ...option]);
    assert.deepEqual(
      [code, stderr.split("\n")[0]],
      [2, `holdfast trust-kit: --verify or ${option[0]}, not both`],
    );
  }
});
