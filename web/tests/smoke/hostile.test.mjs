// Mail that wants to run, fetch, hide or mislead: nothing runs, nothing is fetched, the reviewer is warned.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { close_browser, kDesktop, open, settled, sign_in, skip } from "./browser.mjs";
import { kHostileHtml } from "../standin/hostile.mjs";

let t;
const id_of = (subject) =>
  [...t.world.messages.values()].find((one) => one.message.subject.startsWith(subject)).message.id;
const show = async (subject) => {
  await t.page.goto(`${t.url}/console/queue/${id_of(subject)}`);
  await t.page
    .getByRole("region", { name: "Message", exact: true })
    .getByRole("heading", { level: 1 })
    .waitFor();
};

before(async () => {
  if (skip) return;
  // The policy's own words about what it refused while the mail was parsed into a document that is never
  // shown.
  const tolerate = [
    /^console: (Executing inline event handler|Applying inline style|Setting the document.s base URI to .*) violates/,
  ];
  t = await open({ hostile: true, viewport: kDesktop, tolerate });
  await sign_in(t.page, t.url);
});
after(async () => {
  try {
    await t?.close(); // asserts that nothing was requested outside and no dialog or error appeared
  } finally {
    await close_browser();
  }
});

for (const name of Object.keys(kHostileHtml)) {
  test(`hostile HTML: ${name}`, { skip }, async () => {
    await show(`Hostile ${name}`);
    const frame = t.page.locator("iframe.mail-frame");
    await frame.waitFor();
    assert.equal(await frame.getAttribute("sandbox"), "");
    const inside = await (await frame.elementHandle()).contentFrame();
    await inside.waitForSelector("body", { state: "attached" });
    await settled(t.page);
    assert.equal(await t.page.evaluate(() => window.pwned), undefined);
    const source = await frame.getAttribute("srcdoc");
    const body = source.slice(source.indexOf("<body>"));
    assert.doesNotMatch(
      body,
      /<(script|style|svg|math|iframe|object|embed|form|input|base|meta|link|video|audio)\b/i,
    );
    assert.doesNotMatch(
      body.replace(/title="[^"]*"/g, ""),
      /\s(on\w+|style|href|srcset|ping|background|action)=/i,
    );
    assert.doesNotMatch(
      decodeURIComponent(/href="data:text\/css[^,]*,([^"]*)"/.exec(source)[1]),
      /url\(|@import|@font-face|evil|position|\\/i,
    );
    assert.match(source, /Content-Security-Policy" content="default-src 'none'/);
  });
}

test("links that mislead are named", { skip }, async () => {
  await show("Hostile links");
  for (const text of [
    "shows bank.example, leads to evil.example",
    "leads to evil.example, whatever stands before the @",
    "mixes Latin and Cyrillic letters",
    "is an encoded name",
  ]) {
    await t.page.getByText(text).first().waitFor();
  }
});

test("names of attachments, reversed text and tag characters are warned of", { skip }, async () => {
  await show("Invoice");
  const alert = t.page.getByRole("alert").first();
  for (const text of [
    "reverse the direction of reading",
    "Invisible tag characters",
    "reverses letters to hide its real ending",
    "a program that pretends to be a document",
    "pushes its real ending out of sight",
    "can run scripts",
  ]) {
    await alert.getByText(text).first().waitFor();
  }
  for (const file of ["page.html", "drawing.svg", "statement.pdf.exe"]) {
    await t.page.getByRole("button", { name: file }).click();
    await t.page.getByRole("dialog").waitFor();
    await settled(t.page);
    await t.page.getByRole("button", { name: "Close", exact: true }).click();
  }
  assert.equal(await t.page.evaluate(() => window.pwned), undefined);
});

test("a sender in look-alike letters is warned of", { skip }, async () => {
  await show("Homograph");
  await t.page
    .getByText(/mixes Latin and Cyrillic letters/)
    .first()
    .waitFor();
});
