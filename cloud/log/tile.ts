import { ReprefixError } from '../../shared/errors.ts'
import { concatenate } from '../../shared/merkle-hash.ts'
import type { LogRow, Repository } from '../ports.ts'
import { readNodes } from './read-nodes.ts'

/** Hashes, or entries, in a full tile (C2SP tlog-tiles). */
export const TILE_WIDTH = 256
const TILE_HEIGHT = 8
const MAX_LEVEL = 63
/** What the length before an entry in a bundle can say. */
const MAX_ENTRY_BYTES = 0xffff

/** What a tile's path names: hashes of a level, or the entries themselves. */
export interface Tile {
  readonly content: 'hashes' | 'entries'
  /** Of hashes: each one covers 256^level entries. Of entries 0. */
  readonly level: number
  readonly index: number
  /** 256, or less for a partial tile. */
  readonly width: number
}

const PATH = /^(0|[1-9]\d?|entries)\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/

/**
 * Reads the untrusted path of a tile below `tile/`, such as `0/x001/234` or `entries/005.p/17`.
 * Undefined for any other spelling than the one of C2SP tlog-tiles.
 */
export function parseTilePath(path: string): Tile | undefined {
  const [, kind, elements = '', partial] = PATH.exec(path) ?? []
  if (kind === undefined) return undefined
  const content = kind === 'entries' ? 'entries' : 'hashes'
  const level = content === 'entries' ? 0 : Number(kind)
  const width = partial === undefined ? TILE_WIDTH : Number(partial)
  const tile = { content, level, index: Number(elements.replace(/[x/]/g, '')), width } as const
  const isTile = level <= MAX_LEVEL && renderTilePath(tile) === path
  return isTile ? tile : undefined
}

/** The path of a tile below `tile/`. */
export function renderTilePath({ content, level, index, width }: Tile): string {
  const digits = `${index}`.padStart(Math.ceil(`${index}`.length / 3) * 3, '0')
  const elements = digits.match(/\d{3}/g) ?? []
  const path = elements.map((part, i) => (i < elements.length - 1 ? `x${part}` : part)).join('/')
  const partial = width < TILE_WIDTH ? `.p/${width}` : ''
  return `${content === 'entries' ? 'entries' : level}/${path}${partial}`
}

/**
 * The bytes of a tile, from the rows of the log: hashes one after another, or entries each with its
 * length before it. Undefined where the log does not reach that far.
 * @throws ReprefixError NOT_FOUND for entries of which one is longer than a bundle can tell
 */
export async function readTile(
  repository: Pick<Repository, 'lastRow' | 'rows'>,
  tile: Tile,
): Promise<Uint8Array | undefined> {
  const { content, level, index, width } = tile
  const first = index * TILE_WIDTH
  const size = ((await repository.lastRow())?.index ?? -1) + 1
  if (first + width > Math.floor(size / TILE_WIDTH ** level)) return undefined
  const places = Array.from({ length: width }, (_, i) => first + i)
  if (content === 'entries') return bundle(await repository.rows(places))
  const read = readNodes(repository)
  return concatenate(
    ...(await read(places.map((place) => ({ level: level * TILE_HEIGHT, index: place })))),
  )
}

function bundle(rows: readonly LogRow[]): Uint8Array {
  const parts = rows.flatMap(({ index, entry }) => {
    const bytes = new TextEncoder().encode(entry)
    if (bytes.length > MAX_ENTRY_BYTES) {
      throw new ReprefixError(
        'NOT_FOUND',
        `entry ${index} has ${bytes.length} bytes, a bundle holds at most ${MAX_ENTRY_BYTES}: read it from /v1/log/entries`,
      )
    }
    return [Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]
  })
  return concatenate(...parts)
}
