/** Takes the daemon's alerts, as an operator's webhook does. */
import { createServer } from "node:http";
import { listenLocally } from "../../support/http-listener.ts";

export interface ToldAlert {
  readonly alert: string;
  readonly subject: string;
  readonly text: string;
}

export interface Webhook extends AsyncDisposable {
  readonly url: string;
  readonly alerts: readonly ToldAlert[];
}

export async function openWebhook(): Promise<Webhook> {
  const alerts: ToldAlert[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      alerts.push(JSON.parse(text) as ToldAlert);
      response.end();
    });
  });
  const listener = await listenLocally(server);
  return { ...listener, url: `http://127.0.0.1:${listener.port}/`, alerts };
}
