import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { uiFolder } from '../api/ui/files.ts';
import { connectCoordination } from '../coordination/connect.ts';
import type { Coordination } from '../coordination/contract.ts';
import { type Served, serve } from '../e2e/api/serve.ts';
import { etcd } from '../e2e/kit/servers.ts';
import { until } from '../e2e/kit/wait.ts';
import { openPage, startBrowser } from '../e2e/ui/open-page.ts';
import { barePage, bareRoute, fillSyncs } from './_api.ts';
import { judge, median } from './_postgres.ts';

/**
 * The web UI in a real Chromium over an API server with 5,000 syncs: the first load at 10 Mbit/s with a processor four times slower, the size
 * of its scripts, and the first page of the list from the server. Then scrolling through 10,000.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    'scroll-seconds': { type: 'string', default: '15' },
  },
});
const [runs, scrollSeconds] = [Number(values.runs), Number(values['scroll-seconds'])];
const [firstCount, allCount] = [5_000, 10_000];
/** 10 Mbit/s; `latency` in ms. */
const network = { offline: false, latency: 20, downloadThroughput: 1_250_000, uploadThroughput: 1_250_000 };
const slowdown = 4;

/** A cold load, from the start of the navigation until what is waited for is on screen. */
interface Load {
  readonly ms: number;
  /** As sent. */
  readonly bytes: number;
  readonly scripts: readonly string[];
}

/** True when the page is complete: no skeleton, and charts are drawn. */
const complete =
  '!!document.querySelector("main h1") && !document.querySelector("main [aria-busy=true], .chart-place:not(:has(canvas)), .chart-empty:empty")';

async function throttled(context: BrowserContext, page: Page): Promise<CDPSession> {
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  await session.send('Network.emulateNetworkConditions', network);
  await session.send('Emulation.setCPUThrottlingRate', { rate: slowdown });
  return session;
}

async function coldLoad(browser: Browser, url: string, isDone: string, cookie?: string): Promise<Load> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  try {
    if (cookie !== undefined) await context.addCookies([sessionCookie(cookie, url)]);
    const page = await context.newPage();
    const session = await throttled(context, page);
    let bytes = 0;
    const scripts: string[] = [];
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    session.on('Network.responseReceived', ({ type, response }) => {
      if (type === 'Script') scripts.push(response.url);
    });
    await page.addInitScript(`{
      const look = () => {
        if (${isDone}) window.doneAt = performance.now();
        else requestAnimationFrame(look);
      };
      look();
    }`);
    await page.goto(url, { waitUntil: 'commit' });
    const ms = await until(() => page.evaluate<number>('window.doneAt'), { what: url });
    return { ms, bytes, scripts };
  } finally {
    await context.close();
  }
}

function sessionCookie(value: string, url: string) {
  return { name: '__Host-idra-session', value, url: url.replace('http:', 'https:'), secure: true };
}

async function medianLoad(load: () => Promise<Load>): Promise<Load> {
  const all: Load[] = [];
  for (let run = 0; run < runs; run++) all.push(await load());
  const ms = median(all.map((each) => each.ms));
  return all.find((each) => each.ms === ms) ?? all[0] ?? { ms: Number.NaN, bytes: 0, scripts: [] };
}

/** As the image has them, whatever encoding this browser was sent. */
function gzipKilobytes(scripts: readonly string[]): number {
  const files = [...new Set(scripts.map((url) => new URL(url).pathname.split('/').at(-1) ?? ''))];
  return files.reduce((sum, file) => sum + statSync(join(uiFolder, 'assets', `${file}.gz`)).size, 0) / 1_000;
}

async function firstLoad(browser: Browser, { client }: Served): Promise<void> {
  const { url, cookie = '' } = client;
  const pages = [
    ['login', '!!document.querySelector("form button[type=submit]")', undefined],
    ['overview, complete with chart', complete, cookie],
    ['list of syncs, complete', `${complete} && !!document.querySelector(".grid-rows a")`, cookie],
  ] as const;
  for (const [what, isDone, session] of pages) {
    const path = what.startsWith('list') ? '/syncs' : '/';
    const load = await medianLoad(() => coldLoad(browser, url + path, isDone, session));
    const bare = await barePage(load.bytes);
    const reference = await medianLoad(() => coldLoad(browser, bare.url, 'document.title === "done"'));
    await bare.running.stop();
    judge(`first load (${what})`, load.ms, 1_000, `ms, ${(load.bytes / 1_000).toFixed(0)} kB sent`);
    console.log(
      `       ${(load.ms / reference.ms).toFixed(2)} times a page with one script of that size (${reference.ms.toFixed(0)} ms)`,
    );
    judge(`its scripts (${load.scripts.length}), gzip`, gzipKilobytes(load.scripts), 200, 'kB');
  }
}

async function firstPage({ client }: Served): Promise<void> {
  const timed = async (url: string, headers: Record<string, string>): Promise<number> => {
    const start = performance.now();
    const response = await fetch(url, { headers });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`${url}: ${response.status}`);
    return performance.now() - start;
  };
  const headers = { cookie: `__Host-idra-session=${client.cookie}` };
  const page = (more: string) => timed(`${client.url}/api/v1/syncs?limit=50${more}`, headers);
  const cold = await page('');
  // Each search is another one, so that nothing is remembered.
  const all: number[] = [];
  for (let index = 0; index < 40; index++) all.push(await page(`&sort=name&q=sync-${index}`));
  const bare = await bareRoute(20_000);
  await timed(bare.url, {});
  const reference: number[] = [];
  for (let index = 0; index < 40; index++) reference.push(await timed(bare.url, {}));
  await bare.running.stop();
  judge(`first page of ${firstCount} syncs from the server, the first after its start`, cold, 300, 'ms');
  judge('the same, the worst of 40 other searches', Math.max(...all), 300, 'ms');
  console.log(`       median ${(median(all) / median(reference)).toFixed(1)} times a bare route`);
}

async function scrolling(browser: Browser, { client }: Served): Promise<void> {
  const { page, context } = await openPage(browser, `${client.url}/login`);
  await context.addCookies([sessionCookie(client.cookie ?? '', client.url)]);
  await page.goto(`${client.url}/syncs?sort=name`);
  await page.locator('.grid-rows a').first().waitFor();
  await page.evaluate(`{
    window.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longTasks.push(duration);
    }).observe({ type: 'longtask' });
  }`);
  await page.mouse.move(640, 500);
  let most = 0;
  const endMs = performance.now() + scrollSeconds * 1_000;
  for (let turn = 1; performance.now() < endMs; turn++) {
    // Slowly, fast, and by leaps through the whole list.
    await page.mouse.wheel(0, turn % 3 === 0 ? 4_000 : 300);
    if (turn % 40 === 0)
      await page.evaluate(`{
        const place = document.querySelector('.grid-place');
        place.scrollTop = place.scrollHeight * ${(turn / 40 / 10) % 1};
      }`);
    most = Math.max(most, await page.locator('.grid-rows [role=row]').count());
    await page.waitForTimeout(16);
  }
  const tasks = await page.evaluate<number[]>('window.longTasks');
  await context.close();
  const longest = Math.max(0, ...tasks);
  judge(`scrolling at ${allCount} rows for ${scrollSeconds} s: longest task`, longest, 100, 'ms');
  console.log(`       ${tasks.length} tasks over 50 ms`);
  judge('rows that exist at a time', most, 60);
}

/** An hour of points, so that charts have something to draw. */
async function fillTrends(one: Coordination): Promise<void> {
  const last = Math.floor(Date.now() / 10_000);
  for (let tick = last - 359; tick <= last; tick++) {
    const points = Array.from({ length: 50 }, (_, index) => {
      const rate = 500 + 400 * Math.sin(tick / 20 + index);
      return [`s${index}`, { rate, lag: index % 7, isFailing: false }] as const;
    });
    await one.trends.write({ kind: 'fine', tick, agent: 'a-0', points: new Map(points) });
  }
}

const server = await etcd({ members: 1 });
const one = connectCoordination(server);
const env = { IDRA_ETCD_ENDPOINTS: server.endpoints.join(','), IDRA_ETCD_PREFIX: server.prefix };
const browser = await startBrowser();
try {
  await fillSyncs(one, 0, firstCount);
  await fillTrends(one);
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
  console.log(
    `       load of the machine ${load}, median of ${runs} loads, ${network.latency} ms of latency`,
  );
  const served = await serve([], env);
  await firstPage(served);
  await firstLoad(browser, served);
  await fillSyncs(one, firstCount, allCount);
  await until(async () => (await served.client.get<{ total: number }>('/syncs?limit=1')).total === allCount, {
    what: 'all',
  });
  await scrolling(browser, served);
  await served.running.stop();
} finally {
  await browser.close();
  await one.close();
  await server.stop();
}
process.exit();
