/**
 * The store beside a model of it: thousands of random acts of senders, the delivery thread, operators, time and ends of
 * the process, after each of which all that can be seen of the store is what the plain model holds; the same for the
 * directory, under readers that keep the generation they began with; and lives that end in the midst of many mails, on
 * disks that fail at one step, after each of which what was promised is there, and what was refused is not.
 */
import type { ProofOptions, ProofResult } from "./proof.ts";
import { directoryCourse } from "./store-model/directory-course.ts";
import { endsCourse } from "./store-model/ends-course.ts";
import { queueCourse } from "./store-model/queue-course.ts";
import { type Course, shortened, textOf, walk } from "./store-model/walk.ts";

interface Plan {
  readonly walks: number;
  /** Steps of each. */
  readonly length: number;
}

export async function prove(options: ProofOptions): Promise<ProofResult> {
  const { short } = options;
  const queue = short ? { walks: 4, length: 90 } : { walks: 100, length: 400 };
  const ends = short ? { walks: 2, length: 20 } : { walks: 35, length: 60 };
  const directory = short ? { walks: 2, length: 50 } : { walks: 50, length: 300 };
  return {
    claim: "after whatever is done to it, the store shows what a plain model of its promises holds",
    counts: {
      queueSteps: queue.walks * queue.length,
      endsSteps: ends.walks * ends.length,
      directorySteps: directory.walks * directory.length,
    },
    failures: [
      ...(await walkAll(queueCourse, queue, options)),
      ...(await walkAll(endsCourse, ends, options)),
      ...(await walkAll(directoryCourse, directory, options)),
    ],
  };
}

/** Until one fails, which is told as short as can be. */
async function walkAll<W>(
  course: Course<W>,
  { walks, length }: Plan,
  { seed, say }: ProofOptions,
): Promise<readonly string[]> {
  const steps = Array.from({ length }, (_, step) => step);
  for (let n = 0; n < walks; n++) {
    const failure = await walk(course, seed + n, steps);
    if (failure !== undefined) return [textOf(await shortened(course, failure))];
    if ((n + 1) % 25 === 0) say(`${n + 1} walks of the ${course.name}, ${length} steps each`);
  }
  return [];
}
