import { Miniflare } from 'miniflare'
import type { D1Binding } from '../../cloud/store/d1.ts'

const MOST = 100

/** Real D1 databases in workerd on this machine, each empty. */
export interface D1Databases {
  next(): Promise<D1Binding>
  close(): Promise<void>
}

/**
 * What runs in workerd: hands batches on to the binding. Miniflare's own proxy of a binding asks workerd
 * for each property while the process stands still, and loses an answer now and then.
 */
export const D1_WORKER = `
const valueOf = (value) => (Array.isArray(value) ? Uint8Array.from(value).buffer : value)
export default {
  async fetch(request, env) {
    const { name, statements } = await request.json()
    const bound = statements.map(({ sql, args }) => env[name].prepare(sql).bind(...args.map(valueOf)))
    try {
      return Response.json({ answers: await env[name].batch(bound) })
    } catch (error) {
      return Response.json({ error: error.message })
    }
  },
}`

interface Bound {
  readonly sql: string
  readonly args: readonly unknown[]
  bind(...args: readonly unknown[]): Bound
}

/** Starts one workerd for all databases of a test file. */
export async function openD1Databases(): Promise<D1Databases> {
  const names = Array.from({ length: MOST }, (_, i) => `DB${i}`)
  const miniflare = new Miniflare({
    modules: true,
    script: D1_WORKER,
    compatibilityDate: '2026-04-01',
    d1Databases: Object.fromEntries(names.map((name) => [name, name])),
    // Asks no other machine for anything.
    cf: false,
  })
  await miniflare.ready
  return {
    async next() {
      const name = names.pop()
      if (name === undefined) throw new Error(`this file has used all ${MOST} databases`)
      return bindingOf(miniflare, name)
    },
    close: () => miniflare.dispose(),
  }
}

/** The binding of that name in a miniflare that runs `D1_WORKER` there, as far as `openD1` uses one. */
export function bindingOf(miniflare: Miniflare, name: string, url = 'http://d1/'): D1Binding {
  const prepare = (sql: string, args: readonly unknown[] = []): Bound => {
    return { sql, args, bind: (...given) => prepare(sql, given) }
  }
  return {
    prepare,
    async batch(bound) {
      const statements = (bound as unknown as readonly Bound[]).map(({ sql, args }) => ({
        sql,
        args: args.map((value) =>
          value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value,
        ),
      }))
      const body = JSON.stringify({ name, statements })
      const response = await miniflare.dispatchFetch(url, { method: 'POST', body })
      const { answers, error } = (await response.json()) as {
        readonly answers?: Awaited<ReturnType<D1Binding['batch']>>
        readonly error?: string
      }
      if (answers === undefined) throw new Error(error)
      return answers
    },
  }
}
