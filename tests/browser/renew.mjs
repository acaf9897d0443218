// The token is renewed before it runs out, and the one socket lives on: `renew.mjs LATE`.
import { inBrowser } from "./chromium.mjs";
import { signIn } from "./people.mjs";

const [late] = process.argv.slice(2);

await inBrowser("renew", async ({ page, url, reach }) => {
  const sockets = [];
  const renewed = [];
  page.on("websocket", (socket) => {
    sockets.push(socket);
    socket.on("framesent", ({ payload }) => {
      if (String(payload).includes("renewSocket")) renewed.push("asked");
    });
    socket.on("framereceived", ({ payload }) => {
      if (String(payload).includes('"renewSocket":{"problem":null}')) renewed.push("done");
    });
  });
  await page.clock.install();
  await page.goto(url);
  await signIn(page);
  await page.getByRole("row").filter({ hasText: "Question of" }).waitFor();
  await page.clock.fastForward("14:05");
  for (let turn = 0; turn < 300 && !renewed.includes("done"); turn += 1) {
    await page.clock.runFor(100);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (!renewed.includes("done")) throw new Error(`not renewed: ${renewed}`);
  await reach("renewed");
  await page.clock.resume();
  await page.getByRole("row").filter({ hasText: late }).waitFor();
  if (sockets.length !== 1) throw new Error(`${sockets.length} sockets were opened`);
});
