// A customer writes while the agent's line is slow: her reply waits until she has read it.
// `newer.mjs QUESTION SECOND ANSWER`.
import { inBrowser } from "./chromium.mjs";
import { composer, signIn } from "./people.mjs";

const [question, second, answer] = process.argv.slice(2);

await inBrowser("newer", async ({ page, url, shot, reach }) => {
  let held = null;
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => (held ? held.push(() => socket.send(message)) : socket.send(message)));
  });
  await page.goto(url);
  await signIn(page);
  await page.getByRole("row").filter({ hasText: question }).click();
  await composer(page).fill(answer);
  held = [];
  await reach("deaf");
  await page.keyboard.press("Control+Enter");
  const dialog = page.getByRole("alertdialog", { name: "The customer wrote meanwhile" });
  await dialog.getByText(second).waitFor();
  await shot("asked");
  await dialog.getByRole("button", { name: "Send anyway" }).click();
  const late = held;
  held = null;
  for (const send of late) send();
  const timeline = page.getByRole("main");
  await timeline.getByText("Sent", { exact: true }).waitFor();
  await timeline.getByText(second, { exact: true }).waitFor();
});
