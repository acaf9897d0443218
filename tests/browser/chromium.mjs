// Opens Debian's Chromium and runs a story. It fails on the first surprise, and at its end on
// anything the page complained about: errors, refused content, warnings of the browser. A failure
// leaves a screenshot and a non-zero exit.
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const url = process.env.MEARI_URL;
const shots = process.env.MEARI_SHOTS ?? "shots";
const patienceMs = 30_000;

/** What the browser says by itself while a server is away. */
export const RECONNECTING = [/WebSocket connection to .* failed/, /Failed to load resource: net::ERR_/];

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Tells the test that this point of the story is reached, and waits until it says to go on. */
async function reach(point) {
  console.log(`reached ${point}`);
  const { done } = await answers.next();
  if (done) throw new Error(`the test ended while the story waited at ${point}`);
}

/** What a page says that nobody asked for. A story may expect some of it. */
function listen(page, complaints, expected) {
  const complain = (text) => {
    if (!expected.some((pattern) => pattern.test(text))) complaints.push(text);
  };
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()))
      complain(`${message.type()}: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => complain(`uncaught: ${error.stack ?? error}`));
}

/** Runs `story({ page, context, url, shot, reach, expected, open })` in a fresh browser profile. */
export async function inBrowser(name, story, options = {}) {
  mkdirSync(shots, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  const complaints = [];
  const expected = [];
  /** One more person, with a browser profile of her own. */
  const open = async (more = {}) => {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      locale: "en-GB",
      timezoneId: "Asia/Seoul",
      ...options,
      ...more,
    });
    context.setDefaultTimeout(patienceMs);
    const page = await context.newPage();
    listen(page, complaints, expected);
    return { context, page };
  };
  const { context, page } = await open();
  const shot = (what, of = page) => of.screenshot({ path: `${shots}/${name}-${what}.png` });
  try {
    await story({ page, context, url, shot, reach, expected, open });
    if (complaints.length > 0) throw new Error(`the page complained:\n${complaints.join("\n")}`);
  } catch (error) {
    await shot("failed").catch(() => {});
    console.error(error);
    if (complaints.length > 0) console.error(complaints.join("\n"));
    process.exitCode = 1;
  } finally {
    await browser.close();
    process.stdin.destroy();
  }
}
