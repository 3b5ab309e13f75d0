/** An inspection that says what a test wants, when it wants. */
import { ACCEPT } from "../../src/mail/verdict.ts";
import type {
  ContentView,
  Inspected,
  InspectedMail,
  Inspection,
  Inspector,
  WholeBody,
} from "../../src/ports/inspection.ts";

/** A mail of a stranger for one of our users, as inspections are told of it. */
export const INSPECTED_MAIL: InspectedMail = {
  id: "1",
  client: { ip: "192.0.2.1", helo: "client.example" },
  sender: "",
  announced: 0,
  recipients: ["alice@our.test"],
  own: undefined,
  exempt: false,
};

export class FakeInspection implements Inspection {
  readonly name: string;
  readonly mails: InspectedMail[] = [];
  /** What was shown of each body. */
  readonly shown: string[] = [];
  /** What was read again at the end. */
  readonly read: string[] = [];
  aborts = 0;
  key: (view: ContentView) => string = () => "";
  wants: (mail: InspectedMail) => boolean = () => true;
  onFeed: (chunk: Buffer) => Promise<void> | undefined = () => undefined;
  answer: (body: WholeBody) => Inspected | Promise<Inspected> = () => ({ verdict: ACCEPT });
  lost?: Inspection["lost"] & {};

  constructor(name = "fake") {
    this.name = name;
  }

  profile(view: ContentView): string {
    return this.key(view);
  }

  begin(mail: InspectedMail): Inspector | undefined {
    if (!this.wants(mail)) return undefined;
    const at = this.mails.push(mail) - 1;
    this.shown.push("");
    return {
      feed: (chunk) => {
        this.shown[at] += chunk.toString("latin1");
        return this.onFeed(chunk);
      },
      finish: async (body) => {
        let text = "";
        for await (const chunk of body.read()) text += chunk.toString("latin1");
        this.read.push(text);
        return this.answer(body);
      },
      abort: () => void (this.aborts += 1),
    };
  }
}
