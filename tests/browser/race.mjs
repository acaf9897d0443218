// Two people want the same ticket at the same moment. One accepts the offer, the other takes it from
// the list: `race.mjs TOKEN QUESTION`. Prints who won; the other one is told.
import { inBrowser } from "./chromium.mjs";
import { available, PASSWORD, signIn } from "./people.mjs";

/** Keeps the claims of these pages until all of them have claimed; answers how to let it go. */
async function hold(pages) {
  const held = pages.map(
    (page) =>
      new Promise((holds) => {
        const isClaim = (request) => /acceptOffer|takeTicket/.test(request.postData() ?? "");
        void page.route("**/graphql", (route) => (isClaim(route.request()) ? holds(route) : route.continue()));
      }),
  );
  return async () => {
    const routes = await Promise.all(held);
    await Promise.all(routes.map((route) => route.continue()));
  };
}

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
  // The server decides between two who have both clicked: nobody's word travels before.
  const letGo = await hold([agent, owner]);
  await Promise.all([accept.click(), take.click()]);
  await letGo();
  const told = (page) => page.getByText("Somebody else took it.").first().waitFor();
  const loser = await Promise.any([told(owner).then(() => "owner"), told(agent).then(() => "agent")]);
  await shot("owner", owner);
  await shot("agent", agent);
  console.log(loser === "owner" ? "Park Jihun won" : "the owner won");
});
