// A customer's markup is shown in a frame that runs nothing and asks no other server for anything.
import { inBrowser } from "./chromium.mjs";
import { signIn } from "./people.mjs";

await inBrowser("html", async ({ page, url, shot }) => {
  const asked = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob|about):/.test(request.url())) asked.push(request.url());
  });
  await page.goto(url);
  await signIn(page);
  await page.getByRole("row").filter({ hasText: "two things" }).click();
  const frame = page.frameLocator('iframe[title="Formatted message"]');
  await frame.locator("strong", { hasText: "two things" }).waitFor();
  await frame.getByRole("link", { name: "our order" }).waitFor();
  await shot("formatted");
  if (await page.evaluate(() => "stolen" in globalThis)) throw new Error("the customer's script ran");
  await page.getByRole("button", { name: "Show plain text" }).click();
  await page.getByRole("main").locator("span").filter({ hasText: "two things" }).first().waitFor();
  if (asked.length > 0) throw new Error(`other servers were asked: ${asked}`);
});
