import type { Page } from 'playwright-core';

/** Replaces the text of the editor. Pasted, as a user does: typing would be indented by the editor. */
export async function writeYaml(page: Page, text: string): Promise<void> {
  const editor = page.getByRole('textbox', { name: 'YAML' });
  await editor.click();
  await page.keyboard.press('Control+a');
  await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`);
  await page.keyboard.press('Control+v');
}
