// One agent: its rules in words and as settings, its suppressions, and how its software gets in.
import { useState } from "preact/hooks";
import { at, get, post, send } from "../lib/api";
import { navigate, path_to } from "../lib/router";
import { useList } from "../lib/list";
import { useResource } from "../lib/resource";
import type { Agent, DeliveryPolicy, Suppression } from "../lib/types";
import { Ago, Badge, Button, ErrorNote, Facts, LinkButton, PageHeader, Skeleton } from "../ui/basic";
import { ShowMore } from "../ui/data";
import { Confirm, toast, toast_error } from "../ui/dialog";
import { SelectField, TextField } from "../ui/fields";
import { Compose } from "./compose";
import { NewKey } from "./new_key";
import { ProtectionEditor } from "./protection";

export function AgentPage({ email }: { email: string }) {
  const found = useResource<Agent>(`agent:${email}`, (signal) => get(at`/v1/agents/${email}`, signal));
  const [removing, set_removing] = useState(false);
  const [key, set_key] = useState(false);
  const [writing, set_writing] = useState(false);
  const test = async () => {
    try {
      const result = await post<{ status: string }>(at`/v1/agents/${email}/test`);
      toast(
        result.status === "pending_review"
          ? "A test message was written; its rules hold it for you."
          : "A test message is on its way to it.",
      );
    } catch (error) {
      toast_error(error);
    }
  };
  const remove = async () => {
    await send("DELETE", `${at`/v1/agents/${email}`}?confirm=DELETE`);
    toast(`${email} is in the trash.`);
    navigate(path_to("agents"));
  };
  if (found.error) {
    return (
      <div class="page">
        <ErrorNote error={found.error} retry={found.reload} />
      </div>
    );
  }
  const agent = found.data;
  return (
    <div class="page page-narrow">
      {agent ? (
        <PageHeader title={agent.name || agent.email} lead={<span class="mono">{agent.email}</span>}>
          <LinkButton href={path_to("mail", email)} icon="mail">
            Mail
          </LinkButton>
          <Button icon="key" onClick={() => set_key(true)}>
            New key
          </Button>
          <Button icon="send" onClick={() => void test()}>
            Test message
          </Button>
          <Button icon="edit" onClick={() => set_writing(true)}>
            Write
          </Button>
        </PageHeader>
      ) : (
        <Skeleton lines={2} />
      )}
      <ProtectionEditor email={email} />
      <LostAnswers email={email} />
      <Blocked email={email} />
      {agent && (
        <section class="card stack">
          <h2>About</h2>
          <Facts
            items={[
              [
                "Domain",
                <>
                  {agent.domain}{" "}
                  {agent.domain_verified ? (
                    <Badge tone="accent">verified</Badge>
                  ) : (
                    <Badge tone="warn">not verified</Badge>
                  )}
                </>,
              ],
              ["Created", <Ago at={agent.created_at} />],
            ]}
          />
          <Name agent={agent} done={found.set} />
          <div>
            <Button kind="danger" small onClick={() => set_removing(true)}>
              Put into the trash
            </Button>
          </div>
        </section>
      )}
      {writing && <Compose agent={email} close={() => set_writing(false)} />}
      {key && <NewKey agent={email} close={() => set_key(false)} />}
      {removing && (
        <Confirm
          title={`Put ${email} into the trash?`}
          action="Into the trash"
          danger
          text={
            <p>
              It can no longer send or receive, its holds leave the queue, and what it had queued is
              cancelled. You can restore it for 30 days.
            </p>
          }
          run={remove}
          onClose={() => set_removing(false)}
        />
      )}
    </div>
  );
}

function Name({ agent, done }: { agent: Agent; done: (agent: Agent) => void }) {
  const [name, set_name] = useState(agent.name);
  const save = async (event: Event) => {
    event.preventDefault();
    try {
      done(await send<Agent>("PATCH", at`/v1/agents/${agent.email}`, { name }));
      toast("Saved.");
    } catch (error) {
      toast_error(error);
    }
  };
  return (
    <form class="inline-form" onSubmit={(event) => void save(event)}>
      <TextField label="Name" value={name} onInput={set_name} />
      <Button type="submit" disabled={name === agent.name}>
        Save
      </Button>
    </form>
  );
}

function LostAnswers({ email }: { email: string }) {
  const found = useResource<DeliveryPolicy>(`policy:${email}`, (signal) =>
    get(at`/v1/agents/${email}/delivery-policy`, signal),
  );
  const policy = found.data;
  if (!policy) return null;
  const save = async (on_unknown: DeliveryPolicy["on_unknown"]) => {
    try {
      found.set(
        await send("PUT", at`/v1/agents/${email}/delivery-policy`, {
          on_unknown,
          unknown_grace_seconds: policy.unknown_grace_seconds,
        }),
      );
      toast("Saved.");
    } catch (error) {
      toast_error(error);
    }
  };
  return (
    <section class="card stack">
      <h2>When an answer is lost</h2>
      <SelectField
        label="A message that the provider may or may not have"
        value={policy.on_unknown}
        options={[
          ["hold", "waits on the page Unknown for a person"],
          [
            "resend",
            `is sent again after ${Math.round(policy.unknown_grace_seconds / 60)} minutes without evidence`,
          ],
        ]}
        hint={
          policy.on_unknown === "hold"
            ? "Never two copies; perhaps none until somebody decides."
            : "Rather two copies than none."
        }
        onChange={(value) => void save(value)}
      />
    </section>
  );
}

function Blocked({ email }: { email: string }) {
  const found = useList<Suppression>(`suppressed:${email}`, at`/v1/agents/${email}/suppressions`);
  const [address, set_address] = useState("");
  const add = async (event: Event) => {
    event.preventDefault();
    try {
      await post(at`/v1/agents/${email}/suppressions`, { address });
      set_address("");
      found.reload();
    } catch (error) {
      toast_error(error);
    }
  };
  const drop = async (row: Suppression) => {
    try {
      await send("DELETE", `${at`/v1/agents/${email}/suppressions/${row.address}`}?confirm=DELETE`);
      found.reload();
    } catch (error) {
      toast_error(error);
    }
  };
  const items = found.items;
  return (
    <section class="card stack">
      <div>
        <h2>Never write to</h2>
        <p class="quiet small">
          Who unsubscribed from this agent, and whom you add. The{" "}
          <a href={path_to("suppressions")}>list of the account</a> counts as well.
        </p>
      </div>
      {items.length > 0 && (
        <ul class="rows">
          {items.map((row) => (
            <li key={row.address} class="row">
              <span class="mono grow">{row.address}</span>
              <span class="faint small">{row.source}</span>
              <Button
                kind="plain"
                small
                icon="cross"
                label={`Remove ${row.address}`}
                onClick={() => void drop(row)}
              />
            </li>
          ))}
        </ul>
      )}
      <ShowMore list={found} />
      <form class="inline-form" onSubmit={(event) => void add(event)}>
        <TextField label="Address" type="email" value={address} onInput={set_address} required />
        <Button type="submit">Add</Button>
      </form>
    </section>
  );
}
