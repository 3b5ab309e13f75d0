import type { WorkStore } from "../../src/ports/work-store.ts";

/** What the store has claimed is answered once it is let go. */
export function holdClaims({ store }: { readonly store: Pick<WorkStore, "claim"> }): { letGo(): void } {
  const held = Promise.withResolvers<void>();
  const claim = store.claim.bind(store);
  store.claim = async (request) => {
    const mails = await claim(request);
    await held.promise;
    return mails;
  };
  return { letGo: () => held.resolve() };
}
