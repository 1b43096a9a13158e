import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseFile } from '../cli/manifests/documents.ts';
import { sourcesOf } from '../cli/manifests/objects.ts';
import { manifests } from '../connectors/catalog.ts';
import { syncSpecSchema } from '../core/manifest/sync-schema.ts';
import { projectFolder } from '../e2e/kit/processes.ts';

/** Manifests that users copy: the examples, and those in the pages. */
function manifestTexts(): (readonly [file: string, text: string])[] {
  const read = (file: string) => readFileSync(join(projectFolder, file), 'utf8');
  const examples = globSync('examples/**/*.yaml', { cwd: projectFolder }).map(
    (file) => [file, read(file)] as const,
  );
  const pages = globSync('{README.md,docs/*.md}', { cwd: projectFolder }).flatMap((file) =>
    [...read(file).matchAll(/```yaml\n(apiVersion[\s\S]*?)```/g)].map(
      ([, text = '']) => [file, text] as const,
    ),
  );
  return [...examples, ...pages];
}

test('the examples contain each supported mode and write mode', () => {
  const specs = manifestTexts()
    .filter(([file]) => file.startsWith('examples/'))
    .flatMap(([file, text]) => sourcesOf(parseFile(file, text).documents, 'default').sources)
    .filter(({ kind }) => kind === 'Sync')
    .map(({ body }) => body.spec as { readonly mode: string; readonly writeMode?: string });
  const { mode, writeMode } = syncSpecSchema.shape;
  assert.deepEqual([...new Set(specs.map((spec) => spec.mode))].sort(), [...mode.options].sort());
  const writeModes = specs.map((spec) => spec.writeMode ?? 'Upsert');
  assert.deepEqual([...new Set(writeModes)].sort(), [...writeMode.unwrap().options].sort());
});

test('every manifest in the examples and pages is valid', () => {
  const texts = manifestTexts();
  assert.ok(texts.length >= 5);
  for (const [file, text] of texts) {
    const { documents, findings } = parseFile(file, text);
    const read = sourcesOf(documents, 'default');
    assert.deepEqual([...findings, ...read.findings], []);
    for (const { kind, body, name } of read.sources) {
      if (kind === 'Secret') continue;
      assert.deepEqual(manifests.examine(kind, body.spec, 'single').findings, [], `${file}: ${name}`);
    }
  }
});
