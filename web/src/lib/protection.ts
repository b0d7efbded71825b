// What a protection configuration means, in sentences.
import { plural } from "./format";
import type { Gate, Protection } from "./types";

const kTtlDefault = 604_800;
const kThen: Record<string, string> = {
  flag: "goes through with a flag",
  review: "waits for you",
  block: "is refused",
};

function gate_out(gate: Gate): string {
  const then = kThen[gate.action ?? "flag"] ?? gate.action;
  const list = gate.allowlist ?? [];
  switch (gate.policy ?? "open") {
    case "open":
      return "It may write to anybody.";
    case "domain":
      return `It may write within its own domain. A message to anybody else ${then}.`;
    case "allowlist":
      return list.length === 0
        ? `Everything it sends ${then}: nobody is on its list.`
        : `It may write to ${plural(list.length, "address", "addresses")} on its list. A message to anybody else ${then}.`;
  }
}

function gate_in(gate: Gate): string {
  const then = { flag: "is delivered with a flag", review: "waits for you", block: "is kept from it" }[
    gate.action ?? "flag"
  ];
  const list = gate.allowlist ?? [];
  switch (gate.policy ?? "open") {
    case "open":
      return "Anybody may write to it.";
    case "domain":
      return `Proven senders of ${plural(list.length, "domain")} on its list reach it. Other mail ${then}.`;
    case "allowlist":
      return list.length === 0
        ? `All mail to it ${then}: nobody is on its list.`
        : `${plural(list.length, "proven sender")} on its list ${list.length === 1 ? "reaches" : "reach"} it. Other mail ${then}.`;
  }
}

const kScan: Record<string, string> = {
  low: "only the plainest cases wait for you",
  medium: "suspicious content waits for you",
  high: "even slightly suspicious content waits for you",
};

function span(seconds: number): string {
  if (seconds % 86_400 === 0) return plural(seconds / 86_400, "day");
  if (seconds % 3600 === 0) return plural(seconds / 3600, "hour");
  return seconds % 60 === 0 ? plural(seconds / 60, "minute") : plural(seconds, "second");
}

/** Sentences about sending, about receiving, and about what happens when nobody decides. */
export function summary_of(config: Protection): { sending: string[]; receiving: string[]; deadline: string } {
  const scan = (sensitivity: string | undefined, what: string): string[] =>
    sensitivity && sensitivity !== "off"
      ? [`${what} is screened: ${kScan[sensitivity] ?? sensitivity}.`]
      : [`${what} is not screened.`];
  const ttl = config.holds.ttl_seconds ?? kTtlDefault;
  const end = config.holds.on_expiry === "approve" ? "goes out as it is" : "is rejected";
  return {
    sending: [gate_out(config.outbound.gate), ...scan(config.outbound.scan.sensitivity, "What it writes")],
    receiving: [gate_in(config.inbound.gate), ...scan(config.inbound.scan.sensitivity, "What it receives")],
    deadline: `What nobody decides within ${span(ttl)} ${end}.${config.holds.suppress_notifications ? "" : " You get a mail when something waits."}`,
  };
}

/** Warnings about combinations that a person may not want. */
export function doubts_of(config: Protection): string[] {
  const out: string[] = [];
  const held = [config.outbound.gate, config.inbound.gate].some(
    (gate) => gate.action === "review" && gate.policy !== "open",
  );
  if (config.holds.on_expiry === "approve" && held)
    out.push("What you do not get to is sent unread when its time is up.");
  if ((config.holds.ttl_seconds ?? kTtlDefault) < 900)
    out.push("Less than 15 minutes: a hold may end before anybody sees it.");
  if (
    config.outbound.gate.policy === "allowlist" &&
    config.outbound.gate.action === "block" &&
    !config.outbound.gate.allowlist?.length
  ) {
    out.push("It cannot send anything at all.");
  }
  return out;
}

/** With every member, so that what is edited is what is saved. */
export function complete(config: Protection): Protection {
  const side = (direction: Protection["inbound"]): Protection["inbound"] => ({
    gate: {
      policy: direction.gate.policy ?? "open",
      action: direction.gate.action ?? "flag",
      allowlist: direction.gate.allowlist ?? [],
    },
    scan: { sensitivity: direction.scan.sensitivity ?? "off" },
  });
  return {
    inbound: side(config.inbound),
    outbound: side(config.outbound),
    holds: {
      ttl_seconds: config.holds.ttl_seconds ?? kTtlDefault,
      on_expiry: config.holds.on_expiry ?? "reject",
      suppress_notifications: config.holds.suppress_notifications ?? false,
    },
  };
}
