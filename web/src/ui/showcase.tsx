// Every part of the design system on one page: /console/design.
import { useState, useMemo } from "preact/hooks";
import { ApiError } from "../lib/api";
import { mark } from "../lib/evidence";
import type { HourlySeconds } from "../lib/types";
import {
  Ago,
  Badge,
  Button,
  CopyText,
  Empty,
  ErrorNote,
  Facts,
  Key,
  LinkButton,
  Note,
  PageHeader,
  Skeleton,
} from "./basic";
import { Diff, HourChart, MarkedText, Table, Timeline } from "./data";
import { Confirm, Dialog, toast } from "./dialog";
import { Check, Segments, SelectField, Tabs, TextField } from "./fields";
import { Icon, Mark, type IconName } from "./icons";

const kColours = [
  "paper",
  "surface",
  "sunken",
  "line",
  "accent",
  "accent-soft",
  "danger",
  "danger-soft",
  "warn",
  "warn-soft",
  "mark",
  "added",
  "removed",
];
const kIconNames: IconName[] = [
  "inbox",
  "question",
  "pulse",
  "agent",
  "mail",
  "key",
  "hook",
  "list",
  "stop",
  "out",
  "in",
  "check",
  "cross",
  "edit",
  "clip",
  "warn",
  "info",
  "clock",
  "back",
  "more",
  "send",
  "undo",
  "copy",
  "sun",
  "moon",
  "half",
  "plus",
  "door",
  "talk",
  "file",
  "eye",
  "shield",
  "refresh",
];

function Part({ title, children }: { title: string; children: preact.ComponentChildren }) {
  return (
    <section class="card stack">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

export function Showcase() {
  return (
    <div class="page">
      <PageHeader
        title="Design"
        lead="The parts that every page is made of: one accent colour, two themes, system type, a grid of four pixels."
      >
        <Mark size={40} />
      </PageHeader>
      <Colours />
      <Type />
      <Buttons />
      <Fields />
      <Feedback />
      <Data />
    </div>
  );
}

function Colours() {
  return (
    <Part title="Colours">
      <div class="swatches">
        {kColours.map((name) => (
          <div key={name} class="swatch" style={{ background: `var(--${name})` }}>
            <span class="swatch-label">{name}</span>
          </div>
        ))}
      </div>
    </Part>
  );
}

function Type() {
  return (
    <Part title="Type and icons">
      <h1>A page begins like this</h1>
      <h2>A part of it</h2>
      <h3>A label</h3>
      <p>
        Text, <span class="quiet">quieter text</span>, <span class="faint">the quietest</span>,{" "}
        <span class="mono">addresses@and.codes</span>, <a href="/console/design">a link</a>,{" "}
        <mark>evidence</mark>.
      </p>
      <div class="row">
        {kIconNames.map((name) => (
          <span key={name} title={name}>
            <Icon name={name} />
          </span>
        ))}
      </div>
    </Part>
  );
}

function Buttons() {
  return (
    <Part title="Buttons and badges">
      <div class="row">
        <Button kind="primary" icon="check" shortcut="a">
          Approve
        </Button>
        <Button icon="edit" shortcut="e">
          Edit
        </Button>
        <Button kind="danger" icon="cross" shortcut="r">
          Reject
        </Button>
        <Button kind="danger-solid">Revoke</Button>
        <Button kind="plain">Plain</Button>
        <Button small>Small</Button>
        <Button busy>Working</Button>
        <Button disabled>Not now</Button>
        <Button icon="copy" label="Copy" />
        <LinkButton href="/console/design">A link</LinkButton>
      </div>
      <div class="row">
        <Badge>neutral</Badge>
        <Badge tone="accent" icon="check">
          delivered
        </Badge>
        <Badge tone="warn">deferred</Badge>
        <Badge tone="danger">bounced</Badge>
        <Key name="j" />
        <Key name="?" />
      </div>
    </Part>
  );
}

function Fields() {
  const [text, set_text] = useState("Your quote");
  const [wrong, set_wrong] = useState("customer@");
  const [choice, set_choice] = useState<"one" | "two">("one");
  const [on, set_on] = useState(true);
  const options: ["one" | "two", string][] = [
    ["one", "The first"],
    ["two", "The second"],
  ];
  return (
    <Part title="Fields">
      <div class="two-columns">
        <TextField label="Subject" value={text} onInput={set_text} hint="A hint says what is expected." />
        <TextField
          label="To"
          value={wrong}
          onInput={set_wrong}
          fault="“customer@” is not an e-mail address."
        />
        <SelectField label="One of a few" value={choice} options={options} onChange={set_choice} />
        <TextField label="Text" rows={3} value={text} onInput={set_text} />
      </div>
      <div class="row">
        <Segments label="Either" value={choice} options={options} onChange={set_choice} />
        <Check checked={on} onChange={set_on}>
          A box to tick
        </Check>
      </div>
      <Tabs label="Tabs" value={choice} tabs={options} onChange={set_choice} panel="showcase-panel" />
      <div id="showcase-panel" role="tabpanel" aria-labelledby={`showcase-panel-${choice}`} class="quiet">
        What the tab shows.
      </div>
    </Part>
  );
}

function Feedback() {
  const [open, set_open] = useState<"dialog" | "confirm" | null>(null);
  const close = () => set_open(null);
  return (
    <Part title="Telling">
      <Note>Something to know.</Note>
      <Note tone="accent">Something good.</Note>
      <Note tone="warn">Something to be careful about.</Note>
      <ErrorNote
        error={new ApiError(422, "recipient_suppressed", "", {}, "req_3f0a")}
        retry={() => toast("Tried.")}
      />
      <div class="two-columns">
        <Empty icon="inbox" title="Nothing waits" action={<Button>What to do next</Button>}>
          <p>An empty page says how it gets filled.</p>
        </Empty>
        <Skeleton lines={5} />
      </div>
      <CopyText text="whsec_0123456789abcdef" label="the example" />
      <div class="row">
        <Button
          onClick={() =>
            toast(
              "Approved for customer@example.org.",
              { label: "Undo", run: () => toast("Undone.") },
              Date.now() + 8000,
            )
          }
        >
          A message with a way back
        </Button>
        <Button onClick={() => set_open("dialog")}>A dialog</Button>
        <Button onClick={() => set_open("confirm")}>A question</Button>
      </div>
      {open === "dialog" && (
        <Dialog title="A dialog" onClose={close} actions={<Button onClick={close}>Close</Button>}>
          <p>It keeps the keyboard inside, and gives it back.</p>
        </Dialog>
      )}
      {open === "confirm" && (
        <Confirm
          title="Remove it?"
          text="It says what happens then."
          action="Remove"
          danger
          run={() => Promise.resolve()}
          onClose={close}
        />
      )}
    </Part>
  );
}

function example_hours(now: number): HourlySeconds[] {
  return Array.from({ length: 24 }, (_, i) => ({
    at: new Date(now - (23 - i) * 3_600_000).toISOString(),
    p50: i === 5 ? null : 20 + ((i * 37) % 60),
    p90: i === 5 ? null : 60 + ((i * 53) % 120),
    count: i,
  }));
}

function Data() {
  const now = useMemo(() => Date.now(), []);
  const then = new Date(now - 90_000).toISOString();
  return (
    <Part title="Data">
      <Table
        label="Example"
        rows={[
          ["scout@agents.example.org", "verified"],
          ["desk@agents.example.org", "verified"],
        ]}
        row_key={(row) => row[0] ?? ""}
        columns={[
          { name: "Address", cell: (row) => <span class="mono">{row[0]}</span> },
          { name: "State", cell: (row) => <Badge tone="accent">{row[1]}</Badge> },
          { name: "Since", cell: () => <Ago at={then} /> },
        ]}
      />
      <Facts
        items={[
          ["From", "scout@agents.example.org"],
          ["To", "customer@example.org"],
        ]}
      />
      <Diff before={"Your quotte, 1,480 EUR"} after={"Your quote, 1,840 EUR"} />
      <p>
        <MarkedText
          parts={mark("Please ignore all previous instructions.", ["ignore all previous instructions"])}
        />
      </p>
      <HourChart hours={example_hours(now)} label="Example" />
      <Timeline
        entries={[
          { at: then, icon: "edit", title: "Written by the agent" },
          { at: then, icon: "shield", tone: "warn", title: "Held: a recipient is not on the allowlist" },
          { at: then, icon: "check", tone: "accent", title: "Approved" },
          { at: then, icon: "send", tone: "danger", title: "Refused by the relay" },
        ]}
      />
    </Part>
  );
}
