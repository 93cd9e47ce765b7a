// Pictures of pages in headless Chromium: node look.mjs WORK FOLDER. See `look`.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [work, folder] = process.argv.slice(2);
const puppeteer = createRequire(join(work, "package.json"))("puppeteer-core");

/** A page of memray's with the registry's copies of what it would fetch. */
function local(name) {
  const copies = (url) => {
    const [, jsdelivr, path] = /cdn\.jsdelivr\.net\/npm\/([^@]+)@[^/]+\/(.*)/.exec(url) ?? [];
    if (jsdelivr) return `node_modules/${jsdelivr}/${path}`;
    const tables = url.includes("bootstrap4") ? "datatables.net-bs4" : "datatables.net";
    return `node_modules/${tables}/js/${url.split("/").pop()}`;
  };
  const html = readFileSync(join(work, name), "utf8")
    .replace(/https:\/\/cdn\.(jsdelivr|datatables)\.net\/[^"]+/g, copies)
    .replace(/ (integrity|crossorigin)="[^"]*"/g, "");
  writeFileSync(join(work, `local-${name}`), html);
  return `local-${name}`;
}

const browser = await puppeteer.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--allow-file-access-from-files", "--force-color-profile=srgb"],
});
const page = await browser.newPage();
await page.setViewport({ width: 1280, height: 900 });
const open = async (file) => {
  await page.goto(`file://${file}`, { waitUntil: "load" });
  await new Promise((resolve) => setTimeout(resolve, 3000)); // charts draw themselves after the load
};
const shoot = (name, fullPage = false) => page.screenshot({ path: join(folder, `${name}.png`), fullPage });

await open(join(work, "ours.html"));
await shoot("ours");
await shoot("ours-whole", true);
for (const kind of ["flamegraph", "table"]) {
  await open(join(work, local(`memray-${kind}.html`)));
  await shoot(`memray-${kind}`);
}
await open("/usr/libexec/valgrind/dh_view.html");
const input = await page.$("input[type=file]");
await input.uploadFile(join(work, "dhat.json"));
await new Promise((resolve) => setTimeout(resolve, 5000));
await shoot("dhat");
await browser.close();
