// A developer app is added, and opened again without its secret: `apps.mjs NAME SECRET`.
import { inBrowser } from "./chromium.mjs";
import { signIn } from "./people.mjs";

const [name, secret] = process.argv.slice(2);

await inBrowser("apps", async ({ page, url, shot }) => {
  await page.goto(`${url}/settings/apps`);
  await signIn(page);
  await page.getByText("No developer apps").waitFor();
  await page.getByRole("button", { name: "Add an app" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill(name);
  await dialog.getByLabel("Server address").fill("https://social.example");
  await dialog.getByLabel("Client key").fill("key-1");
  await dialog.getByLabel("Client secret").fill(secret);
  await shot("form");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await page.getByText(name, { exact: true }).waitFor();
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  if ((await dialog.getByLabel("Client key").inputValue()) !== "key-1") throw new Error("the key is lost");
  if ((await dialog.getByLabel("Client secret").inputValue()) !== "") throw new Error("the secret is shown");
  await shot("again");
});
