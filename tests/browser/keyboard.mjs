// A whole ticket without a mouse, in Korean: `keyboard.mjs QUESTION ANSWER`.
import { inBrowser } from "./chromium.mjs";
import { composer, EMAIL, PASSWORD } from "./people.mjs";

const [question, answer] = process.argv.slice(2);

await inBrowser("keyboard", async ({ page, url, shot }) => {
  const { keyboard } = page;
  await page.goto(url);
  // Chosen here it stays hers, whatever her account says: the owner was set up in English.
  await page.getByLabel("Language").focus();
  await keyboard.press("End");
  await page.getByRole("heading", { name: "로그인" }).waitFor();
  await page.getByLabel("이메일").focus();
  await keyboard.type(EMAIL);
  await keyboard.press("Tab");
  await keyboard.type(PASSWORD);
  await keyboard.press("Enter");
  await page.getByRole("row").filter({ hasText: question }).waitFor();
  await keyboard.press("j");
  const timeline = page.getByRole("main");
  await timeline.getByText(question).first().waitFor();
  await composer(page).waitFor();
  await keyboard.press("r");
  await keyboard.type(answer);
  await keyboard.press("Control+Enter");
  await timeline.getByText("보냄", { exact: true }).waitFor();
  await shot("answered-ko");
  await composer(page).blur();
  await keyboard.press("e");
  await page.getByText("상담 #1 종료했어요.").waitFor();
  await shot("closed-ko");
});
