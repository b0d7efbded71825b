// Errors in words: what happened, and what to do about it.
import { ApiError } from "./api";
import type { Decision } from "./types";
import { clock } from "./format";

export interface Explanation {
  title: string;
  advice: string;
  reference?: string;
}

const kByCode: Record<string, [string, string]> = {
  offline: [
    "The server cannot be reached",
    "Nothing was changed as far as this page knows. Check the connection, then try again.",
  ],
  offline_keyed: [
    "The server cannot be reached",
    "It may have been done all the same. Check the connection, then try again here: it is done once.",
  ],
  timeout: [
    "No answer in time",
    "It may have been done all the same. Reload before you repeat it; a second decision is refused, not doubled.",
  ],
  timeout_keyed: [
    "No answer in time",
    "It may have been done all the same. Try again here: it is done once, and this page gets its answer.",
  ],
  idempotency_in_flight: [
    "It is being done",
    "The first attempt has not ended. Wait a little, then try again here: it is done once.",
  ],
  idempotency_key_reuse: [
    "It was done already",
    "Its answer cannot be shown any more. Close this, and look at the list for what was made.",
  ],
  message_not_pending: [
    "Already decided",
    "Somebody else, or its deadline, was faster. Nothing was changed by you.",
  ],
  conflict: ["It changed in the meantime", "Read it again; what you saw is no longer what would be sent."],
  recipient_suppressed: [
    "A recipient must not be written to",
    "The address bounced, complained or unsubscribed. Remove it here, or take it off the suppression list first.",
  ],
  domain_not_verified: [
    "The sender's domain is not verified",
    "Publish its DNS records and verify the domain; the message stays held until then.",
  ],
  invalid_recipient: ["A recipient is not an e-mail address", "Correct it and approve again."],
  too_many_recipients: ["Too many recipients", "A message goes to 50 at most, To, Cc and Bcc together."],
  payload_too_large: ["Too large", "Text and attachments together may take 10 MiB."],
  invalid_attachment: ["An attachment cannot be read", "Remove it and add the file again."],
  agent_taken: ["The address is taken", "Choose another one."],
  address_in_trash: ["The address is in your trash", "Restore that agent, or remove it for good first."],
  invalid_slug: [
    "The address cannot be used",
    "Before the @: 2 to 40 small letters, digits and hyphens, no hyphen at either end, and not a reserved word.",
  ],
  domain_not_registered: [
    "The domain is not registered here",
    "Use the shared domain, or register yours first.",
  ],
  inbound_mx_missing: ["No MX record leads here", "Publish the MX record of that domain, then try again."],
  invalid_webhook_url: [
    "The address cannot be used",
    "It has to be https:// with a host name on the public Internet that resolves now.",
  ],
  webhook_cooldown: [
    "Too soon",
    "It was switched off because deliveries failed. Repair the endpoint; try in 5 minutes.",
  ],
  webhook_disabled: ["The webhook is switched off", "Switch it on, then test it."],
  webhook_limit_reached: ["That is the last webhook", "Remove one before you add another."],
  limit_exceeded: ["The plan does not allow more", "Remove something, or raise the limit of the account."],
  forbidden: ["Not allowed", "This account may not do that."],
  not_found: ["It does not exist", "It may have been removed, or belong to another account."],
  invalid_credentials: [
    "E-mail or password is wrong",
    "Both are checked together; capitals count in the password.",
  ],
  wrong_password: [
    "That is not your present password",
    "Capitals count. Who forgot it sets another on the server: countersign account set-password.",
  ],
  too_late: ["Too late to undo", "It is on its way already, or was decided anew; its page says which."],
  unauthorized: ["Not signed in", "Sign in and try again."],
  events_log_disabled: ["There is no event log", "This server keeps none."],
  gone: ["No longer kept", "Events are kept for 30 days."],
};

/** Says what an error means to the person who meets it. */
export function explain(error: unknown): Explanation {
  if (!(error instanceof ApiError)) {
    return { title: "Something in this page failed", advice: `Reload the page. (${String(error)})` };
  }
  if (error.missing_operation) {
    return {
      title: "Not available on this server",
      advice: "Its version does not have this part of the console.",
    };
  }
  if (error.code === "message_not_pending") {
    const decision = error.details["decision"] as Decision | undefined;
    if (decision)
      return { title: "Already decided", advice: `${decided(decision)} Nothing was changed by you.` };
  }
  if (error.status === 429) {
    const wait = error.retry_after_seconds;
    return {
      title: "Too many at once",
      advice: wait ? `Try again in ${wait} s.` : "Wait a little, then try again.",
    };
  }
  const known = kByCode[error.code];
  const reference = error.request_id;
  if (known) {
    const specific = suppressed(error);
    return { title: known[0], advice: specific ?? known[1], reference };
  }
  if (error.code === "invalid_request") {
    return { title: "The server did not take it", advice: fields_of(error), reference };
  }
  if (error.status >= 500) {
    return {
      title: "The server failed",
      advice: "Try again; if it stays, the server's log has more under this reference.",
      reference,
    };
  }
  return { title: error.message, advice: "Correct it and try again.", reference };
}

function suppressed(error: ApiError): string | null {
  const list = error.details["addresses"] ?? error.details["suppressed"];
  if (error.code !== "recipient_suppressed" || !Array.isArray(list)) return null;
  return `${list.join(", ")} bounced, complained or unsubscribed. Remove it here, or take it off the suppression list.`;
}

function fields_of(error: ApiError): string {
  const fields = error.details["fields"];
  if (!Array.isArray(fields) || fields.length === 0) return error.message;
  return (fields as { location: string; message: string }[])
    .map((field) => {
      const name = field.location.replace(/^(body|query|path|header)\.?/, "");
      return name === "" ? field.message : `${name}: ${field.message}`;
    })
    .join(" · ");
}

const kDecisions: Record<string, string> = {
  approved: "approved",
  rejected: "rejected",
  expired_approved: "approved because its time was up",
  expired_rejected: "rejected because its time was up",
};

/** "ada@example.org approved it at 14:03, with changes." */
export function decided(decision: Decision): string {
  const what = kDecisions[decision.as] ?? decision.as;
  const at = clock(decision.at);
  if (decision.as.startsWith("expired")) return `It was ${what} at ${at}.`;
  const changes = decision.edited ? ", with changes" : "";
  const reason = decision.reason ? ` Reason: “${decision.reason}”.` : "";
  return `${decision.by} ${what} it at ${at}${changes}.${reason}`;
}
