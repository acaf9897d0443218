// She ends what she has and then takes a break: nothing new is offered meanwhile.
import { inBrowser } from "./chromium.mjs";
import { available, composer, signIn } from "./people.mjs";

const [next] = process.argv.slice(2);

await inBrowser("finish", async ({ page, url, shot, reach }) => {
  await page.goto(url);
  await signIn(page);
  await available(page);
  await page.getByRole("alertdialog").getByRole("button", { name: /^Accept/ }).click();
  const presence = page.getByRole("button", { name: /^Your presence/ });
  await presence.click();
  await page.getByRole("menuitem", { name: "Break after open work" }).click();
  await page.getByRole("button", { name: /then Break/ }).waitFor();
  await shot("finishing");
  await reach("finishing");
  // What she accepted is open before her; the new ticket does not take its place.
  await page.getByRole("row").filter({ hasText: next }).waitFor();
  await composer(page).blur();
  await page.keyboard.press("e");
  await page.getByRole("button", { name: /^Your presence: ?Break/ }).waitFor();
  await shot("on-a-break");
});
