/** The command line tool against an admin endpoint with everything behind it in memory. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { runTool } from "../../src/cli/cli.ts";
import { widthOf } from "../../src/cli/terminal.ts";
import { startAdmin } from "../../src/endpoints/admin/admin.ts";
import { FakeWorld } from "./admin-fakes.ts";
import { tempFolder } from "./temp-folder.ts";

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface ToolWorld extends AsyncDisposable {
  readonly world: FakeWorld;
  readonly folder: string;
  run(words: readonly string[], stdin?: string | Buffer): Promise<Run>;
  readonly socket: string;
}

export async function toolWorld(): Promise<ToolWorld> {
  const folder = await tempFolder();
  const world = new FakeWorld();
  const socket = join(folder.path, "admin.sock");
  const admin = await startAdmin(world.parts(socket));
  return {
    world,
    folder: folder.path,
    socket,
    run: (words, stdin = "") => runOn(socket, words, { stdin, now: () => world.clock.now() }),
    async [Symbol.asyncDispose]() {
      await admin.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

interface RunOptions {
  readonly stdin?: string | Buffer;
  readonly now?: () => number;
  /** Stdout is a terminal, of this many columns. */
  readonly terminal?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** In the configuration that named the socket. */
  readonly mistakes?: readonly string[];
}

export async function runOn(
  socket: string,
  words: readonly string[],
  { stdin = "", now = Date.now, terminal, environment = { COLUMNS: "80" }, mistakes = [] }: RunOptions = {},
): Promise<Run> {
  const [stdout, stderr] = [new TextSink(), new TextSink()];
  if (terminal !== undefined) Object.assign(stdout, { isTTY: true, columns: terminal });
  const [verb = "", ...args] = words;
  const input = Readable.from([Buffer.from(stdin)]);
  const config = { config: "/etc/holdfast.yaml", mistakes: () => mistakes };
  const env = { socket, ...config, stdout, stderr, stdin: input, now, environment };
  const code = await runTool(verb, args, env);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

export class TextSink extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Whether each line fits 80 columns and has nothing that could steer a terminal. */
export function fits(text: string): void {
  for (const line of text.split("\n")) {
    assert.ok(widthOf(line) <= 80, line);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/);
  }
}
