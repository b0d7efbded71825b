import assert from "node:assert/strict";
import { test } from "node:test";
import { take_styles } from "./mail_attributes";

const cases: [string, string][] = [
  [`<p style="a">x</p>`, `<p data-cs-style="a">x</p>`],
  [`<p STYLE = 'a' class=b style=c>x`, `<p data-cs-style = 'a' class=b data-cs-style=c>x`],
  [`<p title="a style='b'>" style=c>`, `<p title="a style='b'>" data-cs-style=c>`],
  [`a < b style="c" <!-- <p style="d"> -->`, `a < b style="c" <!-- <p style="d"> -->`],
  [`<br/style="a"><p styled="b" data-style="c">`, `<br/data-cs-style="a"><p styled="b" data-style="c">`],
  [`<p style="never closed`, `<p data-cs-style="never closed`],
  [`<p a=style style>`, `<p a=style data-cs-style>`],
  ["<", "<"],
  ["<p", "<p"],
  ["<!-- open", "<!-- open"],
];

test("style attributes are renamed, and nothing else is", () => {
  for (const [html, expected] of cases) assert.equal(take_styles(html).html, expected);
});

test("style sheets are taken out", () => {
  assert.deepEqual(take_styles(`a<style type="x">p>b{}</STYLE><p style="c">`), {
    html: `a</STYLE><p data-cs-style="c">`,
    sheets: ["p>b{}"],
  });
  assert.deepEqual(take_styles(`<style style="a">never closed`), { html: "", sheets: ["never closed"] });
});

// With a step for every pair of characters this would take hours.
test("broken tags as long as a message may be are looked at once", () => {
  const open_quotes = "<a<b c='".repeat(1_250_000);
  const no_values = "<a =".repeat(2_500_000);
  for (const html of [open_quotes, no_values]) assert.ok(take_styles(html).html === html);
});
