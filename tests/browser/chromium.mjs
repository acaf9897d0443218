// Opens Debian's Chromium and runs a story; a failure leaves a screenshot and a non-zero exit.
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

const url = process.env.MEARI_URL;
const shots = process.env.MEARI_SHOTS ?? "shots";
const patienceMs = 30_000;

/** Runs `story({ page, context, url, shot })` in a fresh browser profile. */
export async function inBrowser(name, story) {
  mkdirSync(shots, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
  context.setDefaultTimeout(patienceMs);
  const page = await context.newPage();
  const shot = (what) => page.screenshot({ path: `${shots}/${name}-${what}.png` });
  try {
    await story({ page, context, url, shot });
  } catch (error) {
    await shot("failed").catch(() => {});
    console.error(error);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
