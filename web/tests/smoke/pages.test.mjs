// Every page in both themes, on a desk and on a phone: it opens, is accessible, fits, and complains about
// nothing.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import {
  drawn,
  expect_accessible,
  kDesktop,
  kPhone,
  close_browser,
  picture,
  settled,
  sign_in,
  skip,
  with_console,
} from "./browser.mjs";

after(close_browser);

// Nothing sticks out to the right, neither of the page nor of a box that hides it.
async function fits(page, name) {
  const over = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const cut = (element) => element.closest(".truncate,.tabs,.out-of-sight,.skip,pre,svg,.virtual");
    return [...document.querySelectorAll("body *")]
      .filter((element) => element.getBoundingClientRect().right > width + 1 && !cut(element))
      .slice(0, 3)
      .map((element) => `${element.tagName}.${element.className}`);
  });
  assert.deepEqual(over, [], `${name} is too wide`);
}

const pages = (world) => ({
  queue: "Your quotte for the garden fence",
  unknown: "Contract for signature",
  overview: "Time to a decision",
  mail: "Our new catalogue",
  "mail/scout@agents.example.org?view=outbound": "Our new catalogue",
  "mail/scout@agents.example.org/conv_garden": "Your quotte",
  [`message/scout@agents.example.org/${world.sent_id}`]: "Taken by the relay",
  agents: "Sales desk",
  "agents/scout@agents.example.org": "Everything|It may write to",
  webhooks: "CRM",
  "webhooks/wh_1": "connection refused",
  "webhooks/wh_2": "Switched off",
  events: "arrived",
  suppressions: "angry@reader.example",
  keys: "first key",
  account: "Change your password",
  design: "Buttons and badges",
  "no/such/page": "There is no such page",
});

for (const [name, options] of Object.entries({
  "light-desktop": { viewport: kDesktop },
  "dark-desktop": { viewport: kDesktop, dark: true },
  "light-phone": { viewport: kPhone },
  "dark-phone": { viewport: kPhone, dark: true },
})) {
  test(`every page, ${name}`, { skip }, () =>
    with_console(options, async (t) => {
      await t.page.goto(`${t.url}/console/`);
      await t.page.getByLabel("E-mail").waitFor();
      await expect_accessible(t.page, `sign-in, ${name}`);
      await picture(t.page, `${name}-sign-in`);
      await sign_in(t.page, t.url);
      for (const [path, text] of Object.entries(pages(t.world))) {
        await t.page.evaluate((to) => {
          history.pushState(null, "", to);
          dispatchEvent(new PopStateEvent("popstate"));
        }, `/console/${path}`);
        await t.page.getByText(new RegExp(text)).first().waitFor();
        if (path !== "design") await settled(t.page); // that page shows how waiting looks
        await fits(t.page, `${path}, ${name}`);
        await expect_accessible(t.page, `${path}, ${name}`);
        await picture(t.page, `${name}-${path.replace(/msg_\w+/, "id").replace(/\W+/g, "-")}`);
      }
      if (options.viewport === kPhone) {
        await t.page.goto(`${t.url}/console/queue`);
        await t.page.getByRole("link", { name: /contractor@partner.example/ }).click();
        await t.page.getByRole("button", { name: /Approve/ }).waitFor();
        await fits(t.page, `detail, ${name}`);
        await expect_accessible(t.page, `detail, ${name}`);
        await picture(t.page, `${name}-detail`);
      }
    }),
  );
}

test("an account without anything teaches what to do", { skip }, () =>
  with_console({ empty: true }, async (t) => {
    await sign_in(t.page, t.url);
    await t.page.getByRole("link", { name: "Create an agent" }).waitFor();
    await picture(t.page, "empty-queue");
    for (const [path, text] of Object.entries({
      agents: "No agent yet",
      mail: "No mailbox yet",
      webhooks: "No webhook yet",
      events: "No events",
      suppressions: "Nobody is suppressed",
      keys: "No key",
      unknown: "Every outcome is known",
    })) {
      await t.page.goto(`${t.url}/console/${path}`);
      await t.page.getByText(text).waitFor();
      await expect_accessible(t.page, `empty ${path}`);
    }
  }),
);

test("lists that go on: agents, keys and webhooks behind the first hundred", { skip }, () =>
  with_console({}, async ({ page, url, world }) => {
    const many = (make) => Array.from({ length: 230 }, (_, i) => make(String(i).padStart(3, "0")));
    const { agents, keys, webhooks } = world;
    world.agents.push(...many((i) => ({ ...agents[0], email: `agent-${i}@agents.example.org`, name: "" })));
    world.keys.push(...many((i) => ({ ...keys[0], id: `apk_${i}`, name: `Key ${i}` })));
    world.webhooks.push(...many((i) => ({ ...webhooks[0], id: `wh_many_${i}`, description: `Hook ${i}` })));
    await sign_in(page, url);
    const rows = (count) =>
      page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n, count);
    const more = page.getByRole("button", { name: "Show more" });
    for (const [path, last, total] of [
      ["agents", "agent-229@agents.example.org", world.agents.length],
      ["webhooks", "Hook 229", world.webhooks.length],
      ["keys", "Key 229", world.keys.length],
    ]) {
      await page.goto(`${url}/console/${path}`);
      await rows(100);
      await more.scrollIntoViewIfNeeded();
      await picture(page, `going-on-${path}`);
      await more.click();
      await rows(200);
      await more.click();
      await rows(total);
      await page.getByText(last).first().waitFor();
      await more.waitFor({ state: "detached" });
    }
    // What changes is read as far as it was.
    await page
      .getByRole("row", { name: /Key 150/ })
      .getByRole("button", { name: "Revoke" })
      .click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("Key 150", { exact: true }).waitFor({ state: "detached" });
    await rows(world.keys.length);
    // A choice offers every agent.
    await page.getByRole("button", { name: "New key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.locator("option", { hasText: "agent-229@" }).waitFor({ state: "attached" });
    assert.equal(await dialog.locator("option", { hasText: "agent-" }).count(), 230);
  }),
);

test("an agent's rules are edited as the server has them, not as they were at the last look", { skip }, () =>
  with_console({}, async ({ page, url, world }) => {
    const email = "scout@agents.example.org";
    const rules = world.protections.get(email);
    const field = page.getByLabel("It may write to");
    const visit = async () => {
      await page.getByRole("link", { name: /^Agents/ }).click();
      await page.locator(`a[href$="/agents/${email}"]`).click();
    };
    await sign_in(page, url);
    await visit();
    assert.equal(await field.inputValue(), rules.outbound.gate.policy);
    const stricter = {
      ...rules,
      outbound: { ...rules.outbound, gate: { policy: "domain", action: "block" } },
    };
    assert.notEqual(rules.outbound.gate.policy, "domain");
    world.protections.set(email, stricter); // by somebody else
    await visit();
    await settled(page);
    assert.equal(await field.inputValue(), "domain");
    await page.getByLabel("It is", { exact: true }).selectOption("approve");
    await page.getByRole("button", { name: "Save" }).first().click();
    await page.getByText("Saved. It holds from the next message on.").waitFor();
    assert.equal(world.protections.get(email).outbound.gate.action, "block");
  }),
);

test("a signing secret is made anew once, whatever is pressed twice", { skip }, () =>
  with_console({}, async ({ page, url, world }) => {
    await sign_in(page, url, "/console/webhooks/wh_1");
    const press = page.getByRole("button", { name: "New signing secret" });
    await press.evaluate((button) => (button.click(), button.click()));
    await expect_accessible(page, "the question about a new secret");
    await page
      .getByRole("dialog")
      .getByRole("button", { name: "Make it" })
      .evaluate((button) => (button.click(), button.click()));
    await page.getByText(/whsec_a1/).waitFor();
    await page.getByRole("button", { name: "I have copied it" }).click();
    await settled(page);
    assert.equal(new Set(world.rotations).size, 1);
    assert.match(world.rotations[0], /^[0-9a-f]{32}$/);
  }),
);

test("a key and a webhook whose answer was lost are there once when they are asked for again", { skip }, () =>
  with_console({ empty: true }, async ({ page, url, world }) => {
    await sign_in(page, url, "/console/keys");
    const lose = async (route) => {
      await route.fetch();
      await route.abort();
    };
    const press = () => page.getByRole("button", { name: "Create", exact: true }).click();
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByLabel("It ends").selectOption("30");
    await page.route("**/account/api-keys", lose, { times: 1 });
    await press();
    await page.getByText(/The server cannot be reached/).waitFor();
    await page.getByText(/it is done once/).waitFor();
    assert.equal(world.keys.length, 1);
    await page.locator("tbody tr").waitFor(); // in the list it is there
    await press();
    await page.getByRole("dialog").getByText(/e2a_acct_9c/).waitFor();
    assert.equal(world.keys.length, 1);
    await page.goto(`${url}/console/webhooks`);
    await page.getByRole("button", { name: "New webhook" }).click();
    await page.getByLabel("Endpoint").fill("https://hooks.example.org/in");
    await page.route("**/v1/webhooks", lose, { times: 1 });
    await press();
    await page.getByText(/The server cannot be reached/).waitFor();
    await page.locator("tbody tr").waitFor();
    await press();
    await page.getByText(/whsec_0f/).waitFor();
    assert.equal(world.webhooks.length, 1);
  }),
);

test("a form is not left while what it makes is on its way: its secret is shown nowhere else", { skip }, () =>
  with_console({}, async ({ page, url, world }) => {
    await sign_in(page, url, "/console/keys");
    const dialog = page.getByRole("dialog");
    const make = async (path) => {
      world.hold_back = (to) => to.pathname.endsWith(path);
      await dialog.getByRole("button", { name: "Create" }).click();
      await dialog.getByRole("button", { name: "Cancel" }).and(page.locator(":disabled")).waitFor();
      for (let i = 0; i < 3; i++) await page.keyboard.press("Escape"); // browsers give in to the second
      await drawn(page);
      await dialog.getByRole("button", { name: "Cancel" }).waitFor();
      world.let_go();
    };
    await page.getByRole("button", { name: "New key" }).click();
    await make("/account/api-keys");
    await page.getByRole("dialog").getByText(/e2a_acct_9c/).waitFor();
    await page.goto(`${url}/console/webhooks`);
    await page.getByRole("button", { name: "New webhook" }).click();
    await page.getByLabel("Endpoint").fill("https://hooks.example.org/in");
    await make("/v1/webhooks");
    await page.getByText(/whsec_0f/).waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  }),
);

test("a webhook can hear of every event that there is, and keeps what the page does not know", { skip }, () =>
  with_console({}, async ({ page, url, world }) => {
    const api = JSON.parse(readFileSync(new URL("../../../api/openapi.json", import.meta.url), "utf8"));
    const types = api.components.schemas.CreateWebhookRequest.properties.events.items;
    const known = [...types.enum, ...types["x-extension-values"]];
    assert.ok(known.includes("email.unknown"));
    world.webhooks[0].events = ["email.received", "email.of_tomorrow"];
    await sign_in(page, url, `/console/webhooks/${world.webhooks[0].id}`);
    await page.getByRole("button", { name: "Edit" }).click();
    const dialog = page.getByRole("dialog");
    const offered = await dialog.locator(".check").allInnerTexts();
    assert.deepEqual(offered.map((one) => one.trim()).sort(), [...known, "email.of_tomorrow"].sort());
    await dialog.getByLabel("email.unknown").check();
    await dialog.getByLabel("email.received").uncheck();
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    assert.deepEqual(world.webhooks[0].events, ["email.unknown", "email.of_tomorrow"]);
  }),
);

test("news that keep coming do not keep a slow page from being read", { skip }, () =>
  with_console({}, async ({ page, url, world }) => {
    await sign_in(page, url);
    await page.getByRole("button", { name: /^Approve/ }).waitFor();
    const asked = [];
    page.on("request", (one) => /\/v1\/events/.test(one.url()) && asked.push(one.url()));
    world.hold_back = (to) => to.pathname.endsWith("/v1/events");
    await page.getByRole("link", { name: /^Events/ }).click();
    await page.waitForFunction(() => document.querySelector(".skeleton"));
    for (let i = 0; i < 2; i++) {
      const heard = page.waitForRequest(/\/overview/); // the numbers of the navigation hear of it as well
      world.tell("email.sent", world.sent_id, "scout@agents.example.org");
      await heard;
      await drawn(page);
    }
    assert.equal(asked.length, 1);
    const again = page.waitForRequest(/\/v1\/events/);
    world.let_go();
    await page.getByRole("row", { name: /email.received/ }).waitFor();
    await again;
  }),
);

test("the log of events loses no row to news, and shows nothing of another message", { skip }, () =>
  with_console({}, async ({ page, url, world }) => {
    const [first] = world.events;
    let made = 0;
    const more_of = (type, message_id, count) =>
      Array.from({ length: count }, () => ({ ...first, id: `evt_more_${made++}`, type, message_id }));
    world.events = [...more_of("email.sent", "msg_a", 120), ...more_of("email.bounced", "msg_b", 120)];
    await sign_in(page, url, "/console/events");
    const rows = (count) =>
      page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n, count);
    const more = page.getByRole("button", { name: "Show more" });
    const news = async (count) => {
      world.events.unshift(...more_of("email.received", "msg_c", count));
      const again = page.waitForResponse((one) => /\/v1\/events/.test(one.url()));
      world.tell("email.received", "msg_c", first.agent_email);
      await again;
    };
    await rows(100);
    await more.click();
    await rows(200);
    await news(30);
    await page
      .getByRole("row", { name: /email.received/ })
      .first()
      .waitFor();
    await more.click();
    await rows(270);
    const order = await page
      .locator("tbody tr")
      .evaluateAll((all) =>
        all.map((row) => /email\.(received|sent|bounced)/.exec(row.textContent)[1]).join(),
      );
    const expected = { received: 30, sent: 120, bounced: 120 };
    assert.equal(
      order,
      Object.entries(expected)
        .flatMap(([one, n]) => Array(n).fill(one))
        .join(),
    );
    // Another message in the same page: as the link of a message comes, with what was read of all behind it.
    await page.evaluate(() => {
      history.pushState(null, "", "/console/events?message=msg_a");
      dispatchEvent(new PopStateEvent("popstate"));
    });
    await page
      .getByRole("row", { name: /email.received/ })
      .first()
      .waitFor({ state: "detached" });
    await rows(100);
    await more.click();
    await rows(120);
    assert.equal(await page.getByRole("row", { name: /email.bounced/ }).count(), 0);
  }),
);

/** The log of 150 events, of which a hundred are shown; returns what waits until so many rows are. */
async function long_log(page, url, world) {
  const [first] = world.events;
  world.events = Array.from({ length: 150 }, (_, i) => ({ ...first, id: `evt_more_${i}` }));
  await sign_in(page, url, "/console/events");
  const rows = (count) =>
    page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n, count);
  await rows(100);
  return rows;
}

test("what was shown further down stays when an older answer arrives", { skip }, () =>
  with_console({}, async ({ page, url, world }) => {
    const [first] = world.events;
    const rows = await long_log(page, url, world);
    world.hold_back = (to) => to.pathname.endsWith("/v1/events") && !to.searchParams.has("cursor");
    const asked = page.waitForRequest(/\/v1\/events/);
    world.tell("email.sent", "msg_a", first.agent_email);
    await asked;
    await page.getByRole("button", { name: "Show more" }).click();
    await rows(150);
    const answered = page.waitForResponse(/\/v1\/events/);
    world.let_go();
    await answered;
    await drawn(page);
    await rows(150);
  }),
);

test("who asked for more gets it, though the list was read anew meanwhile", { skip }, () =>
  with_console({}, async ({ page, url, world }) => {
    const [first] = world.events;
    const rows = await long_log(page, url, world);
    world.hold_back = (to) => to.searchParams.has("cursor");
    const asked = page.waitForRequest(/cursor=/);
    await page.getByRole("button", { name: "Show more" }).click();
    await asked;
    world.events.unshift({ ...first, id: "evt_news", type: "email.bounced" });
    world.tell("email.bounced", "msg_a", first.agent_email);
    await page.getByRole("row", { name: /email.bounced/ }).waitFor();
    world.let_go();
    await rows(151);
  }),
);
