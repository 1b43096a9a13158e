import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { adminPassword, singleInstallation, TestApi } from '../api/test-api.ts';
import { type OidcApi, startOidcApi } from '../api/test-oidc.ts';
import { TestClock } from './kit/test-clock.ts';
import { assertClean, logIn, openPage, startBrowser } from './ui/open-page.ts';

/** Logins that fail, and logins at a provider, in a real browser. */
describe('logins to the web UI', () => {
  let browser: Browser;
  const clock = new TestClock();
  let api: TestApi;
  let oidc: OidcApi;
  before(async () => {
    browser = await startBrowser();
    const { installation, close } = await singleInstallation();
    api = await TestApi.start(installation, { close, clock });
    await api.admin();
    oidc = await startOidcApi();
  });
  after(async () => {
    await browser?.close();
    await api?.stop();
    await oidc?.stop();
  });

  test('after five wrong passwords even the right one is refused, with how long to wait; then it works', async () => {
    const { page, context, watch } = await openPage(browser, api.api.url);
    const tried = async (password: string, code: string) => {
      await page.getByLabel('User', { exact: true }).fill('admin');
      await page.getByLabel('Password', { exact: true }).fill(password);
      const answered = page.waitForResponse((response) => response.request().method() === 'POST');
      await page.getByRole('button', { name: 'Log in' }).click();
      await answered;
      await page.getByRole('alert').getByText(code).waitFor();
    };
    for (let count = 0; count < 5; count++) await tried(`wrong ${count}`, 'LoginFailed');
    await tried(adminPassword, 'LoginThrottled');
    await page.getByText('To do: wait 60 s').waitFor();
    assert.equal(await page.getByLabel('User', { exact: true }).inputValue(), 'admin');
    await clock.advance(61_000);
    await logIn(page);
    assertClean(watch);
    await context.close();
  });

  test('with a provider: there and back to the page that was asked for, with the rights of the groups', async () => {
    const { page, context } = await openPage(browser, `${oidc.base}/syncs?state=Failed`);
    await page.getByRole('link', { name: 'Log in with your organization' }).click();
    await logInAtProvider(page, 'ben');
    await page.waitForURL(`${oidc.base}/syncs?state=Failed`);
    await page.getByRole('button', { name: 'User oidc:ben' }).waitFor();
    await context.close();
  });

  test('whoever has no role is led back to the login, which says so', async () => {
    const { page, context } = await openPage(browser, oidc.base);
    await page.getByRole('link', { name: 'Log in with your organization' }).click();
    await logInAtProvider(page, 'eve');
    await page.waitForURL(`${oidc.base}/?loginError=AccessDenied`);
    await page.getByRole('alert').getByText('none of your groups has a role here').waitFor();
    await page.goto(`${oidc.base}/api/v1/session/oidc/callback?code=forged&state=forged`);
    await page.getByRole('alert').getByText('was not completed').waitFor();
    await context.close();
  });

  test('a session of a provider that ends keeps the page: the login is in another tab, and what was typed stays', async () => {
    const { page, context } = await openPage(browser, `${oidc.base}/settings?tab=tokens`);
    await page.getByRole('link', { name: 'Log in with your organization' }).click();
    await logInAtProvider(page, 'ana');
    const name = page.getByLabel('Name', { exact: true });
    await name.fill('half-typed');
    await oidc.api.api.services.sessions.endAll('oidc:ana');
    const make = page.getByRole('button', { name: 'Make a token' });
    await make.click();
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    const opened = context.waitForEvent('page');
    await dialog.getByRole('link', { name: 'Log in with your organization' }).click();
    const tab = await opened;
    await tab.getByRole('button', { name: 'User oidc:ana' }).waitFor();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await name.inputValue(), 'half-typed');
    await make.click();
    await page.getByText('The token is shown only now').waitFor();
    await context.close();
  });
});

/** Its own forms: name and password, then consent. */
async function logInAtProvider(page: Page, user: string): Promise<void> {
  await page.waitForURL(/localhost/);
  await page.locator('input[name=login]').fill(user);
  await page.locator('input[name=password]').fill('any');
  await page.locator('[type=submit]').click();
  await page.locator('input[name=login]').waitFor({ state: 'detached' });
  await page.locator('[type=submit]').click();
}
