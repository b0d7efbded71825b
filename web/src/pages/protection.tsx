// Editing an agent's protection: the settings, what they mean, and what they would have done to past mail.
import { useEffect, useState } from "preact/hooks";
import { at, get, post, send } from "../lib/api";
import { clock, plural, split_addresses, some_of } from "../lib/format";
import { complete, doubts_of, summary_of } from "../lib/protection";
import { useResource } from "../lib/resource";
import type { DryRun, Gate, Protection, ProtectionDirection } from "../lib/types";
import { Badge, Button, ErrorNote, Note, Skeleton } from "../ui/basic";
import { toast } from "../ui/dialog";
import { Check, SelectField, TextField } from "../ui/fields";

export function ProtectionEditor({ email }: { email: string }) {
  const found = useResource<Protection>(`protection:${email}`, (signal) =>
    get(at`/v1/agents/${email}/protection`, signal),
  );
  if (found.error) return <ErrorNote error={found.error} retry={found.reload} />;
  // Never from an answer that was kept: what is saved replaces all that the server has.
  if (!found.data || found.loading) return <Skeleton lines={5} />;
  return <Editor email={email} saved={complete(found.data)} done={found.set} />;
}

function Editor({
  email,
  saved,
  done,
}: {
  email: string;
  saved: Protection;
  done: (config: Protection) => void;
}) {
  const [config, set_config] = useState(saved);
  const [fault, set_fault] = useState<unknown>(null);
  const [busy, set_busy] = useState(false);
  const dirty = JSON.stringify(config) !== JSON.stringify(saved);
  const save = async (event: Event) => {
    event.preventDefault();
    set_busy(true);
    set_fault(null);
    try {
      const kept = complete(await send<Protection>("PUT", at`/v1/agents/${email}/protection`, config));
      done(kept);
      set_config(kept);
      toast("Saved. It holds from the next message on.");
    } catch (error) {
      set_fault(error);
    }
    set_busy(false);
  };
  return (
    <form class="card stack-2" onSubmit={(event) => void save(event)}>
      <div class="stack">
        <h2>Protection</h2>
        <Summary config={config} />
      </div>
      <div class="two-columns">
        <Side
          title="What it sends"
          out
          value={config.outbound}
          onChange={(outbound) => set_config({ ...config, outbound })}
        />
        <Side
          title="What it receives"
          value={config.inbound}
          onChange={(inbound) => set_config({ ...config, inbound })}
        />
      </div>
      <Deadline value={config.holds} onChange={(holds) => set_config({ ...config, holds })} />
      {fault !== null && <ErrorNote error={fault} />}
      <div class="row">
        <Button type="submit" kind="primary" busy={busy} disabled={!dirty}>
          Save
        </Button>
        {dirty && <Button onClick={() => set_config(saved)}>Discard</Button>}
        {dirty && <span class="quiet small">Not saved yet.</span>}
      </div>
      <Try email={email} config={config} />
    </form>
  );
}

function Summary({ config }: { config: Protection }) {
  const said = summary_of(config);
  return (
    <>
      <div class="sentences" role="status">
        <p>{said.sending.join(" ")}</p>
        <p>{said.receiving.join(" ")}</p>
        <p>{said.deadline}</p>
      </div>
      {doubts_of(config).map((doubt) => (
        <Note key={doubt} tone="warn">
          {doubt}
        </Note>
      ))}
    </>
  );
}

interface SideProps {
  title: string;
  out?: boolean;
  value: ProtectionDirection;
  onChange: (value: ProtectionDirection) => void;
}

function Side({ title, out, value, onChange }: SideProps) {
  const gate = (change: Partial<Gate>) => onChange({ ...value, gate: { ...value.gate, ...change } });
  const policy = value.gate.policy ?? "open";
  const [list, set_list] = useState((value.gate.allowlist ?? []).join("\n"));
  const given = (value.gate.allowlist ?? []).join("\n");
  useEffect(() => {
    if (split_addresses(list).join("\n") !== given) set_list(given);
  }, [given]);
  return (
    <fieldset class="stack">
      <legend class="legend">{title}</legend>
      <SelectField
        label={out ? "It may write to" : "May write to it"}
        value={policy}
        options={
          out
            ? [
                ["open", "anybody"],
                ["domain", "its own domain"],
                ["allowlist", "whom I list"],
              ]
            : [
                ["open", "anybody"],
                ["domain", "domains I list, proven by DMARC"],
                ["allowlist", "senders I list, proven by DMARC"],
              ]
        }
        onChange={(chosen) => gate({ policy: chosen })}
      />
      {(policy === "allowlist" || (policy === "domain" && !out)) && (
        <TextField
          label={policy === "domain" ? "Domains" : "Addresses"}
          rows={4}
          mono
          value={list}
          onInput={(text) => {
            set_list(text);
            gate({ allowlist: split_addresses(text).map((one) => one.toLowerCase()) });
          }}
          hint={out ? "One per line. An empty list stops everything." : "One per line."}
        />
      )}
      {policy !== "open" && (
        <SelectField
          label="Anything else"
          value={value.gate.action ?? "flag"}
          options={[
            ["flag", "goes through, with a flag"],
            ["review", "waits for me"],
            ["block", out ? "is refused" : "is kept from it"],
          ]}
          onChange={(action) => gate({ action })}
        />
      )}
      <SelectField
        label="Screening of the content"
        value={value.scan.sensitivity ?? "off"}
        options={[
          ["off", "off"],
          ["low", "low: the plainest cases"],
          ["medium", "medium: suspicious content waits"],
          ["high", "high: slight suspicion waits"],
        ]}
        onChange={(sensitivity) => onChange({ ...value, scan: { sensitivity } })}
      />
    </fieldset>
  );
}

const kTtls: [string, string][] = [
  ["3600", "1 hour"],
  ["14400", "4 hours"],
  ["86400", "1 day"],
  ["259200", "3 days"],
  ["604800", "7 days"],
];

function Deadline({
  value,
  onChange,
}: {
  value: Protection["holds"];
  onChange: (value: Protection["holds"]) => void;
}) {
  const ttl = String(value.ttl_seconds ?? 604_800);
  const options = kTtls.some(([seconds]) => seconds === ttl)
    ? kTtls
    : [[ttl, `${ttl} seconds`] as [string, string], ...kTtls];
  return (
    <fieldset class="stack">
      <legend class="legend">When nobody decides</legend>
      <div class="two-columns">
        <SelectField
          label="After"
          value={ttl}
          options={options}
          onChange={(seconds) => onChange({ ...value, ttl_seconds: Number(seconds) })}
        />
        <SelectField
          label="It is"
          value={value.on_expiry ?? "reject"}
          options={[
            ["reject", "rejected"],
            ["approve", "approved, unread"],
          ]}
          onChange={(on_expiry) => onChange({ ...value, on_expiry })}
        />
      </div>
      <Check
        checked={!value.suppress_notifications}
        onChange={(on) => onChange({ ...value, suppress_notifications: !on })}
      >
        Send me a mail when something waits
      </Check>
    </fieldset>
  );
}

function Try({ email, config }: { email: string; config: Protection }) {
  const [result, set_result] = useState<DryRun | null>(null);
  const [error, set_error] = useState<unknown>(null);
  const [busy, set_busy] = useState(false);
  const text = JSON.stringify(config);
  useEffect(() => {
    set_result(null);
    set_error(null);
  }, [text]);
  const run = async () => {
    set_busy(true);
    set_error(null);
    try {
      set_result(await post<DryRun>(at`/protection/${email}/dry-run`, config));
    } catch (failure) {
      set_error(failure);
    }
    set_busy(false);
  };
  return (
    <div class="stack">
      <div class="row">
        <Button small icon="eye" busy={busy} onClick={() => void run()}>
          Try on past mail
        </Button>
        <span class="quiet small">Nothing is changed or sent.</span>
      </div>
      {error !== null && <ErrorNote error={error} />}
      {result && (
        <div class="stack" role="status">
          <p>
            Of the last {plural(result.checked, "message")}, <strong>{result.would_hold}</strong> would wait
            for you
            {result.would_block ? `, ${result.would_block} would be refused` : ""}
            {result.would_flag ? `, ${result.would_flag} would be flagged` : ""}.
          </p>
          <ul class="rows">
            {result.examples.map((one) => (
              <li key={one.id} class="row small">
                <span class="faint num">{clock(one.at)}</span>
                <span class="grow">
                  {one.subject}{" "}
                  <span class="quiet">
                    {one.direction === "inbound" ? `from ${one.from}` : `to ${some_of(one.to)}`}
                  </span>
                </span>
                {one.reason && <Badge>{one.reason}</Badge>}
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
