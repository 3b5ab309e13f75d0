import type { SmtpThread } from "../../src/threads/crew.ts";

/** SMTP threads of which the last is between two lives: what they were told, and asked. */
export function smtpCrew(answer: (name: string) => unknown = () => undefined) {
  const told: unknown[][] = [];
  const thread = (n: number) => ({
    tell: async (name: string, argument: unknown) => {
      await new Promise(setImmediate);
      told.push([n, name, argument]);
    },
    current:
      n === 3
        ? undefined
        : {
            control: { call: async (name: string) => answer(`${name} ${n}`) },
            answers: async () => void (await answer(`answers ${n}`)),
          },
  });
  return { told, threads: [1, 2, 3].map(thread) as unknown as readonly SmtpThread[] };
}
