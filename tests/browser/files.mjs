// One picture is pasted and one dropped; both go out with the reply: `files.mjs TEXT`.
import { inBrowser } from "./chromium.mjs";
import { composer, signIn } from "./people.mjs";

const [text] = process.argv.slice(2);

/** Lets the page see a file as the clipboard or a drag would bring it. */
function bring(area, type, name) {
  return area.evaluate(
    (element, [kind, fileName]) => {
      const pixel = atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");
      const bytes = Uint8Array.from(pixel, (one) => one.charCodeAt(0));
      const files = new DataTransfer();
      files.items.add(new File([bytes], fileName, { type: "image/png" }));
      const more = { bubbles: true, cancelable: true };
      element.dispatchEvent(
        kind === "paste"
          ? new ClipboardEvent("paste", { ...more, clipboardData: files })
          : new DragEvent("drop", { ...more, dataTransfer: files }),
      );
    },
    [type, name],
  );
}

await inBrowser("files", async ({ page, url, shot }) => {
  await page.goto(url);
  await signIn(page);
  await page.getByRole("row").filter({ hasText: "Question of" }).click();
  await composer(page).fill(text);
  await bring(composer(page), "paste", "pasted.png");
  await page.getByRole("button", { name: "Remove pasted.png" }).waitFor();
  await bring(composer(page), "drop", "dropped.png");
  await page.getByRole("button", { name: "Remove dropped.png" }).waitFor();
  await shot("attached");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("main").getByText("Sent", { exact: true }).waitFor();
});
