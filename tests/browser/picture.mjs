// Takes the picture of the inbox in the README from a running `meari demo`:
// `MEARI_URL=http://127.0.0.1:8080 MEARI_SHOTS=/tmp node picture.mjs EMAIL PASSWORD`,
// then copy /tmp/readme-inbox.png to docs/images/inbox.png.
import { inBrowser } from "./chromium.mjs";
import { available, composer, signIn } from "./people.mjs";

const [email, password] = process.argv.slice(2);

await inBrowser("readme", async ({ page, url, shot }) => {
  await page.goto(url);
  await signIn(page, email, password);
  await page.getByRole("button", { name: /^Your presence/ }).waitFor();
  await page.getByRole("row").filter({ hasText: /[A-Z]/ }).nth(1).click();
  await composer(page).waitFor();
  await available(page);
  await page.getByRole("alertdialog").waitFor({ timeout: 120_000 });
  await composer(page).fill("I have asked our warehouse. You will hear from me today.");
  await page.mouse.move(1000, 650);
  await shot("inbox");
}, { reducedMotion: "reduce" });
