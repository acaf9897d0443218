// Two people want the same ticket at the same moment. One accepts the offer, the other takes it from
// the list: `race.mjs TOKEN QUESTION`. Prints who won; the other one is told.
import { inBrowser } from "./chromium.mjs";
import { available, PASSWORD, signIn } from "./people.mjs";

const [token, question] = process.argv.slice(2);

await inBrowser("race", async ({ page: owner, url, shot, reach, open }) => {
  const { page: agent } = await open();
  await agent.goto(`${url}/invitation#${token}`);
  await agent.getByLabel("Your name").fill("Park Jihun");
  await agent.getByLabel("Password").fill(PASSWORD);
  await agent.getByRole("button", { name: "Join" }).click();
  await agent.waitForURL("**/inbox");
  await reach("joined");
  await available(agent);
  await owner.goto(url);
  await signIn(owner);
  await owner.getByRole("button", { name: /^Your presence/ }).waitFor();
  await reach("available");

  const accept = agent.getByRole("alertdialog").getByRole("button", { name: /^Accept/ });
  await owner.getByRole("row").filter({ hasText: question }).click();
  const take = owner.getByRole("button", { name: /^Take/ });
  await Promise.all([accept.waitFor(), take.waitFor()]);
  await Promise.all([accept.click(), take.click()]);
  const told = (page) => page.getByText("Somebody else took it.").first().waitFor();
  const loser = await Promise.any([told(owner).then(() => "owner"), told(agent).then(() => "agent")]);
  await shot("owner", owner);
  await shot("agent", agent);
  console.log(loser === "owner" ? "Park Jihun won" : "the owner won");
});
