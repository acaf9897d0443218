// axe-core on the pages people live in, light and dark, in one language: `accessible.mjs LANGUAGE QUESTION`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { inBrowser } from "./chromium.mjs";
import { signIn } from "./people.mjs";

const [language, question] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function judge(page, where, findings) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  for (const { id, nodes } of violations)
    for (const { html, failureSummary } of nodes)
      findings.push(`${where}: ${id}: ${html.slice(0, 200)}\n  ${failureSummary}`);
}

const SETTINGS = [
  "profile",
  "inboxes",
  "apps",
  "queues",
  "skills",
  "people",
  "teams",
  "tokens",
  "audit",
  "dead-letters",
];

await inBrowser(`accessible-${language}`, async ({ url, shot, open }) => {
  const findings = [];
  for (const colorScheme of ["light", "dark"]) {
    const look = `${language}-${colorScheme}`;
    const { page, context } = await open({ colorScheme, reducedMotion: "reduce" });
    await page.goto(url);
    await page.locator("select").selectOption(language);
    await page.getByRole("heading", { name: language === "ko" ? "로그인" : "Sign in" }).waitFor();
    await judge(page, `${look} sign-in`, findings);
    await signIn(page);
    await page.getByRole("row").filter({ hasText: question }).click();
    await page.getByRole("main").getByText(question).first().waitFor();
    await page.getByRole("textbox").first().waitFor();
    await judge(page, `${look} inbox`, findings);
    await shot(`inbox-${look}`, page);
    await page.getByRole("main").click({ position: { x: 200, y: 200 } });
    await page.keyboard.press("x");
    await page.getByRole("checkbox", { checked: true }).waitFor();
    await judge(page, `${look} selection`, findings);
    await page.goto(`${url}/contacts`);
    const contact = page.getByRole("listitem").getByRole("button").first();
    await contact.waitFor();
    await judge(page, `${look} contacts`, findings);
    await contact.click();
    await page.getByRole("heading", { level: 1 }).waitFor();
    await judge(page, `${look} contact`, findings);
    for (const name of SETTINGS) {
      await page.goto(`${url}/settings/${name}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.waitForLoadState("networkidle");
      await judge(page, `${look} ${name}`, findings);
    }
    await context.close();
  }
  if (findings.length > 0) throw new Error(`axe found:\n${findings.join("\n")}`);
});
