import { describe, expect, it } from 'vitest'
import { judgeLink, type ReceiptLink } from '../../../../agent/domain/receipt-chain.ts'

const point = (size: number, log = 1) => ({ size, root: new Uint8Array(32).fill(log) })
const link = (
  index: number,
  checkpoint: ReceiptLink['checkpoint'],
  witness: ReceiptLink['witness'],
): ReceiptLink => ({ index, checkpoint, witness })

const BEFORE = link(4, point(5), point(3))

describe('the chain of receipts', () => {
  it.each<[string, ReceiptLink | null, ReceiptLink, string, RegExp | null]>([
    ['first', null, link(4, point(5), point(3)), 'continues', null],
    ['grown', BEFORE, link(8, point(9), point(5)), 'continues', null],
    ['same-size', BEFORE, link(4, point(5), point(5)), 'continues', null],
    ['same-receipt-twice', BEFORE, BEFORE, 'continues', null],
    ['shorter', BEFORE, link(3, point(4), point(3)), 'fault', /went backwards: 5 .* 4 in/],
    ['other-root', BEFORE, link(4, point(5, 2), point(3)), 'fault', /another log of 5/],
    ['seen-other-root', BEFORE, link(8, point(9), point(5, 2)), 'fault', /had seen another log/],
    ['earlier-entry', BEFORE, link(2, point(9), point(5)), 'fault', /entry 2.* entry 4/],
    ['one-missing', BEFORE, link(12, point(13), point(9)), 'note', /at 9 entries.* at 5/],
    ['witness-older', BEFORE, link(12, point(13), point(3)), 'note', /at 3 entries.* at 5/],
    ['no-report', BEFORE, link(8, point(9), null), 'note', /older version/],
    ['no-report-shorter', BEFORE, link(3, point(4), null), 'fault', /backwards/],
  ])('%s', (_, before, next, kind, what) => {
    const judged = judgeLink(before, next)
    expect(judged.kind).toBe(kind)
    if (what !== null) expect('what' in judged ? judged.what : '').toMatch(what)
  })
})
