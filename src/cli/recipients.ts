/** Recipient lists: list, add, remove, replace, check. */
import { stat } from "node:fs/promises";
import type {
  RecipientChanged,
  RecipientCheckBody,
  RecipientPageBody,
  RecipientVerb,
} from "../endpoints/admin/contract.ts";
import { entriesOf } from "../mail/recipient-pattern.ts";
import { counted, timeInWords } from "../runtime/quantities.ts";
import { FAILED, OK, WrongUse, type Command, type Input, type Option, type Tool } from "./command.ts";
import { domainPath } from "./domains.ts";
import { readGiven, readStdin } from "./files.ts";
import { collect, moreText, PAGING } from "./pages.ts";
import { fact, facts, plain, type Fact } from "./terminal.ts";

function listPath(domain: string): string {
  return `${domainPath(domain)}/recipients`;
}

export const recipientsList: Command = {
  words: "DOMAIN",
  summary: "Lists the valid recipients of a domain, each with its origin: file, url or api.",
  options: PAGING,
  example: "holdfast recipients list example.com --all",
  async run(tool, input) {
    const page = await collect<RecipientPageBody>(tool, input, { path: listPath(input.word(0)) });
    const rows = page.items.map(({ pattern, origin }) => [pattern, origin]);
    tool.print(page, () =>
      rows.length === 0
        ? `No recipients are listed for ${plain(input.word(0))}.\n`
        : tool.table([{ title: "RECIPIENT", least: 20 }, { title: "ORIGIN" }], rows) + moreText(page),
    );
    return OK;
  },
};

const FILE: Option = {
  name: "file",
  value: "FILE",
  help: "read them from FILE, one on each line; - is stdin",
};

const EMPTY: Option = { name: "empty", help: "replace the list with nothing" };

function changing(verb: RecipientVerb, summary: string, example: string): Command {
  return {
    words: "DOMAIN [RECIPIENT...]",
    summary,
    options: verb === "replace" ? [FILE, EMPTY] : [FILE],
    example,
    async run(tool, input) {
      const path = listPath(input.word(0));
      const call = { method: "POST", path, ...(await given(tool, input, verb)) } as const;
      const changed = await tool.daemon.ask<RecipientChanged>(call);
      tool.print(changed, () => changedText(plain(input.word(0)), verb, changed));
      if (verb !== "remove" || changed.count < changed.before) return OK;
      tool.complain(
        "nothing was removed: the list has none of them; `holdfast recipients list` shows the origin",
      );
      return FAILED;
    },
  };
}

/** Says how many of the entries were new, or existed and were removed: otherwise a misspelt name would go unnoticed. */
function changedText(domain: string, verb: RecipientVerb, { count, before }: RecipientChanged): string {
  const list = `The API list of ${domain} has ${counted(count, "entry", "entries")}`;
  if (verb === "add") return `${list}; ${count - before} added.\n`;
  return verb === "remove" ? `${list}; ${before - count} removed.\n` : `${list}; before, it had ${before}.\n`;
}

/** Returns the given recipients: words, a file, or stdin for `replace` or `--file -`. */
async function given(tool: Tool, input: Input, verb: RecipientVerb) {
  const recipients = input.words.slice(1);
  const file = input.text("file");
  const ways = [
    ...(recipients.length > 0 ? ["recipients"] : []),
    ...(file === undefined ? [] : ["--file"]),
    ...(input.flag("empty") ? ["--empty"] : []),
  ];
  if (ways.length > 1) throw new WrongUse(`give ${ways.join(" or ")}, not both`);
  if (verb === "replace") await refuseFileName(input.words);
  if (recipients.length > 0 || input.flag("empty")) return { json: { verb, recipients } };
  if (file === undefined && verb !== "replace")
    throw new WrongUse("which recipients? give them, or --file FILE");
  const text = file === undefined || file === "-" ? await readStdin(tool) : await readGiven(file);
  // Input may be empty because the first program of a pipe failed; a file may contain only comments.
  if (entriesOf(text).length === 0)
    throw new WrongUse("no recipients were read; to replace the list with nothing, say --empty");
  return { text, query: { verb } };
}

/** Refuses a file name as the only recipient: it would replace the list by that one name. */
async function refuseFileName([domain = "", word = "", ...others]: readonly string[]): Promise<void> {
  if (word === "" || others.length > 0 || word.includes("@")) return;
  const isFile = await stat(word).then(
    (found) => !found.isDirectory(),
    () => false,
  );
  if (!isFile && !word.includes("/") && word !== "-") return;
  throw new WrongUse(`${word} looks like a file: say --file ${word}, or ${word}@${domain} for the recipient`);
}

export const recipientsAdd = changing(
  "add",
  "Adds valid recipients: local parts, addresses, or prefix-*.",
  "holdfast recipients add example.com alice 'list-*'",
);

export const recipientsRemove = changing(
  "remove",
  "Removes recipients from the API list; those in the configuration file stay.",
  "holdfast recipients remove example.com alice",
);

export const recipientsReplace = changing(
  "replace",
  "Makes these the whole API list of the domain, read from a file or stdin.",
  "holdfast recipients replace example.com --file users.txt",
);

export const recipientsCheck: Command = {
  words: "ADDRESS",
  summary: "Says which answer a client would get for a recipient, and why.",
  options: [],
  example: "holdfast recipients check alice@example.com",
  async run(tool, input) {
    const query = { address: input.word(0) };
    const answer = await tool.daemon.ask<RecipientCheckBody>({ path: "/v1/recipients/check", query });
    tool.print(answer, () => answerText(tool, answer));
    return OK;
  },
};

function answerText(tool: Tool, found: RecipientCheckBody): string {
  const { address, answer, why, origin, age, reply, sources = [] } = found;
  return facts(
    [
      ["Address", address],
      ["Answer", reply === undefined ? answer : `${answer}: ${reply}`],
      ["Why", why],
      ...fact("Known from", origin),
      ...fact("Age", age === undefined ? undefined : timeInWords(age)),
      ...sources.map(sourceFact),
    ],
    tool.columns,
  );
}

function sourceFact({ source, says, age }: NonNullable<RecipientCheckBody["sources"]>[number]): Fact {
  return ["Source", `${source}: ${says}${age === undefined ? "" : ` (${timeInWords(age)} ago)`}`];
}
