// Two contacts are found to be one, on evidence, and then not: `merge.mjs STAYS GOES`.
import { inBrowser } from "./chromium.mjs";
import { signIn } from "./people.mjs";

const [stays, goes] = process.argv.slice(2);

await inBrowser("merge", async ({ page, url, shot, reach }) => {
  await page.goto(`${url}/contacts`);
  await signIn(page);
  const found = page.getByRole("list", { name: "Contacts found" });
  const contact = (name, list = found) => list.getByText(name, { exact: true }).first();
  await contact(stays).click();
  await page.getByRole("button", { name: "Merge …" }).click();
  const dialog = page.getByRole("dialog");
  await contact(goes, dialog.getByRole("list")).click();
  await dialog.getByText("What speaks for it, what against").waitFor();
  await shot("evidence");
  await dialog.getByRole("button", { name: "Merge", exact: true }).click();
  await page.getByText("The contacts are one now.").waitFor();
  await page.getByRole("main").getByText(`@${goes}`).first().waitFor();
  await shot("merged");
  await reach("merged");
  await page.getByRole("main").getByRole("button", { name: "Undo the merge" }).click();
  await page.getByText("They are two contacts again.").waitFor();
  await page.getByRole("main").getByText(`@${goes}`).waitFor({ state: "detached" });
  await reach("unmerged");
});
