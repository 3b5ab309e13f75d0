/** Which enhanced codes may stand in a reply, RFC 2034, RFC 3463 and the registry of RFC 5248. */

/** The basic codes that go with an enhanced code: the registry of RFC 5248, and RFC 5321 §4.2.2. */
const PAIRS: Readonly<Record<string, readonly number[]>> = {
  "X.0.0": [214, 220, 221, 250],
  "X.1.0": [250],
  "X.1.1": [450, 550],
  "X.1.3": [501],
  "X.1.5": [250],
  "X.1.7": [501, 450],
  "X.2.2": [452, 552],
  "X.3.0": [421, 451],
  "X.3.1": [452],
  "X.3.2": [421, 451, 453, 458],
  "X.3.4": [552, 554],
  "X.4.2": [421],
  "X.4.6": [554],
  "X.5.0": [220, 250, 251, 252, 253, 451, 452, 454, 458, 459, 501, 502, 503, 550, 554],
  "X.5.1": [502, 503],
  "X.5.2": [500, 501, 502, 550],
  "X.5.3": [452, 550],
  "X.5.4": [501, 502, 503, 504, 550, 555],
  "X.6.0": [550],
  "X.6.7": [550, 553],
  "X.6.9": [550],
  "X.7.0": [220, 235, 421, 450, 454, 500, 501, 503, 504, 530, 535, 550],
  // 554: for clients that are refused whatever they send, as other servers answer them.
  "X.7.1": [421, 450, 451, 454, 459, 502, 503, 533, 550, 551, 554],
  // RFC 7372 and RFC 7505; 451 where the operator puts off what could be refused.
  "X.7.20": [450, 451, 550],
  "X.7.23": [450, 451, 550],
  "X.7.24": [450, 451, 550],
  "X.7.25": [450, 451, 550],
  "X.7.26": [450, 451, 550],
  "X.7.27": [450, 451, 550],
};

/** What is wrong with this code in a reply of this basic code; undefined: nothing. */
export function enhancedCodeFault(code: number, enhanced: string): string | undefined {
  if (!/^[245]\.\d{1,3}\.\d{1,3}$/.test(enhanced)) return `${enhanced} is no enhanced code`;
  if (enhanced[0] !== String(code)[0]) return `${enhanced} is not of the class of ${code}`;
  const fits = PAIRS[`X${enhanced.slice(1)}`]?.includes(code) === true;
  return fits ? undefined : `${code} ${enhanced} is not a pair that goes together`;
}

/** The same for a whole line of a reply. Greeting, EHLO, HELO and 354 have none. */
export function replyLineFault(line: string): string | undefined {
  const [, digits = "", enhanced] = /^(\d{3})[ -](?:(\d\.\d{1,3}\.\d{1,3})(?: |$))?/.exec(line) ?? [];
  const code = Number(digits);
  if (enhanced !== undefined) return enhancedCodeFault(code, enhanced);
  return [220, 250, 354].includes(code) ? undefined : `"${line}" has no enhanced code`;
}
