import { afterEach, describe, expect, it } from 'vitest'
import { generateNoteSigner } from '../../shared/checkpoint.ts'
import { waitFor } from '../lab/deadline.ts'
import { secretsOf, startDns } from './running-cloud.ts'
import { type RunningWorker, startWorker, type WorkerChange } from './start-worker.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function start(
  changeOf: (secrets: Readonly<Record<string, string>>) => WorkerChange,
): Promise<RunningWorker> {
  const dns = await startDns()
  undo.push(() => dns.api.close())
  const setting = { dns, logKey: (await generateNoteSigner('cloud.example.org')).secret }
  const worker = await startWorker(setting, changeOf(secretsOf(setting)))
  undo.push(() => worker.stop())
  return worker
}

const NEEDING_STORE = ['/readyz', '/v1/log/checkpoint', '/nowhere']

/** Every answer is the same document; what is wrong is in the log, under the request's id. */
async function expectNotReady(
  worker: RunningWorker,
  fault: RegExp,
  paths: readonly string[] = ['/healthz', ...NEEDING_STORE],
): Promise<void> {
  for (const path of paths) {
    const answer = await fetch(`${worker.url}${path}`)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('30')
    expect(await answer.json()).toMatchObject({ code: 'NOT_READY', title: 'Not ready' })
    const id = answer.headers.get('x-request-id') ?? ''
    const line = await waitFor('the line of the log', () =>
      worker
        .logged()
        .split('\n')
        .find((one) => one.includes(id)),
    )
    expect(line).toMatch(fault)
  }
}

describe('a Worker that cannot start', () => {
  it('answers nothing but that while a secret is missing', async () => {
    const worker = await start(({ ADMIN_TOKEN: _, ...secrets }) => ({ secrets }))
    await expectNotReady(
      worker,
      /admin\.token: set the secret or variable ADMIN_TOKEN: it is empty/,
    )
    await expect(worker.pass()).rejects.toThrow(/cron trigger/)
  })

  it('answers nothing but that while a secret is bad, and never shows it', async () => {
    const worker = await start((secrets) => ({
      secrets: { ...secrets, ADMIN_TOKEN: 'short-secret', LOG_KEY: 'PRIVATE+KEY+damaged' },
    }))
    await expectNotReady(worker, /admin\.token: must have at least 24 characters/)
    expect(worker.logged()).not.toMatch(/short-secret|damaged/)
  })

  it('answers nothing but that while the key of the log is damaged', async () => {
    const worker = await start((secrets) => ({
      secrets: { ...secrets, LOG_KEY: 'PRIVATE+KEY+damaged' },
    }))
    await expectNotReady(worker, /log\.key is not a signing key of the log; make one with/)
    expect(worker.logged()).not.toMatch(/PRIVATE\+KEY\+damaged/)
  })

  it('answers only that it runs until the database is migrated, and then goes on', async () => {
    const worker = await start(() => ({ isMigrated: false }))
    await expectNotReady(worker, /STORE_TOO_OLD.*wrangler d1 migrations apply/, NEEDING_STORE)
    expect((await fetch(`${worker.url}/healthz`)).status).toBe(200)
    await worker.migrate()
    expect((await fetch(`${worker.url}/readyz`)).status).toBe(200)
  })
})

describe('a Worker behind "Pseudo IPv4"', () => {
  it('knows a client by the IPv6 address that was put aside', async () => {
    const worker = await start(() => ({}))
    const whoami = async (headers: Readonly<Record<string, string>>) => {
      const answer = await fetch(`${worker.url}/v1/whoami`, { headers })
      return (await answer.json()) as { readonly address: string }
    }
    const aside = { 'cf-connecting-ipv6': '2001:db8:1::7' }
    expect(await whoami({ 'cf-connecting-ip': '240.16.0.1', ...aside })).toEqual({
      address: '2001:db8:1::7',
    })
    expect(await whoami({ 'cf-connecting-ip': '192.0.2.1', ...aside })).toEqual({
      address: '192.0.2.1',
    })
  })
})
