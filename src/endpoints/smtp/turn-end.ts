/**
 * Answers leave at the end of a turn of the event loop, those to all clients one after the other. A client that reads
 * its answer at once speaks at once, and thread and client would wake each other for every line.
 */
type Task = () => void;

let waiting: Task[] = [];

/** Runs `task`, which does not throw, when all that is ready now has been handled. */
export function atTurnEnd(task: Task): void {
  if (waiting.length === 0) setImmediate(runAll);
  waiting.push(task);
}

function runAll(): void {
  const tasks = waiting;
  waiting = [];
  for (const task of tasks) task();
}
