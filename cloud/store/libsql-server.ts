import { Buffer } from 'node:buffer'
import * as v from 'valibot'
import { type ErrorCode, messageOf, ReprefixError } from '../../shared/errors.ts'
import type { SqlPort, SqlResult, SqlStatement, SqlValue } from './sql-port.ts'

/** A libsql server, and the token that it wants. */
export interface LibsqlServerSettings {
  /** `libsql://host`, which is `https://host`; or `https:` or `http:` themselves. */
  readonly url: string
  readonly token?: string
}

const TIMEOUT_MS = 10_000

const valueSchema = v.variant('type', [
  v.object({ type: v.literal('null') }),
  v.object({ type: v.literal('integer'), value: v.string() }),
  v.object({ type: v.literal('float'), value: v.number() }),
  v.object({ type: v.literal('text'), value: v.string() }),
  v.object({ type: v.literal('blob'), base64: v.string() }),
])
const errorSchema = v.object({ message: v.string(), code: v.nullish(v.string()) })
const resultSchema = v.object({
  cols: v.array(v.object({ name: v.nullish(v.string()) })),
  rows: v.array(v.array(valueSchema)),
})
const batchSchema = v.object({
  step_results: v.array(v.nullable(resultSchema)),
  step_errors: v.array(v.nullable(errorSchema)),
})
const answerSchema = v.object({
  baton: v.nullish(v.string()),
  results: v.tuple([
    v.variant('type', [
      v.object({ type: v.literal('ok'), response: v.object({ result: batchSchema }) }),
      v.object({ type: v.literal('error'), error: errorSchema }),
    ]),
  ]),
})

type Answer = v.InferOutput<typeof answerSchema>

/**
 * A libsql server elsewhere (sqld, Turso), over Hrana 2 on HTTP: a batch is one request, whose steps
 * are each made only if the one before was, the last of them COMMIT.
 */
export function openLibsqlServer(settings: LibsqlServerSettings): SqlPort {
  const origin = settings.url.replace(/^libsql:/, 'https:').replace(/\/+$/, '')
  const what = `the libsql server ${origin}`

  async function send(body: unknown): Promise<Response> {
    try {
      return await fetch(`${origin}/v2/pipeline`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(settings.token !== undefined && { authorization: `Bearer ${settings.token}` }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
    } catch (cause) {
      const remedy = `could not confirm: it does not answer (${messageOf(cause)}); it is tried again`
      throw new ReprefixError('STORE_BUSY', `${what}: ${remedy}`, { cause })
    }
  }

  async function ask(steps: readonly unknown[]): Promise<Answer> {
    const response = await send({ baton: null, requests: [{ type: 'batch', batch: { steps } }] })
    const text = await response.text().catch(() => '')
    if (!response.ok) throw refused(what, response.status)
    const parsed = v.safeParse(answerSchema, parseJson(text))
    if (parsed.success) return parsed.output
    throw new ReprefixError('STORE_FAILED', `${what}: what answers there is no libsql server`)
  }

  return {
    async batch(statements) {
      const [, ...more] = statements
      const steps = more.length === 0 ? statements.map(toStep) : transaction(statements)
      if (steps.length === 0) return []
      const { baton, results } = await ask(steps)
      // The stream would stay open for a while. Nobody waits for its end, nor for its failure.
      if (baton) send({ baton, requests: [{ type: 'close' }] }).catch(() => undefined)
      const [{ type, ...said }] = results
      if ('error' in said) throw storeError(what, said.error)
      if (type !== 'ok' || !('response' in said)) return []
      const { step_results: done, step_errors: errors } = said.response.result
      // The ROLLBACK after a COMMIT that failed may itself have nothing to undo.
      const error = errors.find((one) => one !== null)
      if (error) throw storeError(what, error)
      const first = more.length === 0 ? 0 : 1
      return statements.map((_, i) => toResult(done[first + i] ?? null))
    },
    close: () => undefined,
  }
}

/** Steps of which each is made only after the one before, and none stays unless all were. */
function transaction(statements: readonly SqlStatement[]): readonly unknown[] {
  const sql = (text: string): SqlStatement => ({ sql: text, args: [] })
  const inside = [...statements, sql('COMMIT')].map((statement, i) => ({
    ...toStep(statement),
    condition: { type: 'ok', step: i },
  }))
  const isUndone = { type: 'not', cond: { type: 'ok', step: inside.length } }
  const hasBegun = { type: 'ok', step: 0 }
  const condition = { type: 'and', conds: [hasBegun, isUndone] }
  return [toStep(sql('BEGIN IMMEDIATE')), ...inside, { ...toStep(sql('ROLLBACK')), condition }]
}

function toStep({ sql, args }: SqlStatement) {
  return { stmt: { sql, args: args.map(toArgument), want_rows: true } }
}

function toArgument(value: SqlValue) {
  if (value === null) return { type: 'null' }
  if (typeof value === 'string') return { type: 'text', value }
  if (typeof value === 'number') return { type: 'integer', value: String(value) }
  return { type: 'blob', base64: Buffer.from(value).toString('base64') }
}

function toResult(result: v.InferOutput<typeof resultSchema> | null): SqlResult {
  const names = result?.cols.map(({ name }) => name ?? '') ?? []
  const rows = result?.rows ?? []
  return {
    rows: rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i], toValue(value)]))),
  }
}

function toValue(given: v.InferOutput<typeof valueSchema>): SqlValue {
  switch (given.type) {
    case 'null':
      return null
    case 'blob':
      return Uint8Array.from(Buffer.from(given.base64, 'base64'))
    case 'text':
      return given.value
    default: {
      const value = Number(given.value)
      if (Number.isSafeInteger(value)) return value
      throw new ReprefixError('STORE_FAILED', 'the store gave a number that is no safe integer')
    }
  }
}

const KINDS: readonly (readonly [pattern: RegExp, code: ErrorCode, remedy: string])[] = [
  [/SQLITE_CONSTRAINT|constraint failed/, 'STORE_CONFLICT', 'another writer was first'],
  [
    /SQLITE_BUSY|SQLITE_LOCKED|database is locked|BLOCKED/,
    'STORE_BUSY',
    'it is busy; nothing was changed',
  ],
  [/SQLITE_FULL|disk is full/, 'STORE_FULL', 'its disk is full; nothing was changed'],
]

function storeError(what: string, { message, code }: v.InferOutput<typeof errorSchema>) {
  const said = `${code ?? ''} ${message}`
  const [, kind, remedy] = KINDS.find(([pattern]) => pattern.test(said)) ?? []
  return new ReprefixError(kind ?? 'STORE_FAILED', `${what}: ${remedy ?? message}`)
}

function refused(what: string, status: number): ReprefixError {
  if (status === 401 || status === 403) {
    return new ReprefixError('STORE_FAILED', `${what}: it does not accept the token`)
  }
  if (status === 429 || status >= 500) {
    const remedy = `could not confirm: it answers ${status}; it is tried again`
    return new ReprefixError('STORE_BUSY', `${what}: ${remedy}`)
  }
  return new ReprefixError('STORE_FAILED', `${what}: it answers ${status}; is the URL right?`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
