// Visits pages in Chromium and says what a person would see. Standard input: a JSON list of visits
//   {url, width, height, dark?, mail?: it is one, press?: button label, fill?: {field name: text}, screenshot?: path}
// in one browser, each in a context of its own without JavaScript. Standard output: a JSON list of
//   {status, title, heading, text, requests: [URL…], overflow, small: [labels of controls under 44 px], problems}
// status, title and so on are those of the page that the visit ends on. Argument: the path of playwright-core.
import {createRequire} from 'node:module';
import process from 'node:process';

const {chromium} = createRequire(import.meta.url)(process.argv[2]);
const kPatienceMs = 180_000;  // a busy machine is no fault

async function visit(browser, wanted) {
  const context = await browser.newContext({
    viewport: {width: wanted.width, height: wanted.height},
    isMobile: wanted.width < 600, hasTouch: wanted.width < 600,
    colorScheme: wanted.dark ? 'dark' : 'light', javaScriptEnabled: false});
  const page = await context.newPage();
  page.setDefaultTimeout(kPatienceMs);
  const requests = [], problems = [];
  page.on('request', request => requests.push(`${request.method()} ${request.url()}`));
  page.on('console', message => problems.push(message.text()));
  page.on('requestfailed', request => problems.push(`failed: ${request.url()}`));
  let response = await page.goto(wanted.url);
  for (const [name, text] of Object.entries(wanted.fill ?? {})) await page.locator(`[name="${name}"]`).fill(text);
  if (wanted.press) {
    [response] = await Promise.all([page.waitForNavigation(), page.getByRole('button', {name: wanted.press}).click()]);
  }
  const seen = {status: response?.status() ?? 0, title: await page.title(), requests, problems,
    text: await page.locator('body').innerText()};
  if (!wanted.mail) seen.heading = await page.locator('h1').innerText();
  const [inner, content] = await page.evaluate(
    () => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
  seen.overflow = content - inner;
  seen.small = [];
  for (const control of await page.locator('button, a, textarea').all()) {
    const box = await control.boundingBox();
    if (box.height < 44) seen.small.push(await control.innerText());
  }
  if (wanted.screenshot) await page.screenshot({path: wanted.screenshot, fullPage: true});
  await context.close();
  return seen;
}

let input = '';
for await (const chunk of process.stdin) input += chunk;
const browser = await chromium.launch({executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'], timeout: kPatienceMs});
const results = [];
for (const wanted of JSON.parse(input)) results.push(await visit(browser, wanted));
await browser.close();
console.log(JSON.stringify(results));
