// What an empty queue teaches: how the first message gets here.
import { get } from "../lib/api";
import { path_to } from "../lib/router";
import { useResource } from "../lib/resource";
import type { Agent, Page } from "../lib/types";
import { LinkButton } from "../ui/basic";

export function FirstSteps() {
  const agents = useResource<Page<Agent>>("agents", (signal) => get("/v1/agents?limit=100", signal));
  if (!agents.data) return null;
  if (agents.data.items.length === 0) {
    return (
      <>
        <p>You have no agent yet. Give one an address; from its page you choose what it may do without you.</p>
        <div class="row row-middle">
          <LinkButton kind="primary" icon="plus" href={path_to("agents")}>
            Create an agent
          </LinkButton>
        </div>
      </>
    );
  }
  return (
    <div class="row row-middle">
      <LinkButton href={path_to("agents")}>See what is held for whom</LinkButton>
      <LinkButton href={path_to("overview")}>Overview</LinkButton>
    </div>
  );
}
