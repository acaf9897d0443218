// Writes first to a contact: `write_first.mjs NAME TEXT`.
import { inBrowser } from "./chromium.mjs";
import { composer, signIn } from "./people.mjs";

const [name, text] = process.argv.slice(2);

await inBrowser("write-first", async ({ page, url, shot }) => {
  await page.goto(url);
  await signIn(page);
  await page.getByRole("button", { name: /^Your presence/ }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("c");
  await page.getByRole("list", { name: "Contacts found" }).getByRole("button", { name }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  await shot("contact");
  await page.getByRole("button", { name: "New conversation" }).click();
  const dialog = page.getByRole("dialog", { name: "Start a conversation" });
  await dialog.getByLabel("To", { exact: true }).waitFor();
  await shot("dialog");
  await dialog.getByRole("button", { name: "Open the conversation" }).click();
  await page.waitForURL(/\/inbox\/\d+$/);
  await composer(page).fill(text);
  await page.keyboard.press("Control+Enter");
  await page.getByRole("main").getByText("Sent", { exact: true }).waitFor();
});
