import { describe, expect, it } from 'vitest'
import { createRowMemory } from '../../../../cloud/log/row-memory.ts'
import type { LogRow } from '../../../../cloud/ports.ts'
import { appendLeaf, type NodePosition } from '../../../../shared/merkle.ts'

const hash = (n: number) => new Uint8Array(32).fill(n)

async function makeRows(count: number): Promise<readonly LogRow[]> {
  const rows: LogRow[] = []
  for (let index = 0; index < count; index++) {
    const leaf = hash(index)
    const tree = await appendLeaf(rows.at(-1)?.frontier ?? [], index, leaf)
    rows.push({ index, entry: `${index}`, ...tree })
  }
  return rows
}

function counting() {
  const asked: NodePosition[] = []
  const read = async (wanted: readonly NodePosition[]) => {
    asked.push(...wanted)
    return wanted.map(({ index }) => hash(index))
  }
  return { asked, read }
}

describe('createRowMemory', () => {
  it('has the rows that were learnt last, and no others', async () => {
    const memory = createRowMemory()
    const rows = await makeRows(400)
    for (const row of rows) memory.learn(row)
    expect(memory.row(399)).toBe(rows[399])
    expect(memory.row(300)).toBe(rows[300])
    expect(memory.row(100)).toBeUndefined()
    expect(memory.row(400)).toBeUndefined()
  })

  it('gives every hash that the learnt rows complete without asking', async () => {
    const memory = createRowMemory()
    const rows = await makeRows(64)
    for (const row of rows) memory.learn(row)
    const { asked, read } = counting()
    for (const { index, nodes } of rows) {
      for (const [level, node] of nodes.entries()) {
        const place = { level, index: (index + 1) / 2 ** level - 1 }
        expect(await memory.reading(read)([place])).toEqual([node])
      }
    }
    expect(asked).toEqual([])
  })

  it('asks for the rest once, and gives everything in the order asked', async () => {
    const memory = createRowMemory()
    const [row] = await makeRows(1)
    if (row === undefined) throw new Error('no row')
    memory.learn(row)
    const { asked, read } = counting()
    const at = (index: number): NodePosition => ({ level: 0, index })
    const reading = memory.reading(read)
    expect(await reading([at(7), at(0), at(9)])).toEqual([hash(7), row.leaf, hash(9)])
    expect(await reading([at(9), at(8), at(7)])).toEqual([hash(9), hash(8), hash(7)])
    expect(asked).toEqual([at(7), at(9), at(8)])
  })

  it('keeps nothing of a read that failed, and stays bounded', async () => {
    const memory = createRowMemory()
    const { asked, read } = counting()
    const failing = memory.reading(() => Promise.reject(new Error('cannot read')))
    await expect(failing([{ level: 0, index: 1 }])).rejects.toThrow('cannot read')
    const reading = memory.reading(read)
    for (let index = 0; index < 5000; index++) await reading([{ level: 0, index }])
    expect(asked).toHaveLength(5000)
    await reading([{ level: 0, index: 4999 }])
    expect(asked).toHaveLength(5000)
    await reading([{ level: 0, index: 0 }])
    expect(asked).toHaveLength(5001)
  })
})
