import type { Context } from 'hono'
import { ReprefixError } from '../../shared/errors.ts'
import { parseTilePath, readTile, TILE_WIDTH, type Tile } from '../log/tile.ts'
import type { Repository } from '../ports.ts'

/** What is full never changes; a partial tile of a width does not either, but is soon asked for wider. */
const FULL_SECONDS = 31_536_000
const PARTIAL_SECONDS = 3600

/**
 * The tree as C2SP tlog-tiles: `/LEVEL/INDEX[.p/WIDTH]` for anybody, as a hash tells only whoever knows
 * its entry already; `/entries/INDEX[.p/WIDTH]` for the operator, as entries name hosts and names.
 * @throws ReprefixError NOT_FOUND
 */
export async function answerTile(c: Context, repository: Repository): Promise<Response> {
  const tile = parseTilePath(c.req.path.split('/tile/').at(1) ?? '')
  const bytes = tile === undefined ? undefined : await readTile(repository, tile)
  if (tile === undefined || bytes === undefined) {
    throw new ReprefixError('NOT_FOUND', 'the log has no such tile')
  }
  c.header('content-type', 'application/octet-stream')
  c.header('cache-control', cachingOf(tile))
  return c.body(Uint8Array.from(bytes))
}

function cachingOf({ content, width }: Tile): string {
  const whose = content === 'entries' ? 'private' : 'public'
  const isFull = width === TILE_WIDTH
  return isFull
    ? `${whose}, max-age=${FULL_SECONDS}, immutable`
    : `${whose}, max-age=${PARTIAL_SECONDS}`
}
