import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { ReprefixError } from '../../shared/errors.ts'
import type { AuditLog, Repository } from '../ports.ts'
import { requireBearer } from './bearer.ts'

/** Most entries in one answer. */
const MAX_PAGE = 1000

/** What the log's routes need. */
export interface LogRoutesDeps {
  readonly repository: Repository
  readonly log: AuditLog
  readonly adminToken: string
}

/**
 * `GET checkpoint` and the tree's tiles for anybody; `GET entries` for the operator, as entries name
 * hosts and names, and `GET proof`, as each one is a signature.
 */
export function logRoutes(deps: LogRoutesDeps): Hono {
  const operator = requireBearer(deps.adminToken)
  // What only those ask for who watch the log would else be a part of what each new instance loads.
  const tile = async (c: Context) =>
    (await import('./answer-tile.ts')).answerTile(c, deps.repository)
  return new Hono()
    .get('/checkpoint', async (c) => {
      c.header('cache-control', 'no-store')
      return c.text(await deps.log.checkpoint())
    })
    .get('/tile/entries/*', operator, tile)
    .get('/tile/*', tile)
    .get('/entries', operator, async (c) => {
      const start = count(c.req.query('start') ?? '0', 'start')
      const limit = Math.min(MAX_PAGE, count(c.req.query('limit') ?? `${MAX_PAGE}`, 'limit'))
      const { renderEntryLine } = await import('../log/export-line.ts')
      const rows = await deps.repository.range(start, limit)
      c.header('content-type', 'application/x-ndjson')
      return c.body((await Promise.all(rows.map(renderEntryLine))).join(''))
    })
    .get('/proof', operator, async (c) => {
      const index = count(c.req.query('index') ?? '', 'index')
      const size = c.req.query('size')
      const upTo = size === undefined ? undefined : count(size, 'size')
      const proof = await deps.log.prove(index, upTo)
      if (proof !== undefined) {
        // Hono leaves out the space where it sets no other header.
        c.header('content-type', 'text/plain; charset=UTF-8')
        return c.text(proof)
      }
      const log = upTo === undefined ? 'the log' : `a log of ${upTo} entries`
      throw new ReprefixError('NOT_FOUND', `there is no entry ${index} in ${log}`)
    })
}

function count(text: string, name: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new ReprefixError('REQUEST_INVALID', `${name} must be a whole number from 0`)
}
