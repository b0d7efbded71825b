// Chromium and what the suites share. CHROMIUM names another binary; SCREENSHOTS a folder to keep pictures
// in. Where there is no Chromium the suites are skipped, except in continuous integration (CI is set).
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { start } from "../standin/server.mjs";
import { kEmail, kPassword } from "../standin/world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const skip =
  existsSync(executablePath) || process.env.CI
    ? false
    : "Chromium is not installed (scripts/install browser)";
export const pictures = process.env.SCREENSHOTS;
export const kDesktop = { width: 1360, height: 860 };
export const kPhone = { width: 390, height: 844 };
const kPatienceMs = 180_000; // a busy machine is no fault

let shared = null;

/** The browser of this process; it goes with the process. */
async function browser_of() {
  shared ??= await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu"],
    timeout: kPatienceMs,
  });
  return shared;
}

/** Opens, runs, closes. */
export async function with_console(options, run) {
  const t = await open(options);
  let failed = true;
  try {
    await run(t);
    failed = false;
  } finally {
    await t.close(failed);
  }
}

export async function close_browser() {
  await shared?.close();
  shared = null;
}

/** A stand-in and a page on it. What the page complains about fails the test at close(). */
export async function open(options = {}) {
  await browser_of(); // where there is none, nothing is left running
  const standin = await start(options);
  const opened = await open_at(standin.url, options);
  await be_patient(opened.page, { undo_seconds: 600 }); // the stand-in lets one undo for as long as one likes
  const close = async (failed = false) => {
    await opened.context.close();
    await standin.stop();
    if (!failed) opened.judge(); // the first failure is the one to look at
  };
  return { ...standin, ...opened, close };
}

/** A page on a server that runs already. */
export async function open_at(url, options = {}) {
  const browser = await browser_of();
  const context = await browser.newContext({
    viewport: options.viewport ?? kDesktop,
    colorScheme: options.dark ? "dark" : "light",
    hasTouch: options.viewport === kPhone,
    isMobile: options.viewport === kPhone,
    reducedMotion: "reduce",
    timezoneId: "Europe/Berlin",
    locale: "en-GB",
    bypassCSP: false,
  });
  const page = await context.newPage();
  await page.addInitScript(() => {
    AbortSignal.timeout = () => new AbortController().signal; // an answer may be held back for long
  });
  await be_patient(page, { toast_ms: 600_000, silence_ms: 600_000 });
  page.setDefaultTimeout(kPatienceMs);
  const complaints = [];
  const outside = [];
  watch(page, url, complaints, outside);
  const judge = () => {
    assert.deepEqual(outside, [], "requests that leave the server");
    assert.deepEqual(
      complaints.filter((one) => !(options.tolerate ?? []).some((t) => t.test(one))),
      [],
      "complaints of the browser",
    );
  };
  const close = async () => {
    await context.close();
    judge();
  };
  return { url, context, page, close, judge, complaints, outside };
}

/** From the next page on, what passes by itself stays until the test has seen it: src/lib/patience.ts. */
export function be_patient(page, times) {
  return page.addInitScript((more) => {
    window.countersign_patience = { ...window.countersign_patience, ...more };
  }, times);
}

export function watch(page, url, complaints, outside) {
  page.on("pageerror", (error) => complaints.push(`page: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text()))
      complaints.push(`console: ${message.text()}`);
  });
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const target = request.url();
    if (!target.startsWith(`${url}/`) && !/^(data|blob|about|chrome-extension|chrome):/.test(target))
      outside.push(target);
  });
}

export async function sign_in(page, url, path = "/console/") {
  await page.goto(url + path);
  await page.getByLabel("E-mail").fill(kEmail);
  await page.getByLabel("Password").fill(kPassword);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Console" }).waitFor();
}

/** What is being loaded has arrived and is drawn, and what it would run has had its turn. */
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector(".skeleton"));
  await drawn(page);
}

/** What is known is drawn, and what that starts is started. */
export const drawn = (page) =>
  page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))),
  );

export async function door(url, name, body = {}) {
  const response = await fetch(`${url}/console/api/test/${name}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  return await response.json();
}

/** No serious or critical fault, of those that can be seen from outside of frames. */
export async function expect_accessible(page, name) {
  await page.evaluate(axe).catch(() => undefined);
  const found = await page.evaluate(async () => {
    const result = await window.axe.run(document, { iframes: false, resultTypes: ["violations"] });
    return result.violations
      .filter((one) => one.impact === "serious" || one.impact === "critical")
      .map(
        (one) =>
          `${one.id}: ${one.nodes
            .slice(0, 4)
            .map((node) => `${node.target} ${node.any[0]?.message ?? node.failureSummary ?? ""}`)
            .join(" | ")}`,
      );
  });
  assert.deepEqual(found, [], `axe-core on ${name}`);
}

export async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png` });
}
