// The console: which page an address shows.
import { render, type ComponentChildren } from "preact";
import { lazy_page } from "./app/lazy";
import { useEffect, useState } from "preact/hooks";
import { follow_counts, counts } from "./app/counts";
import { asking_again, find_session, standing } from "./app/session";
import { KeyHelp, Shell } from "./app/shell";
import { SetUp, SignIn, SignInAgain } from "./app/sign_in";
import { apply_theme } from "./app/theme";
import { navigate, path_to, useRoute, type Route } from "./lib/router";
import { useShortcuts } from "./lib/shortcuts";
import { useStore } from "./lib/store";
import { Empty, ErrorNote, LinkButton, Skeleton } from "./ui/basic";
import { Toasts } from "./ui/dialog";
import { FailureNotes } from "./review/failure_notes";
import { Queue } from "./review/queue";
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/components.css";
import "./app/shell.css";
import "./review/review.css";
import "./pages/pages.css";

const Overview = lazy_page(() => import("./pages/overview").then((m) => m.OverviewPage));
const Unknown = lazy_page(() => import("./pages/unknown").then((m) => m.UnknownPage));
const Mail = lazy_page(() => import("./pages/mail").then((m) => m.MailPage));
const MessagePage = lazy_page(() => import("./pages/message").then((m) => m.MessagePage));
const Agents = lazy_page(() => import("./pages/agents").then((m) => m.AgentsPage));
const AgentPage = lazy_page(() => import("./pages/agent").then((m) => m.AgentPage));
const Webhooks = lazy_page(() => import("./pages/webhooks").then((m) => m.WebhooksPage));
const WebhookPage = lazy_page(() => import("./pages/webhook").then((m) => m.WebhookPage));
const Events = lazy_page(() => import("./pages/events").then((m) => m.EventsPage));
const Suppressions = lazy_page(() => import("./pages/suppressions").then((m) => m.SuppressionsPage));
const Keys = lazy_page(() => import("./pages/keys").then((m) => m.KeysPage));
const Account = lazy_page(() => import("./pages/account").then((m) => m.AccountPage));
const Design = lazy_page(() => import("./ui/showcase").then((m) => m.Showcase));

const kTitles: Record<string, string> = {
  queue: "Review",
  unknown: "Unknown",
  overview: "Overview",
  mail: "Mail",
  message: "Message",
  agents: "Agents",
  webhooks: "Webhooks",
  events: "Events",
  suppressions: "Suppressed",
  keys: "API keys",
  account: "Your account",
  design: "Design",
};

function page_of({ segments, query }: Route): ComponentChildren {
  const [place, first, second] = segments;
  switch (place) {
    case "queue":
      return <Queue selected={first ?? null} />;
    case "unknown":
      return <Unknown />;
    case "overview":
      return <Overview />;
    case "mail":
      return <Mail agent={first ?? null} conversation={second ?? null} view={query.get("view") ?? ""} />;
    case "message":
      return first && second ? <MessagePage agent={first} id={second} key={second} /> : <Nowhere />;
    case "agents":
      return first ? <AgentPage email={first} key={first} /> : <Agents />;
    case "webhooks":
      return first ? <WebhookPage id={first} key={first} /> : <Webhooks />;
    case "events":
      return <Events message={query.get("message") ?? ""} agent={query.get("agent") ?? ""} />;
    case "suppressions":
      return <Suppressions />;
    case "keys":
      return <Keys />;
    case "account":
      return <Account />;
    case "design":
      return <Design />;
    default:
      return <Nowhere />;
  }
}

const Nowhere = () => (
  <div class="page">
    <Empty
      icon="question"
      title="There is no such page"
      action={<LinkButton href={path_to("queue")}>To the queue</LinkButton>}
    >
      <p>The address may be from another version of the console.</p>
    </Empty>
  </div>
);

function Inside() {
  const route = useRoute();
  const now = useStore(standing);
  const again = useStore(asking_again);
  const waiting = useStore(counts);
  const [help, set_help] = useState(false);
  useShortcuts({ "?": () => set_help(true) });
  useEffect(follow_counts, []);
  const place = route.segments[0] ?? "queue";
  useEffect(() => {
    if (route.segments.length === 0 || place === "setup") navigate(path_to("queue"), { replace: true });
  }, [route.path]);
  useEffect(() => {
    const held = waiting.held ? `(${waiting.held}) ` : "";
    document.title = `${held}${kTitles[place] ?? "Console"} – Countersign`;
  }, [place, waiting.held]);
  if (now.kind !== "in") return null;
  return (
    <>
      <Shell session={now.session}>
        <FailureNotes />
        {page_of(route)}
      </Shell>
      {help && <KeyHelp close={() => set_help(false)} />}
      {again && <SignInAgain email={now.session.email} done={again.done} />}
    </>
  );
}

function App() {
  const now = useStore(standing);
  const route = useRoute();
  useEffect(() => void find_session(), []);
  if (route.segments[0] === "setup" && now.kind !== "in") return <SetUp />;
  if (now.kind === "in") {
    return (
      <>
        <Inside />
        <Toasts />
      </>
    );
  }
  if (now.kind === "out") return <SignIn setup_needed={now.setup_needed} />;
  return (
    <main class="front">
      <div class="front-card">
        {now.kind === "failed" ? (
          <>
            <h1>The console cannot start</h1>
            <ErrorNote error={now.error} retry={() => void find_session()} />
          </>
        ) : (
          <Skeleton />
        )}
      </div>
    </main>
  );
}

apply_theme();
const root = document.getElementById("app");
if (root) render(<App />, root);
