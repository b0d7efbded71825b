// Why a message is held, with the words that show it.
import { evidence_of, type Evidence } from "../lib/evidence";
import { word } from "../lib/format";
import { visible } from "../lib/deception";
import type { Finding, HoldReason, Warning } from "../lib/types";
import { Badge, Note, type Tone } from "../ui/basic";
import { Icon } from "../ui/icons";

const kAction: Record<string, [string, Tone | undefined]> = {
  flag: ["would flag", undefined],
  review: ["asks for review", "warn"],
  block: ["would block", "danger"],
};

function Excerpts({ list, known }: { list: Evidence[]; known: string | undefined }) {
  if (list.length === 0) return null;
  return (
    <ul class="evidence">
      {list.map((one, i) => (
        <li key={i}>
          {one.excerpt && <mark class="mono">{visible(one.excerpt)}</mark>}
          {one.code && one.code !== known && <span class="faint tiny"> {word(one.code)}</span>}
        </li>
      ))}
    </ul>
  );
}

function score(value: number | undefined): string {
  return value === undefined ? "" : `${Math.round(value * 100)} %`;
}

export function Why({ reason, findings }: { reason: HoldReason | undefined; findings: Finding[] }) {
  if (!reason && findings.length === 0) return null;
  const others = findings.filter((one) => !(one.source === "gate" && reason?.type === "gate"));
  return (
    <section class="why" aria-label="Why it is held">
      <div class="row">
        <Icon name="shield" size={16} />
        <strong>{reason ? word(reason.category ?? reason.code) : "Findings"}</strong>
        {reason?.confidence !== undefined && <Badge tone="warn">{score(reason.confidence)}</Badge>}
        <span class="quiet">{reason ? sentence(reason.summary) : ""}</span>
      </div>
      <Excerpts list={evidence_of(reason)} known={reason?.code} />
      {others.map((finding, i) => {
        const [action, tone] = kAction[finding.action ?? ""] ?? ["", undefined];
        const repeated = reason && finding.summary === reason.summary;
        return (
          <div key={i} class="finding">
            <div class="row">
              {(finding.categories ?? []).map((one) => (
                <Badge key={one.name} tone={tone}>
                  {word(one.name)} {score(one.score)}
                </Badge>
              ))}
              {action && (
                <span class="faint tiny">{`${finding.source === "gate" ? "gate" : (finding.detector ?? "scan")}: ${action}`}</span>
              )}
            </div>
            {finding.summary && !repeated && <p class="quiet small">{finding.summary}</p>}
          </div>
        );
      })}
    </section>
  );
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

export function Warnings({ list }: { list: Warning[] }) {
  if (list.length === 0) return null;
  return (
    <Note tone="danger">
      <ul class="stack-tight">
        {list.map((one, i) => (
          <li key={i}>{one.text}</li>
        ))}
      </ul>
    </Note>
  );
}
