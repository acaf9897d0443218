// Runs before the first paint so that a dark screen never flashes white. A file and not inline: the CSP allows no inline script.
(() => {
  let theme = "system";
  try {
    theme = JSON.parse(localStorage.getItem("meari.preferences") ?? "{}").state?.theme ?? "system";
  } catch {}
  const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
})();
