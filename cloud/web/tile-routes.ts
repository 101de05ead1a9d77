import { type Context, Hono } from 'hono'
import { ReprefixError } from '../../shared/errors.ts'
import { parseTilePath, readTile, TILE_WIDTH, type Tile } from '../log/tile.ts'
import type { Repository } from '../ports.ts'
import { requireBearer } from './bearer.ts'

/** What the routes of tiles need. */
export interface TileRoutesDeps {
  readonly repository: Repository
  readonly adminToken: string
}

/** What is full never changes; a partial tile of a width does not either, but is soon asked for wider. */
const FULL_SECONDS = 31_536_000
const PARTIAL_SECONDS = 3600

/**
 * The tree as C2SP tlog-tiles: `/LEVEL/INDEX[.p/WIDTH]` for anybody, as a hash tells only whoever knows
 * its entry already; `/entries/INDEX[.p/WIDTH]` for the operator, as entries name hosts and names.
 */
export function tileRoutes({ repository, adminToken }: TileRoutesDeps): Hono {
  const answer = async (c: Context): Promise<Response> => {
    const tile = parseTilePath(c.req.path.split('/tile/').at(1) ?? '')
    const bytes = tile === undefined ? undefined : await readTile(repository, tile)
    if (tile === undefined || bytes === undefined) {
      throw new ReprefixError('NOT_FOUND', 'the log has no such tile')
    }
    c.header('content-type', 'application/octet-stream')
    c.header('cache-control', cachingOf(tile))
    return c.body(Uint8Array.from(bytes))
  }
  return new Hono().get('/entries/*', requireBearer(adminToken), answer).get('/*', answer)
}

function cachingOf({ content, width }: Tile): string {
  const whose = content === 'entries' ? 'private' : 'public'
  const isFull = width === TILE_WIDTH
  return isFull
    ? `${whose}, max-age=${FULL_SECONDS}, immutable`
    : `${whose}, max-age=${PARTIAL_SECONDS}`
}
