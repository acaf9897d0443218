// Three of four tickets are ticked with the keyboard and closed at once; Undo opens them again.
import { inBrowser } from "./chromium.mjs";
import { signIn } from "./people.mjs";

await inBrowser("bulk", async ({ page, url, shot, reach }) => {
  await page.goto(url);
  await signIn(page);
  const rows = page.getByRole("row").filter({ hasText: "Question of" });
  await rows.nth(3).waitFor();
  await rows.first().click();
  await page.waitForURL(/\/inbox\/\d+$/);
  // Away from the list, which waits while a pointer rests on it.
  await page.mouse.move(900, 300);
  await page.keyboard.press("x");
  await page.keyboard.press("Shift+J");
  await page.keyboard.press("Shift+J");
  await page.getByText("3 selected").waitFor();
  await shot("selected");
  await page.keyboard.press("e");
  await page.getByText("3 tickets changed.").waitFor();
  await reach("closed");
  await page.getByRole("status").getByRole("button", { name: /^Undo/ }).click();
  await page.getByText("3 tickets are as they were.").waitFor();
  await rows.nth(3).waitFor();
  await shot("undone");
  await reach("undone");
});
