// Ten thousand holds: the queue is there after its first hundred, reads the rest behind that, and scrolling
// costs what is in sight. Measured in requests, bytes, rows and layouts; times are printed and judged by nobody,
// since they are the machine's.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { close_browser, sign_in, skip, with_console } from "./browser.mjs";

const kScrolls = 60;

after(close_browser);

test("10,000 held messages", { skip }, (context) =>
  with_console({ holds: 10_000 }, async (t) => {
    const { page, world } = t;
    const all_read = page.getByText("10,007 messages waiting", { exact: true });
    await sign_in(page, t.url);
    await all_read.waitFor();
    const devtools = await t.context.newCDPSession(page);
    await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
    const measured = async () =>
      Object.fromEntries(
        (await devtools.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]),
      );

    // Opening: with the first hundred the queue is on the screen.
    world.hold_back = (url) => url.pathname.endsWith("/reviews") && url.searchParams.has("cursor");
    world.requests.length = 0;
    await page.reload({ waitUntil: "commit" });
    await page.getByText("10,007 messages waiting, 100 read").waitFor();
    await page.locator(".hold").first().waitFor();
    const opened_ms = await page.evaluate(() => performance.now());
    const asked = [...world.requests];
    world.let_go();
    await all_read.waitFor();
    const whole = await measured();
    const pages = await page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter((one) => /\/reviews\?/.test(one.name))
        .map((one) => [one.name, one.decodedBodySize]),
    );

    // Scrolling: no message is asked for, and no row exists that is not near the window.
    world.requests.length = 0;
    const rows = await page.evaluate(async (scrolls) => {
      const box = document.querySelector(".virtual");
      let most = 0;
      for (let i = 0; i < scrolls; i++) {
        box.scrollTop += 2500;
        await new Promise(requestAnimationFrame);
        most = Math.max(most, document.querySelectorAll(".hold").length);
      }
      return most;
    }, kScrolls);
    const scrolled = await measured();
    const layouts = (scrolled.LayoutCount - whole.LayoutCount) / kScrolls;
    const busy_ms = [whole.TaskDuration, scrolled.TaskDuration - whole.TaskDuration].map((s) => s * 1000);
    context.diagnostic(
      `there after ${Math.round(opened_ms)} ms, ${asked.length} requests, ${pages[0][1]} bytes of holds`,
    );
    context.diagnostic(`for each scroll ${layouts.toFixed(1)} layouts; at most ${rows} rows exist`);
    context.diagnostic(
      `processor time ${busy_ms[0].toFixed()} ms, ${(busy_ms[1] / kScrolls).toFixed()} ms for each scroll`,
    );
    assert.ok(asked.length <= 16, `opening asks little: ${asked.join(", ")}`);
    assert.ok(pages[0][1] < 100_000, "the first page of the queue is small");
    assert.equal(new Set(pages.map(([url]) => url)).size, 11, "a hundred, then ten thousand in thousands");
    assert.ok(rows > 10 && rows < 60, "rows out of sight do not exist");
    assert.ok(layouts < 3, "a scroll is laid out once");
    assert.deepEqual(
      world.requests.filter((one) => /msg_/.test(one)),
      [],
    );
    await page.evaluate(() => (document.querySelector(".virtual").scrollTop = 0));
    await page.getByRole("link", { name: /Mira Klein/ }).click();
    await page.keyboard.press("j");
    await page.getByRole("heading", { name: "Access to the staging system" }).waitFor();
  }),
);
