// Reads the title and the first heading: proves that the driver works.
import { inBrowser } from "./chromium.mjs";

await inBrowser("title", async ({ page, url, expected }) => {
  // The page is bare: it has no icon.
  expected.push(/404/);
  page.setDefaultTimeout(3000);
  await page.goto(url);
  console.log(`${await page.title()} / ${await page.locator("h1").textContent()}`);
});
