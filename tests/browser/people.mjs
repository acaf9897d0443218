// What stories do again and again.

/** The owner that the harness sets up. */
export const EMAIL = "owner@example.com";
export const PASSWORD = "correct horse battery staple";

/** Fills the sign-in form, in English or Korean. */
export async function signIn(page, email = EMAIL, password = PASSWORD) {
  await page.getByLabel(/^(E-mail|이메일)$/).fill(email);
  await page.getByLabel(/^(Password|비밀번호)$/).fill(password);
  await page.getByRole("button", { name: /^(Sign in|로그인)$/ }).click();
}

/** Says by the menu that she takes work, and waits until the server agrees. */
export async function available(page) {
  await page.getByRole("button", { name: /^Your presence/ }).click();
  await page.getByRole("menuitem", { name: "Available", exact: true }).click();
  // What waited for her may be offered at once.
  const ready = /^Your presence: ?(Available|Being offered|On a contact)/;
  await page.getByRole("button", { name: ready }).waitFor();
}

/** Where a reply is written. */
export function composer(page) {
  return page.getByRole("textbox", { name: /^Reply to|로 답변$/ });
}
