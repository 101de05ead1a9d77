import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openD1 } from '../../cloud/store/d1.ts'
import { migrate } from '../../cloud/store/migrate.ts'
import { createWorker, type WorkerEnv } from '../../cloud/worker.ts'
import { generateNoteSigner } from '../../shared/checkpoint.ts'
import { createDesecFake, desecSettings } from '../fakes/dns/desec.ts'
import type { HostedFake } from '../fakes/dns/hosted-rig.ts'
import { type D1Databases, openD1Databases } from '../stores/d1-databases.ts'
import { CLOUD_URL } from './agent.ts'
import { enrol, JOSE, movedTo } from './enrol.ts'
import { ADMIN_TOKEN, ZONE } from './running-cloud.ts'

let databases: D1Databases
let dns: HostedFake
beforeAll(async () => {
  databases = await openD1Databases()
  dns = await createDesecFake()
})
afterAll(async () => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  await databases.close()
  await dns.api.close()
})

describe('a Worker whose requests share nothing but values', () => {
  // deSEC takes 15 writes a minute for a zone: beyond half of them its turns come more slowly.
  it('keeps to the limits of a service over all of them', async () => {
    const DB = await databases.next()
    await migrate(openD1(DB))
    vi.spyOn(console, 'log').mockReturnValue(undefined)
    const real = fetch
    vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
      (url.startsWith(dns.api.url) ? real : dns.api.fetch)(url, init),
    )
    const worker = createWorker({
      runtime: 'workers',
      settings: {
        ...{ url: CLOUD_URL, store: 'd1:DB' },
        log: { key: (await generateNoteSigner('cloud.example.org')).secret },
        admin: { token: ADMIN_TOKEN },
        zones: { [ZONE]: { providers: ['dns'] } },
        providers: { dns: desecSettings },
      },
    })
    const env: WorkerEnv = { DB }
    const fetchFrom = (path: string, body: string, headers: Readonly<Record<string, string>>) => {
      const request = new Request(`${CLOUD_URL}${path}`, { method: 'POST', body, headers })
      return worker.fetch(request, env, { waitUntil: () => undefined })
    }
    const agent = await enrol(async (...asked) => (await fetchFrom(...asked)).json(), 'home')
    const statuses: number[] = []
    for (let move = 1; move <= 10; move++) {
      const jws = await agent.sign(movedTo(agent, move))
      statuses.push((await fetchFrom('/v1/reports', jws, JOSE)).status)
    }
    expect(statuses.slice(0, 7)).toEqual(Array.from({ length: 7 }, () => 200))
    expect(statuses).toContain(202)
    expect(dns.api.writes()).toBeLessThan(10)
  }, 60_000)
})
