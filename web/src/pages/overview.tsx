// Is all well? What waits, for how long, and how fast decisions and deliveries are.
import { get } from "../lib/api";
import { ago, full_time, measured, plural } from "../lib/format";
import { useNow } from "../lib/now";
import { path_to } from "../lib/router";
import { useResource } from "../lib/resource";
import type { HourlySeconds, Overview } from "../lib/types";
import { ErrorNote, Note, PageHeader, Skeleton } from "../ui/basic";
import { HourChart } from "../ui/data";

export function OverviewPage() {
  const found = useResource<Overview>("overview", (signal) => get("/overview", signal), () => true);
  const now = found.data;
  return (
    <div class="page">
      <PageHeader title="Overview" lead={now ? verdict(now) : undefined} />
      {found.error !== null && <ErrorNote error={found.error} retry={found.reload} />}
      {now ? <Numbers now={now} /> : !found.error && <Skeleton lines={6} />}
    </div>
  );
}

function verdict(now: Overview): string {
  const bad: string[] = [];
  if (now.relay.state === "open") bad.push("the relay is not reachable");
  if (now.unknown > 0) bad.push(`${plural(now.unknown, "hand-over")} with an unknown outcome`);
  if (now.webhooks_failing > 0) bad.push(`${plural(now.webhooks_failing, "webhook")} failing`);
  if (bad.length === 0) return now.health === "ok" ? "All is well." : "Degraded: the server's log says why.";
  return `Needs a look: ${bad.join(", ")}.`;
}

interface TileProps {
  name: string;
  value: string;
  detail: string;
  href?: string;
  alarm?: boolean;
}

function Tile({ name, value, detail, href, alarm }: TileProps) {
  const inner = (
    <>
      <span class="tile-name">{name}</span>
      <span class="tile-value num">{value}</span>
      <span class="tile-detail">{detail}</span>
    </>
  );
  const classes = alarm ? "card tile tile-alarm" : "card tile";
  return href ? (
    <a class={classes} href={href}>
      {inner}
    </a>
  ) : (
    <div class={classes}>{inner}</div>
  );
}

function Numbers({ now }: { now: Overview }) {
  const time = useNow();
  const oldest = (at: string | null, none: string): string => (at ? `oldest ${ago(at, time)}` : none);
  const relay_open = now.relay.state === "open";
  return (
    <>
      {relay_open && (
        <Note tone="danger">
          <strong>Nothing leaves right now.</strong> The relay ({now.relay.transport}) has not answered
          {now.relay.since && ` since ${full_time(now.relay.since)}`}. Approved mail waits, up to 72 hours, and costs no attempt; it is
          tried again by itself.
          {now.relay.last_error && <div class="mono small">{now.relay.last_error}</div>}
        </Note>
      )}
      <div class="tiles">
        <Tile name="Waiting for you" value={now.held.toLocaleString()} detail={oldest(now.oldest_held_at, "nobody waits")} href={path_to("queue")} />
        <Tile name="Queued for sending" value={now.queued.toLocaleString()} detail={oldest(now.oldest_queued_at, "nothing waits")} alarm={relay_open} />
        <Tile name="Unknown outcome" value={now.unknown.toLocaleString()} detail={now.unknown ? "you decide" : "every answer is known"} href={path_to("unknown")} alarm={now.unknown > 0} />
        <Tile name="Relay" value={relay_open ? "Away" : "Ready"} detail={now.relay.transport} alarm={relay_open} />
        <Tile name="Webhooks failing" value={now.webhooks_failing.toLocaleString()} detail={now.webhooks_failing ? "see their deliveries" : "all are answering"} href={path_to("webhooks")} alarm={now.webhooks_failing > 0} />
        <Tile name="Incoming" value={now.inbound_backlog.toLocaleString()} detail={now.inbound_backlog ? "received, not yet examined" : "nothing waits"} />
      </div>
      <div class="charts">
        <Chart title="Time to a decision" hours={now.decision_seconds} />
        <Chart title="Time from approval to the relay" hours={now.delivery_seconds} />
      </div>
    </>
  );
}

function Chart({ title, hours }: { title: string; hours: HourlySeconds[] }) {
  const latest = [...hours].reverse().find((hour) => hour.p50 !== null);
  const total = hours.reduce((sum, hour) => sum + hour.count, 0);
  return (
    <section class="card stack">
      <div>
        <h2>{title}</h2>
        <p class="quiet small num">
          {latest
            ? `Last: half within ${measured(latest.p50 ?? 0)}, 9 of 10 within ${measured(latest.p90 ?? 0)} · ${total} in 24 hours`
            : "Nothing in 24 hours."}
        </p>
      </div>
      <HourChart hours={hours} label={title} />
      <div class="chart-foot faint tiny">
        <span>24 h ago</span>
        <span>dark: half · pale: 9 of 10</span>
        <span>now</span>
      </div>
    </section>
  );
}
