// Asks for a link because the password is forgotten.
import { inBrowser } from "./chromium.mjs";
import { EMAIL } from "./people.mjs";

await inBrowser("forgot", async ({ page, url }) => {
  await page.goto(url);
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("E-mail").fill(EMAIL);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByText("If this address has an account, a link is on its way.").waitFor();
});
