import { describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../../../cloud/log/node-sha256.ts'
import { type ReadLine, readAhead } from '../../../../cloud/log/read-ahead.ts'
import { verifyLog } from '../../../../cloud/log/verify-log.ts'
import { startTestCloud } from '../../../fakes/test-cloud.ts'

const at = '2026-03-01T12:00:00.000Z'

function lineOf(index: number, entry?: string): string {
  const text = entry ?? JSON.stringify({ v: 1, kind: 'policy', at, host: 'home', policy: {} })
  return JSON.stringify({ index, entry: text })
}

async function all(lines: AsyncIterable<string> | Iterable<string>): Promise<ReadLine[]> {
  const read: ReadLine[] = []
  for await (const line of readAhead(lines, () => undefined)) read.push(line)
  return read
}

describe('readAhead', () => {
  it('gives every line once and in order, also those that cannot be read', async () => {
    const lines = Array.from({ length: 100 }, (_, i) => lineOf(i))
    lines[40] = 'nonsense'
    lines[60] = lineOf(60, '{"v":1}')
    lines.push('', JSON.stringify({ checkpoint: 'note' }))
    const read = await all(lines)
    expect(read).toHaveLength(101)
    expect(read[40]).toMatchObject({ kind: 'fault', error: { code: 'REQUEST_INVALID' } })
    expect(read[60]).toMatchObject({ index: 60, content: { error: { code: 'ENTRY_INVALID' } } })
    expect(read[99]).toMatchObject({ kind: 'entry', index: 99, content: { kind: 'policy' } })
    expect(read[100]).toEqual({ kind: 'checkpoint', checkpoint: 'note' })
  })

  it('reads no more than a little ahead', async () => {
    let given = 0
    function* endless() {
      for (;;) yield lineOf(given++)
    }
    for await (const _ of readAhead(endless(), () => undefined)) break
    expect(given).toBeLessThanOrEqual(40)
  })

  it('leaves a signature that is wrong to the one who judges it', async () => {
    const begun = () => Promise.reject(new Error('wrong'))
    for await (const line of readAhead([lineOf(0)], begun)) {
      await new Promise(setImmediate)
      if (line.kind !== 'entry') throw new Error('no entry')
      await expect(line.check).rejects.toThrow('wrong')
    }
  })
})

describe('verifyLog, reading ahead', () => {
  it('names each forged report in a long log, in order, and no other', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    for (let i = 0; i < 45; i++) await agent.report()
    const forged = [20, 60, 82]
    const lines = (await cloud.exportLines()).map((line) => {
      const { index, entry } = JSON.parse(line)
      if (!forged.includes(index - 1)) return line
      const parsed = JSON.parse(entry)
      if (parsed.kind !== 'report') throw new Error(`${index} is no report`)
      const [head, body, signature] = parsed.jws.split('.')
      const jws = `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
      // Without the leaf, so that the entry is judged like one that was logged.
      return JSON.stringify({ index, entry: JSON.stringify({ ...parsed, jws }) })
    })
    const { findings } = await verifyLog(lines, { vkeys: [cloud.signer.vkey], sha256: nodeSha256 })
    const signatures = findings.filter(({ message }) => message.includes('signature'))
    expect(signatures.map(({ index }) => index)).toEqual(forged.map((index) => index + 1))
  })
})
