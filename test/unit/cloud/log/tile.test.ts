import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAuditLog } from '../../../../cloud/log/audit-log.ts'
import { parseTilePath, renderTilePath } from '../../../../cloud/log/tile.ts'
import type { LogRow } from '../../../../cloud/ports.ts'
import { generateNoteSigner, openCheckpoint, parseVkey } from '../../../../shared/checkpoint.ts'
import { ReprefixError } from '../../../../shared/errors.ts'
import { inclusionProof, type NodeReader, nodeHash } from '../../../../shared/merkle.ts'
import { verifyInclusion } from '../../../../shared/merkle-verify.ts'
import { ADMIN_TOKEN, startTestCloud } from '../../../fakes/test-cloud.ts'

const hash = (...parts: readonly Uint8Array[]) =>
  new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest())

/** Rows of that many entries, made at once: a log of some ten thousand takes long to append. */
function makeRows(size: number): LogRow[] {
  let frontier: Uint8Array[] = []
  return Array.from({ length: size }, (_, index) => {
    const entry = `{"entry":${index}}`
    const leaf = hash(Uint8Array.of(0), Buffer.from(entry))
    const nodes = [leaf]
    frontier = [...frontier]
    for (let rest = index; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = frontier.pop() ?? leaf
      nodes.push(hash(Uint8Array.of(1), left, nodes.at(-1) ?? leaf))
    }
    frontier.push(nodes.at(-1) ?? leaf)
    return { index, entry, leaf, nodes, frontier }
  })
}

/** The cloud over these rows, and its tiles as anybody reads them. */
async function serveRows(rows: readonly LogRow[]) {
  const { signer } = await generateNoteSigner('cloud.example.org')
  const whole = await startTestCloud()
  const repository = {
    ...whole.repository,
    lastRow: async () => rows.at(-1),
    rows: async (indices: readonly number[]) =>
      indices.map((index) => {
        const row = rows[index]
        if (row === undefined) throw new ReprefixError('LOG_MISSING_ROW', `no row ${index}`)
        return row
      }),
  }
  const parts = { sleep: async () => {}, random: Math.random }
  const log = createAuditLog({ repository, signer, ...parts })
  const { app } = await startTestCloud({ repository, log })
  const get = (path: string, token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return app.request(`/v1/log/${path}`, { headers })
  }
  const bytes = async (path: string, token?: string) => {
    const response = await get(path, token)
    expect(response.status, path).toBe(200)
    return new Uint8Array(await response.arrayBuffer())
  }
  const checkpoint = async () =>
    openCheckpoint(await (await get('checkpoint')).text(), [await parseVkey(signer.vkey)])
  return { get, bytes, checkpoint }
}

type Served = Awaited<ReturnType<typeof serveRows>>

/** Hashes of any perfect subtree of a log of `size`, from tiles alone. */
function readerOf({ bytes }: Served, size: number): NodeReader {
  const tiles = new Map<string, Promise<Uint8Array>>()
  const hashAt = async (level: number, place: number) => {
    const index = Math.floor(place / 256)
    const width = Math.min(256, Math.floor(size / 256 ** level) - index * 256)
    const path = renderTilePath({ content: 'hashes', level, index, width })
    const tile = tiles.get(path) ?? bytes(`tile/${path}`)
    tiles.set(path, tile)
    expect((await tile).length).toBe(width * 32)
    return (await tile).slice((place % 256) * 32, (place % 256) * 32 + 32)
  }
  const node = async (level: number, index: number): Promise<Uint8Array> => {
    if (level % 8 === 0) return hashAt(level / 8, index)
    return nodeHash(await node(level - 1, index * 2), await node(level - 1, index * 2 + 1))
  }
  return (wanted) => Promise.all(wanted.map(({ level, index }) => node(level, index)))
}

/** The root of RFC 6962 §2.1: a largest perfect subtree on the left, and the same for the rest. */
async function rootFrom(read: NodeReader, start: number, end: number): Promise<Uint8Array> {
  const count = end - start
  const level = Math.floor(Math.log2(count))
  if (2 ** level === count) {
    const [only] = await read([{ level, index: start / count }])
    return only ?? new Uint8Array()
  }
  const middle = start + 2 ** level
  return nodeHash(await rootFrom(read, start, middle), await rootFrom(read, middle, end))
}

/** The entries of a bundle. */
function entriesIn(bundle: Uint8Array): string[] {
  const entries: string[] = []
  for (let at = 0; at < bundle.length; ) {
    const end = at + 2 + (bundle[at] ?? 0) * 256 + (bundle[at + 1] ?? 0)
    entries.push(new TextDecoder().decode(bundle.slice(at + 2, end)))
    at = end
  }
  return entries
}

describe('the tiles of a log', () => {
  const sizes = [1, 2, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_539]
  const rows = makeRows(Math.max(...sizes))

  it.each(sizes)('give the signed root and a proof of any entry: %i entries', async (size) => {
    const served = await serveRows(rows.slice(0, size))
    const { root, size: signed } = await served.checkpoint()
    const read = readerOf(served, size)
    expect(signed).toBe(size)
    expect(await rootFrom(read, 0, size)).toEqual(root)
    for (const index of new Set([0, Math.floor(size / 3), size - 1])) {
      const tile = Math.floor(index / 256)
      const width = Math.min(256, size - tile * 256)
      const place = { content: 'entries', level: 0, index: tile, width } as const
      const bundle = await served.bytes(`tile/${renderTilePath(place)}`, ADMIN_TOKEN)
      const entries = entriesIn(bundle)
      expect(entries).toHaveLength(width)
      const leaf = hash(Uint8Array.of(0), Buffer.from(entries[index % 256] ?? ''))
      const proof = await inclusionProof(index, size, read)
      expect(await verifyInclusion({ leaf, index, size, root, proof })).toBe(true)
    }
  })

  it('end where the log does', async () => {
    const { get } = await serveRows(rows.slice(0, 65_539))
    const status = async (path: string) => (await get(`tile/${path}`)).status
    for (const path of ['0/255', '0/256.p/3', '0/256.p/2', '1/000', '2/000.p/1']) {
      expect(await status(path), path).toBe(200)
    }
    for (const path of ['0/256.p/4', '0/256', '0/257.p/1', '1/001.p/1', '2/000.p/2', '3/000.p/1']) {
      expect(await status(path), path).toBe(404)
    }
    expect(await status('63/000.p/1')).toBe(404)
    const beyond = await get('tile/0/256')
    expect(beyond.headers.get('content-type')).toBe('application/problem+json')
    expect(beyond.headers.get('cache-control')).toBeNull()
    expect(await beyond.json()).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('may be kept for ever when they are full, and the checkpoint not at all', async () => {
    const { get } = await serveRows(rows.slice(0, 300))
    const full = await get('tile/0/000')
    expect(full.headers.get('content-type')).toBe('application/octet-stream')
    expect(full.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const partial = (await get('tile/0/001.p/44')).headers.get('cache-control')
    expect(partial).toBe('public, max-age=3600')
    const entries = await get('tile/entries/000', ADMIN_TOKEN)
    expect(entries.headers.get('cache-control')).toBe('private, max-age=31536000, immutable')
    const checkpoint = await get('checkpoint')
    expect(checkpoint.headers.get('cache-control')).toBe('no-store')
    expect(checkpoint.headers.get('content-type')?.toLowerCase()).toBe('text/plain; charset=utf-8')
  })

  it('of an empty log are none', async () => {
    const { get } = await serveRows([])
    expect((await get('tile/0/000.p/1')).status).toBe(404)
  })

  it('show entries to the operator only', async () => {
    const { get } = await serveRows(rows.slice(0, 300))
    for (const path of ['tile/entries/000', 'tile/entries/001.p/44', 'tile/entries/999']) {
      expect((await get(path)).status).toBe(401)
      expect((await get(path, 'wrong')).status).toBe(401)
    }
  })

  it('cannot hold an entry that is longer than its length can say', async () => {
    const row = { ...(rows[0] as LogRow), entry: 'x'.repeat(65_536) }
    const { get } = await serveRows([row])
    const response = await get('tile/entries/000.p/1', ADMIN_TOKEN)
    expect(await response.json()).toMatchObject({
      code: 'NOT_FOUND',
      detail: expect.stringMatching(/entry 0 has 65536/),
    })
  })
})

describe('the path of a tile', () => {
  const paths: readonly [string, number, number][] = [
    ['0/000', 0, 256],
    ['0/255', 255, 256],
    ['1/x001/x234/067', 1_234_067, 256],
    ['0/x001/000.p/1', 1000, 1],
    ['7/999.p/255', 999, 255],
  ]
  it.each(paths)('is read as it is written: %s', (path, index, width) => {
    const level = Number(path[0])
    expect(parseTilePath(path)).toEqual({ content: 'hashes', level, index, width })
    expect(parseTilePath(path.replace(/^\d/, 'entries'))?.content).toBe('entries')
  })

  it('has one spelling', () => {
    const place = fc.record({
      content: fc.constant('hashes' as const),
      level: fc.integer({ min: 0, max: 63 }),
      index: fc.integer({ min: 0, max: 10 ** 15 - 1 }),
      width: fc.integer({ min: 1, max: 256 }),
    })
    fc.assert(
      fc.property(place, (one) => {
        expect(parseTilePath(renderTilePath(one))).toEqual(one)
      }),
    )
  })

  it.each([
    ...['', '0', '0/', '0/0', '0/00', '0/0000', '0/x000/001', '0/001/002', '0/x01/002', '00/000'],
    ...[
      '64/000',
      '-1/000',
      '0/000.p/0',
      '0/000.p/256',
      '0/000.p/01',
      '0/000.p',
      '0/000.p/1/',
      '/000',
    ],
    ...['0/000/', '0/000?', 'data/000', 'Entries/000', '0/%30%30%30', '0/x1000/000', '0/١٢٣'],
  ])('is none: %j', (path) => {
    expect(parseTilePath(path)).toBeUndefined()
  })
})
