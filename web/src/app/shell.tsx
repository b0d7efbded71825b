// The frame of every page: where one is, what waits, and the way elsewhere.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { liveness } from "../lib/live";
import { path_to, useRoute } from "../lib/router";
import { useStore } from "../lib/store";
import type { Session } from "../lib/types";
import { Button, Key } from "../ui/basic";
import { Dialog, toast_error } from "../ui/dialog";
import { Icon, Mark, type IconName } from "../ui/icons";
import { counts } from "./counts";
import { sign_out } from "./session";
import { cycle_theme, theme } from "./theme";

interface Place {
  path: string;
  name: string;
  icon: IconName;
  count?: "held" | "unknown";
}

const kPlaces: Place[] = [
  { path: "queue", name: "Review", icon: "inbox", count: "held" },
  { path: "unknown", name: "Unknown", icon: "question", count: "unknown" },
  { path: "overview", name: "Overview", icon: "pulse" },
  { path: "mail", name: "Mail", icon: "mail" },
  { path: "agents", name: "Agents", icon: "agent" },
  { path: "webhooks", name: "Webhooks", icon: "hook" },
  { path: "events", name: "Events", icon: "list" },
  { path: "suppressions", name: "Suppressed", icon: "stop" },
  { path: "keys", name: "API keys", icon: "key" },
];
const kOnPhone = ["queue", "unknown", "overview", "mail"];

function PlaceLink({ place, here }: { place: Place; here: string }) {
  const waiting = useStore(counts);
  const count = place.count ? waiting[place.count] : null;
  return (
    <a
      class={place.count === "unknown" && count ? "place place-alarm" : "place"}
      href={path_to(place.path)}
      aria-current={here === place.path ? "page" : undefined}
    >
      <Icon name={place.icon} />
      <span class="place-name">{place.name}</span>
      {count !== null && count > 0 && (
        <span class="place-count num">
          {count > 999 ? "999+" : count}
          <span class="out-of-sight"> waiting</span>
        </span>
      )}
    </a>
  );
}

function Live() {
  const state = useStore(liveness);
  const text = { live: "Live", reconnecting: "Reconnecting", connecting: "Connecting" }[state];
  const title = {
    live: "News arrive as they happen",
    reconnecting: "No event stream: looking again every 20 seconds until there is one",
    connecting: "",
  }[state];
  return (
    <span class={`live live-${state}`} title={title}>
      <span class="live-dot" aria-hidden="true" />
      {text}
    </span>
  );
}

export function Shell({ session, children }: { session: Session; children: ComponentChildren }) {
  const here = useRoute().segments[0] ?? "queue";
  const [more, set_more] = useState(false);
  useEffect(() => set_more(false), [here]);
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={skip}>
        Skip to the page
      </a>
      <nav class="rail" aria-label="Console">
        <a class="brand" href={path_to("queue")}>
          <Mark />
          <strong>Countersign</strong>
        </a>
        <ul class="places">
          {kPlaces.map((place) => (
            <li key={place.path} class={kOnPhone.includes(place.path) ? undefined : "not-on-phone"}>
              <PlaceLink place={place} here={here} />
            </li>
          ))}
          <li class="on-phone">
            <button type="button" class="place" onClick={() => set_more(true)} aria-haspopup="dialog">
              <Icon name="more" />
              <span class="place-name">More</span>
            </button>
          </li>
        </ul>
        <AccountPart session={session} here={here} />
      </nav>
      <main class="content" id="content" tabIndex={-1}>
        {children}
      </main>
      {more && <More here={here} session={session} close={() => set_more(false)} />}
    </div>
  );
}

function skip(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function AccountPart({ session, here }: { session: Session; here: string }) {
  const [leaving, set_leaving] = useState(false);
  const chosen = useStore(theme);
  const icon: IconName = chosen === "light" ? "sun" : chosen === "dark" ? "moon" : "half";
  return (
    <div class="rail-foot">
      <Live />
      <a
        class="truncate small"
        href={path_to("account")}
        title="Your account"
        aria-current={here === "account" ? "page" : undefined}
      >
        {session.email}
      </a>
      <div class="row-tight">
        <Button kind="plain" small icon={icon} label={`Colours: ${chosen}`} onClick={cycle_theme} />
        <Button kind="plain" small icon="door" onClick={() => set_leaving(true)}>
          Sign out
        </Button>
      </div>
      {leaving && <SignOut close={() => set_leaving(false)} />}
    </div>
  );
}

function SignOut({ close }: { close: () => void }) {
  const out = (everywhere: boolean) => () => void sign_out(everywhere).catch(toast_error);
  return (
    <Dialog
      title="Sign out"
      onClose={close}
      actions={
        <>
          <Button onClick={close}>Stay</Button>
          <Button kind="danger" onClick={out(true)}>
            On every device
          </Button>
          <Button kind="primary" onClick={out(false)}>
            Here
          </Button>
        </>
      }
    >
      <p>Here, or on every device where this account is signed in? API keys go on working.</p>
    </Dialog>
  );
}

function More({ here, session, close }: { here: string; session: Session; close: () => void }) {
  return (
    <Dialog title="More" onClose={close} actions={<Button onClick={close}>Close</Button>}>
      <ul class="places places-more">
        {kPlaces
          .filter((place) => !kOnPhone.includes(place.path))
          .map((place) => (
            <li key={place.path}>
              <PlaceLink place={place} here={here} />
            </li>
          ))}
      </ul>
      <AccountPart session={session} here={here} />
    </Dialog>
  );
}

const kKeys: [string, string][] = [
  ["j  k", "next, previous"],
  ["a", "approve"],
  ["e", "edit, then Ctrl+Enter approves"],
  ["r", "reject with a reason"],
  ["u", "undo the last approval"],
  ["x", "select; a and r then decide about all selected"],
  ["o", "open or close the conversation"],
  ["Esc", "leave a field, an edit without changes, the selection"],
  ["?", "this list"],
];

export function KeyHelp({ close }: { close: () => void }) {
  return (
    <Dialog title="Keys" onClose={close} actions={<Button onClick={close}>Close</Button>}>
      <dl class="facts">
        {kKeys.map(([keys, text]) => [
          <dt key={keys}>
            {keys.split("  ").map((key) => (
              <Key key={key} name={key} />
            ))}
          </dt>,
          <dd key={text}>{text}</dd>,
        ])}
      </dl>
    </Dialog>
  );
}
