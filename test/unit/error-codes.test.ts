import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

/** Everything in `text` that looks like a code, once. */
function codesIn(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, code]) => code ?? ''))].sort()
}

it('every error code is documented, and no other', async () => {
  const source = await readFile('shared/errors.ts', 'utf8')
  const guide = await readFile('docs/guides/errors.md', 'utf8')
  const documented = codesIn(guide, /`(?!REPREFIX_)([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)`/g)
  expect(documented).toEqual(codesIn(source, /^ {2}\| '([A-Z0-9_]+)'$/gm))
})
