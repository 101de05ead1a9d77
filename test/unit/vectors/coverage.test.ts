import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readVectorText } from '../../vectors/read.ts'

/** No vector brings these about: faults of a cloud itself, and bytes that no text can hold. */
const NOT_SHOWN = ['LOG_CONTENDED', 'LOG_ALTERED', 'REQUEST_INVALID']
const CODE = /\b[A-Z]+(?:_[A-Z]+)+\b/g

/** Codes that a text has between marks: backquotes in a specification, quotation marks in JSON. */
function codesIn(text: string, mark: string): ReadonlySet<string> {
  const marked = text.match(new RegExp(`${mark}[A-Z]+(?:_[A-Z]+)*${mark}`, 'g')) ?? []
  return new Set(marked.flatMap((each) => each.match(CODE) ?? []))
}

describe('specification and vectors', async () => {
  const pages = ['docs/spec/wire.md', 'docs/spec/audit-log.md']
  const texts = await Promise.all(pages.map((page) => readFile(page, 'utf8')))
  const specified = codesIn(texts.join(), '`')
  const files = (await readdir('test/vectors')).filter((file) => file.endsWith('.json'))
  const shown = codesIn((await Promise.all(files.map(readVectorText))).join(), '"')
  const source = await readFile('shared/errors.ts', 'utf8')

  it('has a vector for every code that the specification names', () => {
    for (const code of specified) {
      if (!NOT_SHOWN.includes(code)) expect([...shown], code).toContain(code)
    }
  })

  it('names in the specification every code that a vector has', () => {
    for (const code of shown) {
      if (source.includes(`'${code}'`)) expect([...specified], code).toContain(code)
    }
  })

  it('has a page for every file of vectors', () => {
    for (const file of files) expect(texts.join()).toContain(`\`${file}\``)
  })
})
