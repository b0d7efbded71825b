// What an empty queue teaches: how the first message gets here.
import { useState } from "preact/hooks";
import { get } from "../lib/api";
import { path_to } from "../lib/router";
import { useResource } from "../lib/resource";
import type { Agent, Page } from "../lib/types";
import { Compose } from "../pages/compose";
import { Button, LinkButton } from "../ui/basic";

export function FirstSteps() {
  const agents = useResource<Page<Agent>>("agents", (signal) => get("/v1/agents?limit=100", signal));
  const [writing, set_writing] = useState(false);
  if (!agents.data) return null;
  const first = agents.data.items[0];
  if (!first) {
    return (
      <>
        <p>
          You have no agent yet. Give one an address; from its page you choose what it may do without you.
        </p>
        <div class="row row-middle">
          <LinkButton kind="primary" icon="plus" href={path_to("agents")}>
            Create an agent
          </LinkButton>
        </div>
      </>
    );
  }
  return (
    <>
      <div class="row row-middle">
        <Button icon="edit" onClick={() => set_writing(true)}>
          Write as {first.name || first.email}
        </Button>
        <LinkButton href={path_to("agents", first.email)}>See what is held</LinkButton>
      </div>
      {writing && <Compose agent={first.email} close={() => set_writing(false)} />}
    </>
  );
}
