/**
 * The admin API as its clients see it: every request and every response. The command-line tool imports this file and
 * nothing else of the daemon.
 *
 * Each group of bodies has a file, `*-bodies.ts`.
 *
 * Times are milliseconds since 1970, durations milliseconds, sizes bytes; domains are A-labels in lower case.
 * Every error is `{ error: { code, message, hint? } }`. Unknown keys in a request are refused.
 */
export { ErrorCode, ErrorBody, HealthBody } from "./error-bodies.ts";
export {
  StateName,
  ReasonName,
  QueueQuery,
  ExportQuery,
  QueueEntryBody,
  QueuePage,
  MailBody,
  QueueVerb,
  QueueAction,
  CountBody,
  StateCounts,
} from "./queue-bodies.ts";
export { type ToldBody } from "./notice-bodies.ts";
export { PrimaryBody, PrimaryStatusBody, type ProbationBody } from "./primary-bodies.ts";
export {
  NewDomain,
  DomainChange,
  DomainBody,
  DomainList,
  DomainRemoved,
  DomainPaused,
  PauseQuery,
} from "./domain-bodies.ts";
export {
  MAX_RECIPIENTS,
  RecipientQuery,
  RecipientPageBody,
  RecipientVerb,
  RecipientChangeBody,
  RecipientChanged,
  RecipientLinesQuery,
  RecipientCheckQuery,
  RecipientCheckBody,
  FetchStatusBody,
} from "./recipient-bodies.ts";
export { DiagnosisBody } from "./doctor-bodies.ts";
export { RehearsalBody, RehearsalQuery } from "./rehearsal-bodies.ts";
export { TraceQuery, TraceBody } from "./trace-bodies.ts";
export { NewRule, RuleBody, RuleList } from "./access-bodies.ts";
export { LookBody, ExplainQuery, ExplainBody } from "./explain-bodies.ts";
export {
  NewAllowedSender,
  AllowedSenderQuery,
  AllowedSenderBody,
  AllowedSenderList,
} from "./quarantine-bodies.ts";
export { StatusBody, ReloadBody } from "./status-bodies.ts";
export { NewToken, CreatedToken, TokenList } from "./token-bodies.ts";
export { SOCKET_CALLER } from "../../ports/journal.ts";

/** Largest request body in octets; recipient lists are the largest bodies. */
export const MAX_BODY = 16 * 1024 * 1024;

/** The message of the 404 for a path that this version does not serve; other 404s are about a mail, a domain and so on. */
export const NO_ROUTE = "there is no such route";
