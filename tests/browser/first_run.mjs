// The first run: nothing is set up, the browser makes the organisation and its owner, and she can
// leave and come back. Ends with pictures of what she sees.
import { inBrowser } from "./chromium.mjs";
import { EMAIL, PASSWORD, signIn } from "./people.mjs";

await inBrowser("first-run", async ({ page, url, shot, open }) => {
  await page.goto(url);
  await page.getByRole("heading", { name: "Welcome to Meari" }).waitFor();
  await shot("setup-en-light");
  await page.getByLabel("Organisation name").fill("Moa");
  await page.getByLabel("Your name").fill("Kim Seoyeon");
  await page.getByLabel("E-mail").fill(EMAIL);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create and enter" }).click();
  await page.waitForURL("**/inbox");
  await page.getByRole("button", { name: /^Your presence/ }).waitFor();
  await shot("inbox-en-light");

  await page.getByRole("button", { name: /Kim Seoyeon/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await signIn(page, EMAIL, PASSWORD);
  await page.waitForURL("**/inbox");
  // The session outlives the page: its cookie alone brings her back.
  await page.reload();
  await page.getByRole("button", { name: /^Your presence/ }).waitFor();

  // On a phone, in the dark, in Korean: chosen before signing in, kept after it.
  const korean = { viewport: { width: 390, height: 844 }, colorScheme: "dark" };
  const { page: phone } = await open(korean);
  await phone.goto(url);
  await phone.getByLabel("Language").selectOption("ko");
  await phone.getByRole("heading", { name: "로그인" }).waitFor();
  await shot("sign-in-ko-dark-390", phone);
  await signIn(phone, EMAIL, PASSWORD);
  await phone.getByText("새 메시지가 오면 바로 나타나요.").waitFor();
  await shot("inbox-ko-dark-390", phone);
});
