import { describe, expect, it } from 'vitest'
import { allOf, cursorOfLink, nextLink, pagesOf } from '../../../../../cloud/dns/http/pages.ts'

describe('pages', () => {
  it('are read until none follows', async () => {
    const asked: (string | undefined)[] = []
    const pages = pagesOf(async (cursor) => {
      asked.push(cursor)
      return { items: [cursor], next: cursor === undefined ? '2' : undefined }
    })
    expect(await allOf(pages)).toEqual([undefined, '2'])
    expect(asked).toEqual([undefined, '2'])
  })

  it.each([
    ['go round in a circle', () => '2'],
    ['never end', (count: number) => String(count)],
  ])('that %s are a fault', async (_, next) => {
    let count = 0
    const pages = pagesOf(async () => ({ items: [], next: next(++count) }))
    await expect(allOf(pages)).rejects.toMatchObject({ kind: 'protocol' })
    expect(count).toBeLessThanOrEqual(500)
  })

  it.each([
    ['<https://a.test/x?cursor=:a>; rel="first", <https://a.test/x?cursor=b>; rel="next"', 'b'],
    ['<https://a.test/x?y=1,2&cursor=b>; title="x"; rel=next', 'b'],
    ['<https://a.test/x?cursor=b>; rel="prev"', undefined],
    ['', undefined],
  ])('follow the Link header %s', (link, cursor) => {
    expect(cursorOfLink(nextLink(new Headers({ link })), 'cursor')).toBe(cursor)
  })

  it('take from a link its parameter and nothing else', () => {
    expect(cursorOfLink('https://evil.test/records?page=2', 'page')).toBe('2')
    expect(cursorOfLink('/v2/records?page=3', 'page')).toBe('3')
    expect(cursorOfLink('https://a.test/records', 'page')).toBeUndefined()
    expect(cursorOfLink('https://[', 'page')).toBeUndefined()
    expect(cursorOfLink(undefined, 'page')).toBeUndefined()
  })
})
