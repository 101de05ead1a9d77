import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { openLibsqlServer } from '../../../../cloud/store/libsql-server.ts'
import type { SqlPort } from '../../../../cloud/store/sql-port.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
})

interface Asked {
  readonly url: string | undefined
  readonly authorization: string | undefined
  readonly body: { readonly baton: unknown; readonly requests: readonly Record<string, unknown>[] }
}

/** A server that answers as told, and keeps what it was asked. */
async function serve(
  answer: (response: ServerResponse, asked: Asked) => void,
  token?: string,
): Promise<{ port: SqlPort; asked: Asked[] }> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { url, headers } = request
    const one = { url, authorization: headers.authorization, body: JSON.parse(text) }
    asked.push(one)
    answer(response, one)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const at = typeof address === 'object' && address ? address.port : 0
  const url = `http://127.0.0.1:${at}/`
  return { port: openLibsqlServer({ url, ...(token !== undefined && { token }) }), asked }
}

function ok(response: ServerResponse, body: unknown): void {
  response.end(JSON.stringify(body))
}

/** The answer to a batch: results of its steps, or what was wrong with one. */
function batch(results: readonly unknown[], errors: readonly unknown[] = results.map(() => null)) {
  const result = { step_results: results, step_errors: errors }
  return { baton: null, results: [{ type: 'ok', response: { type: 'batch', result } }] }
}

const select = { sql: 'SELECT 1', args: [] }

describe('a libsql server', () => {
  it('is asked for one statement as it is, and for several as a transaction', async () => {
    const empty = { cols: [], rows: [] }
    const { port, asked } = await serve(
      (response, { body }) => ok(response, batch(stepsOf({ body }).map(() => empty))),
      'secret',
    )
    expect(await port.batch([])).toEqual([])
    expect(asked).toHaveLength(0)
    await port.batch([select])
    await port.batch([select, { sql: 'SELECT ?', args: [Uint8Array.from([255])] }])
    expect(asked[0]).toMatchObject({ url: '/v2/pipeline', authorization: 'Bearer secret' })
    const sql = asked.map((one) => stepsOf(one).map(({ stmt }) => stmt.sql))
    expect(sql).toEqual([
      ['SELECT 1'],
      ['BEGIN IMMEDIATE', 'SELECT 1', 'SELECT ?', 'COMMIT', 'ROLLBACK'],
    ])
    const [, second] = asked
    expect(second && stepsOf(second)[2]?.stmt.args).toEqual([{ type: 'blob', base64: '/w==' }])
  })

  it('is told to end a stream that it has left open', async () => {
    const { port, asked } = await serve((response, { body }) => {
      ok(response, { ...batch([{ cols: [], rows: [] }]), baton: body.baton === null ? 'b' : null })
    })
    await port.batch([select])
    await expect.poll(() => asked.length).toBe(2)
    expect(asked[1]?.body).toEqual({ baton: 'b', requests: [{ type: 'close' }] })
  })

  it('gives values of every type, and refuses numbers that are not exact', async () => {
    const row = [
      { type: 'null' },
      { type: 'integer', value: '-9007199254740991' },
      { type: 'text', value: 'ä\0' },
      { type: 'blob', base64: 'AP8' },
    ]
    const cols = ['a', 'b', 'c', 'd'].map((name) => ({ name, decltype: null }))
    const { port } = await serve((response) => ok(response, batch([{ cols, rows: [row] }])))
    expect(await port.batch([select])).toEqual([
      { rows: [{ a: null, b: -9007199254740991, c: 'ä\0', d: Uint8Array.from([0, 255]) }] },
    ])
    const large = [[{ type: 'integer', value: '9007199254740992' }]]
    const other = await serve((response) =>
      ok(response, batch([{ cols: [{ name: 'a' }], rows: large }])),
    )
    await expect(other.port.batch([select])).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })

  // SQLite's own codes, which sqld passes on, and what tursodb 0.6.0 says instead.
  it.each([
    [
      'SQLITE_CONSTRAINT_PRIMARYKEY',
      'SQLite error: UNIQUE constraint failed: t.i',
      'STORE_CONFLICT',
    ],
    ['EXECUTE_ERROR', 'Runtime error: CHECK constraint failed: holds = 1 (19)', 'STORE_CONFLICT'],
    ['SQLITE_BUSY', 'SQLite error: database is locked', 'STORE_BUSY'],
    ['SQLITE_FULL', 'SQLite error: database or disk is full', 'STORE_FULL'],
    ['SQL_PARSE_ERROR', 'SQL string could not be parsed', 'STORE_FAILED'],
  ])('that answers %s: %s', async (code, message, expected) => {
    const failed = [null, { message, code }, null]
    const { port } = await serve((response) => ok(response, batch([null, null, null], failed)))
    await expect(port.batch([select])).rejects.toMatchObject({ code: expected })
    const whole = { baton: null, results: [{ type: 'error', error: { message, code } }] }
    const other = await serve((response) => ok(response, whole))
    await expect(other.port.batch([select])).rejects.toMatchObject({ code: expected })
  })

  it.each([
    [401, 'STORE_FAILED', /does not accept the token/],
    [403, 'STORE_FAILED', /does not accept the token/],
    [404, 'STORE_FAILED', /answers 404; is the URL right/],
    [429, 'STORE_BUSY', /could not confirm: it answers 429/],
    [503, 'STORE_BUSY', /could not confirm: it answers 503/],
  ])('that answers with HTTP status %i', async (status, code, said) => {
    const { port } = await serve((response) => {
      response.statusCode = status
      response.end('no')
    })
    await expect(port.batch([select])).rejects.toMatchObject({
      code,
      message: expect.stringMatching(said),
    })
  })

  it.each(['<html>', '{}', '{"results":[{"type":"ok","response":{}}]}'])(
    'that is none and answers %s',
    async (text) => {
      const { port } = await serve((response) => void response.end(text))
      await expect(port.batch([select])).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringMatching(/no libsql server/),
      })
    },
  )

  it('that breaks off', async () => {
    const { port } = await serve((response) => void response.destroy())
    await expect(port.batch([select])).rejects.toMatchObject({
      code: 'STORE_BUSY',
      message: expect.stringMatching(/could not confirm/),
    })
  })
})

interface Step {
  readonly stmt: { readonly sql: string; readonly args: readonly unknown[] }
}

function stepsOf({ body }: Pick<Asked, 'body'>): readonly Step[] {
  const { batch: asked } = body.requests[0] as { batch?: { steps: readonly Step[] } }
  return asked?.steps ?? []
}
