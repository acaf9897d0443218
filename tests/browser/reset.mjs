// Follows the mailed link, chooses a password, and signs in with it: `reset.mjs TOKEN PASSWORD`.
import { inBrowser } from "./chromium.mjs";
import { EMAIL, signIn } from "./people.mjs";

const [token, password] = process.argv.slice(2);

await inBrowser("reset", async ({ page, url, shot }) => {
  await page.goto(`${url}/reset-password#${token}`);
  await page.getByLabel("New password").fill(password);
  await shot("form");
  await page.getByRole("button", { name: "Save the password" }).click();
  await page.getByText("Password saved. Sign in with it.").waitFor();
  await signIn(page, EMAIL, password);
  await page.getByRole("button", { name: /^Your presence/ }).waitFor();
  // The link is spent.
  await page.goto(`${url}/reset-password#${token}`);
  await page.getByLabel("New password").fill("another new password");
  await page.getByRole("button", { name: "Save the password" }).click();
  await page.getByRole("alert").first().waitFor();
});
