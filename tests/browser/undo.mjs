// A reply is taken back from another ticket, and stands in the composer again: `undo.mjs WRONG RIGHT`.
import { inBrowser } from "./chromium.mjs";
import { composer, signIn } from "./people.mjs";

const [wrong, right] = process.argv.slice(2);

await inBrowser("undo", async ({ page, url, shot, reach }) => {
  await page.goto(url);
  await signIn(page);
  const row = (name) => page.getByRole("row").filter({ hasText: `Question of ${name}` });
  await row("minji").click();
  const address = /\/inbox\/\d+$/;
  await page.waitForURL(address);
  const here = page.url();
  await composer(page).fill(wrong);
  await page.keyboard.press("Control+Enter");
  await row("sofia").click();
  await page.waitForURL((to) => address.test(to.href) && to.href !== here);
  await page.getByRole("status").getByRole("button", { name: /^Undo/ }).click();
  await page.waitForURL(here);
  await page.waitForFunction((text) => document.querySelector("textarea")?.value === text, wrong);
  await shot("draft-again");
  await composer(page).fill(right);
  await page.keyboard.press("Control+Enter");
  await page.getByRole("main").getByText("Sent", { exact: true }).waitFor();
  if ((await page.getByText(wrong).count()) > 0) throw new Error("what was taken back is still shown");
  await reach("sent");
});
