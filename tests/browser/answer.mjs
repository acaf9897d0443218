// An agent becomes available, is offered what a customer wrote, accepts it by clicking, answers, and
// sees the answer sent. `answer.mjs QUESTION ANSWER [rough]`; rough: the server dies while she types.
import { inBrowser, RECONNECTING } from "./chromium.mjs";
import { available, composer, signIn } from "./people.mjs";

const [question, answer, rough] = process.argv.slice(2);

await inBrowser(rough ? "answer-rough" : "answer", async ({ page, url, shot, reach, expected }) => {
  await page.goto(url);
  await signIn(page);
  await available(page);
  await reach("available");

  const offer = page.getByRole("alertdialog");
  await offer.getByText(question).waitFor();
  await shot("offer");
  await offer.getByRole("button", { name: /^Accept/ }).click();
  const toast = page.locator("[role=status] li").first();
  const refused = toast.textContent().then((text) => Promise.reject(new Error(`refused: ${text}`)));
  await Promise.race([page.waitForURL(/\/inbox\/\d+$/), refused]);
  refused.catch(() => {});
  const timeline = page.getByRole("main");
  await timeline.getByText(question).first().waitFor();
  await offer.waitFor({ state: "detached" });

  await composer(page).fill(answer);
  if (rough) expected.push(...RECONNECTING);
  await reach("typed");
  await page.keyboard.press("Control+Enter");
  await timeline.getByText(answer).waitFor();
  if (rough) {
    await page.getByText(/^Reconnecting\. .* 1 is waiting\.$/).waitFor();
    await shot("reconnecting");
    await reach("waiting");
    await page.locator("[data-outbox]").waitFor({ state: "detached" });
    await reach("handed-over");
  }
  await timeline.getByText("Sent", { exact: true }).waitFor();
  if ((await timeline.getByText(answer).count()) !== 1) throw new Error("the answer is shown twice");
  await shot("sent");
});
