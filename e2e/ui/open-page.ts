import assert from 'node:assert/strict';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { adminPassword } from '../../api/test-api.ts';
import { buildUi } from '../../web/build.ts';
import { openChromium } from '../kit/servers.ts';

export interface PageOptions {
  readonly width?: number;
  readonly theme?: 'light' | 'dark';
}

/** What must not happen on any page: errors in the console, which has violations of the content policy too, and requests to other hosts. */
export interface Watch {
  readonly errors: string[];
}

/** Chromium, and the UI as it is in this checkout. */
export async function startBrowser(): Promise<Browser> {
  await buildUi();
  return await openChromium();
}

export async function openPage(
  browser: Browser,
  url: string,
  { width = 1280, theme = 'light' }: PageOptions = {},
): Promise<{ page: Page; context: BrowserContext; watch: Watch }> {
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 740 : 800 },
    colorScheme: theme,
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const errors: string[] = [];
  // The console does not say which rule and where.
  await page.addInitScript(`addEventListener('securitypolicyviolation', (event) =>
    console.error('policy', event.violatedDirective, event.sample, event.sourceFile, event.lineNumber, event.columnNumber))`);
  const host = new URL(url).host;
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    // A status that the page handles is logged by the browser itself.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
      errors.push(message.text());
  });
  page.on('request', (request) => {
    const { protocol, host: asked } = new URL(request.url());
    if (protocol.startsWith('http') && asked !== host) errors.push(`a request to ${asked}`);
  });
  await page.goto(url);
  return { page, context, watch: { errors } };
}

export function assertClean({ errors }: Watch): void {
  assert.deepEqual(errors, []);
}

export async function logIn(page: Page, user = 'admin', password = adminPassword): Promise<void> {
  await page.getByLabel('User', { exact: true }).fill(user);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
}
