// Hand-overs whose answer was lost: what is known of each, and three buttons that say what they do.
import { useState } from "preact/hooks";
import { at, post } from "../lib/api";
import { duration, full_time, plural, seconds_until, some_of } from "../lib/format";
import { useNow } from "../lib/now";
import { path_to } from "../lib/router";
import { useList } from "../lib/list";
import type { Handover } from "../lib/types";
import { Badge, Empty, ErrorNote, Facts, Note, PageHeader, Skeleton } from "../ui/basic";
import { ShowMore } from "../ui/data";
import { Confirm, toast } from "../ui/dialog";
import { TextField } from "../ui/fields";
import { refresh_counts } from "../app/counts";

type Choice = "sent" | "send_again" | "give_up";

export function UnknownPage() {
  const found = useList<Handover>("handovers", "/v1/handovers", {}, () => true);
  const items = found.items;
  return (
    <div class="page page-narrow">
      <PageHeader
        title="Unknown"
        lead="Messages that were handed over while the answer got lost: the provider may have them, or not. They are never sent again by a guess."
      />
      {found.error !== null && <ErrorNote error={found.error} retry={found.reload} />}
      {!found.loaded && !found.error && <Skeleton lines={6} />}
      {found.loaded && items.length === 0 && (
        <Empty icon="check" title="Every outcome is known">
          <p>
            When a relay breaks off after it got a whole message, it appears here, with all that is known.
            Evidence that comes later – a bounce, a delivery notice – settles it by itself.
          </p>
        </Empty>
      )}
      {items.map((one) => (
        <Unknown key={one.id} handover={one} done={found.reload} />
      ))}
      <ShowMore list={found} />
    </div>
  );
}

function evidence(one: Handover): string {
  const reply = one.reply;
  if (!reply) return "No answer at all.";
  return [reply.phase && `at ${reply.phase}`, reply.code, reply.text].filter(Boolean).join(" · ");
}

function Unknown({ handover, done }: { handover: Handover; done: () => void }) {
  const [asking, set_asking] = useState<Choice | null>(null);
  const now = useNow();
  const people = some_of(handover.recipients, 3);
  return (
    <article class="card stack">
      <header class="row">
        <h2 class="grow">{handover.subject || "(no subject)"}</h2>
        <Badge tone="danger">
          unknown for {handover.unknown_at ? duration(-seconds_until(handover.unknown_at, now)) : "some time"}
        </Badge>
      </header>
      <Facts
        items={[
          ["From", handover.agent_email],
          ["To", people],
          [
            "Handed over",
            handover.handed_over_at ? (
              <>
                {full_time(handover.handed_over_at)}, attempt {handover.attempt}
              </>
            ) : (
              "—"
            ),
          ],
          ["Through", [handover.provider, handover.provider_message_id].filter(Boolean).join(", ") || "—"],
          ["Evidence", <span class="mono small">{evidence(handover)}</span>],
          [
            "More",
            <a href={path_to("message", handover.agent_email, handover.message_id)}>
              Timeline of the message
            </a>,
          ],
        ]}
      />
      {handover.resend_at && (
        <Note tone="warn">
          The policy of this agent sends it again in{" "}
          <strong class="num">{duration(seconds_until(handover.resend_at, now))}</strong>, unless you decide
          before.
        </Note>
      )}
      <div class="choices">
        <Choose
          title="It was sent"
          text={`Counts as accepted. Nothing is sent. Right when ${plural(handover.recipients.length, "the recipient has", "the recipients have").replace(/^\d+ /, "")} it, or the relay's log says so.`}
          onClick={() => set_asking("sent")}
        />
        <Choose
          title="Send it again"
          text={`Hands the same message over once more, to ${people}. Whoever got it already gets a second copy.`}
          onClick={() => set_asking("send_again")}
        />
        <Choose
          title="Leave it"
          text="Nothing is sent, and the message counts as failed. It may have arrived all the same."
          onClick={() => set_asking("give_up")}
        />
      </div>
      {asking && (
        <Ask handover={handover} choice={asking} close={() => set_asking(null)} done={done} people={people} />
      )}
    </article>
  );
}

function Choose({ title, text, onClick }: { title: string; text: string; onClick: () => void }) {
  return (
    <button type="button" class="choice" onClick={onClick}>
      <strong>{title}</strong>
      <span class="quiet small">{text}</span>
    </button>
  );
}

interface AskProps {
  handover: Handover;
  choice: Choice;
  people: string;
  close: () => void;
  done: () => void;
}

const kTitles: Record<Choice, string> = {
  sent: "It was sent",
  send_again: "Send it again",
  give_up: "Leave it",
};

function Ask({ handover, choice, people, close, done }: AskProps) {
  const [note, set_note] = useState("");
  const texts: Record<Choice, string> = {
    sent: "The message counts as accepted by the provider from now on. If a bounce comes later, it is shown as bounced.",
    send_again: `The same bytes are handed over again, to ${people}. If the first copy did arrive, they have two.`,
    give_up:
      "The message counts as failed and email.failed is told. If evidence of a delivery comes later, it is corrected.",
  };
  const run = async () => {
    await post(at`/v1/handovers/${handover.id}/resolve`, note ? { as: choice, note } : { as: choice });
    toast(`Settled: ${kTitles[choice].toLowerCase()}.`);
    done();
    void refresh_counts();
  };
  return (
    <Confirm
      title={`${kTitles[choice]}: “${handover.subject}”`}
      action={kTitles[choice]}
      danger={choice === "send_again"}
      text={
        <>
          <p>{texts[choice]}</p>
          <TextField
            label="Note (kept with the decision)"
            value={note}
            onInput={(text) => set_note(text.slice(0, 500))}
          />
        </>
      }
      run={run}
      onClose={close}
    />
  );
}
