import { expect } from 'vitest'
import { type DnsProvider, ProviderError } from '../../../cloud/domain/dns-provider.ts'
import type { SqlPort } from '../../../cloud/store/sql-port.ts'
import { decodeBase64url } from '../../../shared/base64.ts'
import { ReprefixError } from '../../../shared/errors.ts'
import { type Claim, parseReport } from '../../../shared/report.ts'
import { CRASHES, type Crash, createCrashPoints } from '../../fakes/crash-points.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'
import { expectIntact, type TestCloud } from './app-checks.ts'

const storeFault = () => new ReprefixError('STORE_FAILED', 'scripted fault of the store')
const dnsFault = () => new ProviderError('transient', 'scripted fault of the provider')

/** How the cloud goes on that is started anew. */
export interface Restart {
  /** Whom it takes leases for; the same as before unless given. */
  readonly holder?: string
}

/** A cloud whose every call to the store and to a provider may be made to go wrong. */
export async function startCrashingCloud(next: Restart = {}) {
  const points = createCrashPoints()
  const first = await startTestCloud()
  const { signer } = first
  const store: SqlPort = {
    batch: (statements) => points.pass(() => first.store.batch(statements), storeFault),
    close: () => undefined,
  }
  const world = { signer, dns: first.dns, second: first.second }
  for (const { provider } of [first.dns, first.second]) guard(provider, first, points.pass)
  const cloud = await startTestCloud({}, { ...world, store })
  cloud.clock.ms += 60_000
  return {
    cloud,
    points,
    /** The cloud started anew, and no call goes wrong any more. */
    async restart(): Promise<TestCloud> {
      points.clear()
      const again = await startTestCloud({}, { ...world, ...next, store: first.store })
      again.clock.ms = cloud.clock.ms
      return again
    },
  }
}

type Pass = ReturnType<typeof createCrashPoints>['pass']

/** Nothing is written to DNS that no `report` entry has asked for by then. */
function guard(provider: DnsProvider, { store }: TestCloud, pass: Pass): void {
  const { apply, findZone, read } = provider
  provider.findZone = (name) => pass(() => findZone(name), dnsFault)
  provider.read = (zone, keys) => pass(() => read(zone, keys), dnsFault)
  provider.apply = (zone, changes) =>
    pass(async () => {
      const sql = "SELECT body FROM log WHERE kind = 'report'"
      const [found] = await store.batch([{ sql, args: [] }])
      const claims = (found?.rows ?? []).map(({ body }) => claimIn(String(body)))
      for (const { name, type, set } of changes) {
        const asked = claims.map((records) =>
          records.find((r) => r.name === name && r.type === type),
        )
        expect(asked.map((record) => record?.values ?? [])).toContainEqual(set?.values ?? [])
      }
      return apply(zone, changes)
    }, dnsFault)
}

function claimIn(entry: string): readonly Claim[] {
  const payload = decodeBase64url(String(JSON.parse(entry).jws).split('.')[1] ?? '')
  return parseReport(JSON.parse(new TextDecoder().decode(payload))).records
}

/** What goes through a cloud that crashes. */
export interface Course<Prepared> {
  /** All that goes well before. */
  readonly prepare: (cloud: TestCloud) => Promise<Prepared>
  /** The requests during which a call goes wrong; their answers may be lost. */
  readonly act: (cloud: TestCloud, prepared: Prepared) => Promise<unknown>
  /** What the other side does then, and all that must hold. */
  readonly settle: (cloud: TestCloud, prepared: Prepared) => Promise<void>
}

/** Takes the course once for each call and each way in which it can go wrong; gives how many those were. */
export async function crashEverywhere<P>(
  { prepare, act, settle }: Course<P>,
  next: Restart = {},
): Promise<number> {
  let struck = 0
  for (const how of CRASHES) {
    for (let at = 0; ; at++) {
      const crash: Crash = { ...how, at }
      const { cloud, points, restart } = await startCrashingCloud(next)
      const prepared = await prepare(cloud)
      points.set(crash)
      await act(cloud, prepared).catch(() => undefined)
      const hasStruck = points.hasStruck()
      if (!hasStruck) points.clear()
      try {
        await settle(crash.isKill ? await restart() : cloud, prepared)
        await expectIntact(await restart())
      } catch (cause) {
        throw new Error(`after ${JSON.stringify(crash)}`, { cause })
      }
      if (!hasStruck) break
      struck++
    }
  }
  return struck
}

/** Posts until there is an answer that ends it, as an agent does. */
export async function postUntilDone(
  cloud: TestCloud,
  path: string,
  jws: string,
): Promise<Response> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const response = await cloud.post(path, jws)
    if (response.status !== 202 && response.status < 500) return response
  }
  throw new Error('there was no end of it')
}
