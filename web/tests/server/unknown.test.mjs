// An answer is lost at a real server: the evidence, the decision, and what the timeline says afterwards.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { close_browser, expect_accessible, open_at, picture } from "../smoke/browser.mjs";
import { start_relay } from "./relay.mjs";
import { kOwner, skip, start_server } from "./server.mjs";

const kAgent = "desk@agents.localhost";
let relay;
let server;
let t;

async function call(method, path, body) {
  const init = {
    method,
    headers: { Authorization: `Bearer ${server.key}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  return await (await fetch(server.url + path, init)).json();
}

before(async () => {
  if (skip) return;
  relay = await start_relay();
  server = await start_server(["smtp.host=127.0.0.1", `smtp.port=${relay.port}`, "smtp.tls=none"]);
  await call("POST", "/v1/agents", { email: kAgent });
  t = await open_at(server.url);
  await t.page.goto(server.url + server.link);
  await t.page.getByLabel("E-mail").fill(kOwner);
  await t.page.getByLabel("Password").fill("three or four words");
  await t.page.getByRole("button", { name: "Open the console" }).click();
  await t.page.getByRole("navigation", { name: "Console" }).waitFor();
});
after(async () => {
  try {
    await t?.close();
  } finally {
    await close_browser();
    await server?.stop();
    await relay?.stop();
  }
});

test("a lost answer is shown with its evidence, and a person settles it", { skip }, async () => {
  const { page } = t;
  const sent = await call("POST", `/v1/agents/${kAgent}/messages`, {
    to: ["legal@partner.example"],
    subject: "Contract",
    text: "For signature.",
  });
  await page.goto(`${server.url}/console/unknown`);
  await page.getByRole("heading", { name: "Contract" }).waitFor();
  await page.getByText("legal@partner.example").first().waitFor();
  await expect_accessible(page, "unknown");
  await picture(page, "server-unknown-one");
  assert.equal(relay.taken, 1);
  relay.answer = "250 2.0.0 queued";
  await page.getByRole("button", { name: /^Send it again/ }).click();
  await page.getByLabel(/^Note/).fill("The relay's log has nothing");
  await page.getByRole("dialog").getByRole("button", { name: "Send it again" }).click();
  await page.getByText("Every outcome is known").waitFor();
  for (let i = 0; relay.taken < 2 && i < 3000; i++) await page.waitForTimeout(100);
  assert.equal(relay.taken, 2);
  await page.goto(`${server.url}/console/message/${kAgent}/${sent.message_id}`);
  await page
    .getByText(/attempt 2/)
    .first()
    .waitFor();
  await picture(page, "server-timeline-unknown");
});
