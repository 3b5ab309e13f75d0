/** All primaries of the storm, each where mail may find it. */
import { freePort } from "../../support/free-port.ts";
import type { Random } from "../../support/random.ts";
import type { Certificates } from "./certificates.ts";
import { MX_OF_FRIEND, nameOfExchange, type Block } from "./names.ts";
import { ASKED, DIRECT, EXCHANGES, K, M, PRIMARIES } from "./places.ts";
import { StormPrimary, type Chronicle } from "./primary.ts";
import { nameOfPrimary } from "./town.ts";

interface PrimariesPlan {
  readonly block: Block;
  readonly random: () => Random;
  readonly chronicle: Chronicle;
  readonly certificates: Certificates;
}

/** By their numbers, open and well; the one for `direct` stands where we may listen at port 25 only. */
export async function openPrimaries(
  { block, random, chronicle, certificates }: PrimariesPlan,
  stack: AsyncDisposableStack,
): Promise<{ readonly primaries: readonly StormPrimary[]; readonly direct: boolean }> {
  const shared = await freePort();
  const primaries = Array.from({ length: PRIMARIES }, (_, number) => {
    const parts = { number, random: random(), chronicle, certificates };
    const exchange = EXCHANGES.indexOf(number) + 1;
    if (exchange > 0) {
      const address = block.exchange(exchange);
      const hosts = [nameOfExchange(exchange), M.domain, address];
      return new StormPrimary({ ...parts, hosts, at: { address, port: shared } });
    }
    if (number === DIRECT) {
      const at = { address: block.friend, port: 25 };
      return new StormPrimary({ ...parts, hosts: [MX_OF_FRIEND, block.friend], at });
    }
    const hosts = ["127.0.0.1", nameOfPrimary(number)];
    return new StormPrimary({ ...parts, hosts, ...(number === ASKED && { knows: K }) });
  });
  let direct = true;
  for (const [number, primary] of primaries.entries())
    await stack
      .use(primary)
      .mend()
      .catch((error: unknown) => {
        if (number !== DIRECT) throw error;
        direct = false;
      });
  return { primaries, direct };
}
