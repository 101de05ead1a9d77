import type { D1Binding } from '../../cloud/store/d1.ts'
import { createWorker, type Worker, type WorkerEnv } from '../../cloud/worker.ts'
import { generateNoteSigner } from '../../shared/checkpoint.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { parseName } from '../../shared/rrset.ts'
import { CLOUD_URL, type ConformingAgent, prepareEnrolment } from '../conformance/agent.ts'
import { ADMIN_TOKEN, secretsOf, startDns, ZONE } from '../conformance/running-cloud.ts'

/** What Cloudflare counts. */
export interface Usage {
  readonly rowsRead: number
  readonly rowsWritten: number
  /** SQL statements, of which an invocation may send a limited number. */
  readonly queries: number
  /** Requests to the database, each a subrequest of the invocation. */
  readonly batches: number
}

/** A Worker on a D1 database, with one host, whose use of the database is counted. */
export interface CountedWorker {
  /**
   * Reports a prefix that is not the one before; counts until all that outlives the answer is done. A
   * report that was answered by a 202 on a busy machine is finished, and another one counted.
   */
  report(): Promise<Usage>
  pass(): Promise<Usage>
  /** Size of the database after the last statement. */
  bytes(): number
  /** Another isolate goes on. */
  forget(): void
  close(): Promise<void>
}

const NOTHING: Usage = { rowsRead: 0, rowsWritten: 0, queries: 0, batches: 0 }

/** Adds up what D1 itself says of each statement. */
function count(database: D1Binding) {
  let used = NOTHING
  let bytes = 0
  const binding: D1Binding = {
    prepare: (sql) => database.prepare(sql),
    async batch(statements) {
      const answers = await database.batch(statements)
      used = { ...used, batches: used.batches + 1 }
      for (const { meta } of answers as readonly { readonly meta: Record<string, number> }[]) {
        bytes = meta.size_after ?? Number.NaN
        used = {
          ...used,
          rowsRead: used.rowsRead + (meta.rows_read ?? Number.NaN),
          rowsWritten: used.rowsWritten + (meta.rows_written ?? Number.NaN),
          queries: used.queries + 1,
        }
      }
      return answers
    },
  }
  const during = async (act: () => Promise<void>): Promise<Usage> => {
    used = NOTHING
    await act()
    return used
  }
  return { binding, during, bytes: () => bytes }
}

/** Enrols a host that claims this many names, on a migrated database. */
export async function startCountedWorker(
  database: D1Binding,
  nameCount: number,
): Promise<CountedWorker> {
  const dns = await startDns()
  const { secret } = await generateNoteSigner('cloud.example.org')
  const { binding, during, bytes } = count(database)
  const env: WorkerEnv = { DB: binding, ...secretsOf({ dns, logKey: secret }) }
  const reference = (name: string) => `\${env:${name}}`
  const embedded = {
    runtime: 'workers',
    settings: {
      url: CLOUD_URL,
      store: 'd1:DB',
      log: { key: reference('LOG_KEY') },
      admin: { token: reference('ADMIN_TOKEN') },
      zones: { [ZONE]: { providers: ['dns'] } },
      providers: { dns: { type: 'powerdns', url: dns.api.url, token: reference('PDNS_TOKEN') } },
    },
  }
  let worker: Worker = createWorker(embedded)
  const later: Promise<unknown>[] = []
  const context = { waitUntil: (work: Promise<unknown>) => void later.push(work) }

  async function send(path: string, body: string, headers: Record<string, string>) {
    const request = new Request(`${CLOUD_URL}${path}`, { method: 'POST', body, headers })
    const answer = await worker.fetch(request, env, context)
    await Promise.all(later.splice(0))
    const decoded: unknown = await answer.json()
    if (answer.status >= 300) {
      throw new Error(`${path}: ${answer.status}: ${JSON.stringify(decoded)}`)
    }
    return { decoded, isPending: answer.status === 202 }
  }
  const JOSE = { 'content-type': 'application/jose' }

  async function enrol(): Promise<ConformingAgent> {
    const policy = { names: [`*.${ZONE}`], prefixes: ['2001:db8::/32'], reportsPerHour: 100_000 }
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }
    const { decoded } = await send(
      '/v1/admin/hosts',
      JSON.stringify({ host: 'home', policy }),
      headers,
    )
    const { jws, agent } = await prepareEnrolment('home', (decoded as { join: string }).join)
    await send('/v1/enroll', jws, JOSE)
    return agent
  }

  const agent = await enrol()
  let reports = 0
  async function nextReport(): Promise<string> {
    const network = `2001:db8:1:${((reports++ % 0xfff) + 1).toString(16)}`
    const records = Array.from({ length: nameCount }, (_, i) => ({
      name: parseName(`n${i}.${ZONE}`),
      type: 'AAAA' as const,
      values: [`${network}::${i + 1}`],
    }))
    const prefix = { current: parsePrefix(`${network}::/64`), cause: 'flash' as const }
    return agent.sign(agent.reportOf({ prefix, records }))
  }

  async function report(): Promise<Usage> {
    for (;;) {
      const jws = await nextReport()
      let answer = { decoded: undefined as unknown, isPending: true }
      const usage = await during(async () => {
        answer = await send('/v1/reports', jws, JOSE)
      })
      const wasAtOnce = !answer.isPending
      while (answer.isPending) answer = await send('/v1/reports', jws, JOSE)
      await agent.verify(jws, answer.decoded)
      if (wasAtOnce) return usage
    }
  }

  return {
    report,
    pass: () => during(async () => await worker.scheduled({}, env, context)),
    bytes,
    forget: () => {
      worker = createWorker(embedded)
    },
    close: () => dns.api.close(),
  }
}
