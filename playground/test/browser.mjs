// A browser, and a server for the built page on loopback. Where there is no browser, the tests say so and are skipped.
import { createServer } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
export const skip = executablePath === undefined ? "no Chromium here" : false;

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

/** Serves playground/dist; `requests` are the paths that were asked for. */
export async function serve() {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request.url);
    const path = normalize(join(root, "playground/dist", request.url === "/" ? "index.html" : request.url.split("?")[0]));
    if (!path.startsWith(join(root, "playground/dist")) || !existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[path.slice(path.lastIndexOf("."))] ?? "application/octet-stream" }).end(readFileSync(path));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, requests, close: () => server.close() };
}

export async function launch() {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath, headless: true, args });
}

/** A page that counts what should not be: requests after load, violations of its own policy, errors. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ permissions: [], ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") wrong.push(`console: ${message.text()}`);
  });
  await page.goto(url);
  await page.waitForFunction(() => document.getElementById("cards")?.dataset.judged !== undefined);
  await settled(page);
  return { page, context, wrong };
}

/** The cards' text, once the last edit is judged. */
export async function settled(page) {
  await page.waitForFunction(() => document.getElementById("cards").dataset.judged === document.getElementById("cards").dataset.asked);
  return page.locator("#cards").innerText();
}
