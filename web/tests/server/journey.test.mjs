// The way of a new user against a real server: from the link to the first countersigned mail, and what comes
// then.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import {
  be_patient,
  close_browser,
  expect_accessible,
  open_at,
  picture,
  settled,
} from "../smoke/browser.mjs";
import { kHostileHtml } from "../standin/hostile.mjs";
import { deliver, kOwner, skip, start_server } from "./server.mjs";

const kPassword = "three or four words";
const kNewPassword = "four or five words";
const kAgent = "scout@agents.localhost";
// What is asked about the sender of the hostile mail. The DNS of the machine may not answer, and then it waits.
const kZone = [
  'evil.example. 60 IN TXT "v=spf1 -all"',
  '_dmarc.evil.example. 60 IN TXT "v=DMARC1; p=none"',
].join("\n");
let server;
let t;
let page;
const detail = () => page.getByRole("region", { name: "Message", exact: true });
const toast = (text) => page.getByRole("status").getByText(text).first().waitFor();

async function write(subject, text, to = "customer@example.org") {
  const response = await fetch(`${server.url}/v1/agents/${kAgent}/messages`, {
    method: "POST",
    headers: { Authorization: `Bearer ${server.key}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      to: [to],
      subject,
      text,
      attachments: [{ filename: "quote.txt", content_type: "text/plain", data: "NDIgRVVSCg==" }],
    }),
  });
  return (await response.json()).message_id;
}

before(async () => {
  if (skip) return;
  server = await start_server([`dns.local_data=${kZone}`]);
  t = await open_at(server.url, {
    tolerate: [/^console: (Executing inline|Applying inline|Setting the document.s base)/],
  });
  page = t.page;
});
after(async () => {
  try {
    await t?.close();
  } finally {
    await close_browser();
    await server?.stop();
  }
});

test("from the link to the first countersigned mail", { skip }, async () => {
  await page.goto(server.url + server.link);
  await page.getByLabel("E-mail").fill(kOwner);
  await page.getByLabel("Password").fill(kPassword);
  await page.getByRole("button", { name: "Open the console" }).click();
  await page.getByRole("link", { name: "Create an agent" }).click();
  await page.getByRole("button", { name: "Create the first one" }).click();
  await page.getByLabel("Address").fill("scout");
  await page.getByLabel("Name").fill("Scout");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByText(/Everything it sends waits for you/).waitFor();
  await page.getByRole("button", { name: "Write", exact: true }).click();
  await page.getByLabel("To", { exact: true }).fill("customer@example.org");
  await page.getByLabel("Subject").fill("Your quotte");
  await page.getByLabel("Text").fill("Please find it attached.");
  await page.getByRole("button", { name: "Hand it in" }).click();
  await detail().getByRole("heading", { name: "Your quotte" }).waitFor();
  await detail().getByText("customer@example.org").first().waitFor();
  await page.keyboard.press("e");
  await detail().getByLabel("Subject").fill("Your quote");
  await detail()
    .getByLabel("Files to attach")
    .setInputFiles({ name: "quote.txt", mimeType: "text/plain", buffer: Buffer.from("42 EUR\n") });
  await detail().getByText("quote.txt").first().waitFor();
  await detail().getByRole("button", { name: "Approve with changes" }).click();
  await page.getByText("Nothing waits for you").waitFor();
});

test("it left as corrected, once, and its timeline tells so", { skip }, async () => {
  const outbound = `${server.data}/outbound/new`;
  const there = () => {
    try {
      return readdirSync(outbound);
    } catch {
      return [];
    }
  };
  for (let i = 0; there().length === 0 && i < 3000; i++) await page.waitForTimeout(100);
  assert.equal(there().length, 1);
  const mail = readFileSync(`${outbound}/${there()[0]}`, "utf8");
  assert.match(mail, /^Subject: Your quote\r?$/m);
  assert.match(mail, /filename="?quote.txt/);
  await page.goto(`${server.url}/console/mail/${kAgent}?view=outbound`);
  await page.getByRole("link", { name: /Your quote/ }).click();
  await page.locator(".timeline-item").nth(3).waitFor();
  await page.getByText(new RegExp(`${kOwner} approved it at .*with changes`)).waitFor();
  await expect_accessible(page, "the timeline");
  await picture(page, "server-timeline");
});

test("undo brings the hold back, and nothing is sent", { skip }, async () => {
  const id = await write("Think again", "About this.");
  await be_patient(page, { undo_seconds: 60 }); // the first mail left after the usual time
  await page.goto(`${server.url}/console/queue/${id}`);
  await detail()
    .getByRole("button", { name: /^Approve/ })
    .click();
  await toast("Approved for customer@example.org.");
  await page.keyboard.press("u");
  await toast("Undone: it is held again.");
  await detail()
    .getByRole("button", { name: /^Approve/ })
    .waitFor();
  await page.keyboard.press("r");
  await page.getByLabel("Reason").fill("Not now");
  await page.getByLabel("Reason").press("Enter");
  await toast("Rejected. Nothing is sent.");
});

test("a message appears by itself; two decisions, and the slower one is told", { skip }, async () => {
  await page.goto(`${server.url}/console/queue`);
  await page.getByText("Nothing waits for you").waitFor();
  const id = await write("By itself", "Live.");
  await detail().getByRole("heading", { name: "By itself" }).waitFor();
  await detail().getByRole("button", { name: "quote.txt" }).click();
  await page.getByText("42 EUR").waitFor();
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await fetch(`${server.url}/v1/reviews/${id}/reject`, {
    method: "POST",
    headers: { Authorization: `Bearer ${server.key}`, "Content-Type": "application/json" },
    body: "{}",
  });
  await detail()
    .getByText(/rejected it at/)
    .waitFor();
});

test("several with one decision", { skip }, async () => {
  for (let i = 0; i < 4; i++) await write(`Bulk ${i}`, "One of several.");
  await page.goto(`${server.url}/console/queue`);
  await page.getByText("4 messages waiting").waitFor();
  for (let i = 0; i < 4; i++) await page.keyboard.press("x");
  await page.keyboard.press("a");
  await page.getByRole("button", { name: "Approve 4" }).click();
  await toast("4 approved.");
  await page.getByText("Nothing waits for you").waitFor();
});

test("hostile mail that came in over SMTP", { skip }, async () => {
  await fetch(`${server.url}/v1/agents/${kAgent}/protection`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${server.key}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      inbound: { gate: { policy: "allowlist", action: "review", allowlist: [] }, scan: {} },
      outbound: { gate: {}, scan: {} },
      holds: {},
    }),
  });
  const names = ["script", "css", "remote", "links"];
  for (const name of names) {
    await deliver(
      server.smtp,
      "mallory@evil.example",
      kAgent,
      `From: mallory@evil.example\nSubject: Hostile ${name}\nMessage-ID: <${name}@evil.example>\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n${kHostileHtml[name]}\n`,
    );
  }
  await page.getByText("4 messages waiting").waitFor();
  for (const name of names) {
    await page.getByRole("link", { name: new RegExp(`Hostile ${name}`) }).click();
    await detail()
      .getByRole("heading", { name: `Hostile ${name}` })
      .waitFor();
    await page.locator("iframe.mail-frame").waitFor();
    await page.getByRole("tab", { name: "Source" }).click();
    await page.locator(".mail-source").waitFor();
  }
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  await picture(page, "server-hostile");
});

test("every other page answers", { skip }, async () => {
  for (const path of [
    "overview",
    "unknown",
    `mail/${kAgent}`,
    "agents",
    `agents/${kAgent}`,
    "webhooks",
    "events",
    "suppressions",
    "keys",
  ]) {
    await page.goto(`${server.url}/console/${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await settled(page);
    assert.deepEqual(await page.getByRole("alert").allTextContents(), [], path);
    await expect_accessible(page, path);
    await picture(page, `server-${path.replace(/\W+/g, "-")}`);
  }
  await page.goto(`${server.url}/console/agents/${kAgent}`);
  await page.getByRole("button", { name: "Try on past mail" }).click();
  await page.getByText(/Of the last \d+ messages/).waitFor();
});

test("another password, and the old one no longer lets in", { skip }, async () => {
  const old = await page.context().cookies();
  await page.getByRole("link", { name: kOwner }).click();
  const change = async (present) => {
    await page.getByLabel("Present password").fill(present);
    await page.getByLabel("New password", { exact: true }).fill(kNewPassword);
    await page.getByLabel("New password again").fill(kNewPassword);
    await page.getByRole("button", { name: "Change it" }).click();
  };
  await change("wrong password here");
  await page.getByText("That is not your present password").waitFor();
  await change(kPassword);
  await toast("Changed. Every other browser is signed out.");
  const Cookie = old.map((one) => `${one.name}=${one.value}`).join("; ");
  assert.equal((await fetch(`${server.url}/console/api/session`, { headers: { Cookie } })).status, 401);
  await page.goto(`${server.url}/console/account`);
  await expect_accessible(page, "account");
});

test("signing out on every device, and in again", { skip }, async () => {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "On every device" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.getByLabel("E-mail").fill(kOwner);
  await page.getByLabel("Password").fill(kPassword);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText(/E-mail or password is wrong/).waitFor();
  await page.getByLabel("Password").fill(kNewPassword);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Console" }).waitFor();
});
