import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Change, type ChangeOutcome, ProviderError } from '../../cloud/domain/dns-provider.ts'
import { createLogger } from '../../shared/logger.ts'
import { type Fqdn, parseName, type RRset } from '../../shared/rrset.ts'
import type { HttpRig } from '../fakes/dns/hosted-rig.ts'
import { ALWAYS, FAULT_ROWS } from './http-fault-rows.ts'

const UNREADABLE = 'what this service holds is asked of DNS'

/** How one service differs, by the title of the row. */
export type FaultKinds = Readonly<Record<string, string>>

/** What comes of the faults of HTTP, for any hosted service. */
export function describeHttpFaults(
  title: string,
  open: () => Promise<HttpRig>,
  kindsHere: FaultKinds = {},
  /** Requests that make the writes of one apply public. */
  publishing = 0,
): void {
  describe(`${title} when HTTP goes wrong`, () => {
    let rig: HttpRig
    let count = 0
    let ttl = 60
    beforeEach(async () => {
      rig = await open()
      const { minTtl = 0 } = await zone()
      ttl = Math.max(minTtl, rig.provider.caps.ttl.min, 60)
    })
    afterEach(() => rig?.close())

    const zone = () => rig.provider.findZone(rig.zone)
    const fresh = () => parseName(`f${++count}.${rig.zone}`)
    const aaaa = (name: Fqdn, ...values: string[]): RRset => ({ name, type: 'AAAA', ttl, values })
    const change = (set: RRset): Change => ({ name: set.name, type: set.type, set })
    const echo = () => `no: ${rig.fake.secrets.join(' or ')}`

    /** Sees that it ends well, that nobody else's records are lost, and that no secret shows. */
    async function settle(changes: readonly Change[], outcomes: readonly ChangeOutcome[]) {
      expectNoSecret(outcomes, rig.fake.secrets)
      rig.clearFaults()
      const place = await zone()
      // The second time is for services whose lists are late.
      await rig.provider.apply(place, changes)
      const { writes } = await rig.provider.apply(place, changes)
      expect(writes).toBe(0)
      for (const { set } of changes) {
        if (set !== null) expect(await rig.look(set)).toEqual({ ttl: set.ttl, values: set.values })
      }
      expect(rig.fake.bystander()).toBe(true)
    }

    for (const row of FAULT_ROWS) {
      it(`${row.title} is ${kindsHere[row.title] ?? row.kind}, and then it converges`, async ({
        skip,
      }) => {
        const fault = row.fault(rig, echo())
        if (fault === undefined) return skip('this API has no errors under status 200')
        if (row.on === 'read' && !rig.provider.caps.readable) return skip(UNREADABLE)
        const name = fresh()
        await rig.seed(aaaa(name, '2001:db8::1'))
        const [place, changes] = [await zone(), [change(aaaa(name, '2001:db8::2'))]]
        const before = { requests: rig.requests(), writes: rig.writes() }
        rig.inject({ on: row.on, fault, times: row.times })
        const { outcomes } = await rig.provider.apply(place, changes)
        const [outcome] = outcomes
        expect(kindOf(outcome), messageOf(outcome)).toBe(kindsHere[row.title] ?? row.kind)
        const writes = rig.writes() - before.writes
        const sent = row.on === 'write' ? writes : rig.requests() - before.requests - writes
        const most = (row.most ?? sent) + (row.on === 'write' ? publishing : 0)
        expect(sent).toBeLessThanOrEqual(most)
        if (row.retryAfterMs !== undefined && outcome?.kind === 'failed') {
          expect(outcome.error.retryAfterMs).toBe(row.retryAfterMs)
          expect(outcome.error.isRetryable).toBe(true)
        }
        await settle(changes, outcomes)
      })
    }

    it('throws the same kinds when it reads and finds zones', async ({ skip }) => {
      if (!rig.provider.caps.readable) return skip(UNREADABLE)
      const place = await zone()
      const keys = [{ name: fresh(), type: 'AAAA' as const }]
      const fault = { kind: 'answer', answer: rig.fake.errorAnswer(401, echo()) } as const
      rig.inject({ on: 'read', fault, times: ALWAYS })
      for (const attempt of [rig.provider.read(place, keys), zone()]) {
        const error = await attempt.then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        expect(error).toBeInstanceOf(ProviderError)
        expect(error).toMatchObject({ kind: kindsHere['read/401'] ?? 'auth' })
        expectNoSecret(error, rig.fake.secrets)
      }
      rig.clearFaults()
    })

    it('sends nothing more once the service takes no more', async () => {
      const sets = Array.from({ length: 7 }, () => aaaa(fresh(), '2001:db8::1'))
      const before = rig.writes()
      const answer = { ...rig.fake.errorAnswer(429, echo()), headers: { 'retry-after': '60' } }
      rig.inject({ on: 'write', fault: { kind: 'answer', answer }, times: ALWAYS })
      const { outcomes } = await rig.provider.apply(await zone(), sets.map(change))
      expect(new Set(outcomes.map(kindOf))).toEqual(new Set(['rate-limited']))
      expect(rig.writes() - before).toBe(1)
      await settle(sets.map(change), outcomes)
    })

    it('does not wait for the answers of all while none comes', async () => {
      const sets = Array.from({ length: 20 }, () => aaaa(fresh(), '2001:db8::1'))
      const before = rig.writes()
      const fault = { kind: 'timeout', when: 'before' } as const
      rig.inject({ on: 'write', fault, times: ALWAYS })
      const { outcomes } = await rig.provider.apply(await zone(), sets.map(change))
      expect(new Set(outcomes.map(kindOf))).toEqual(new Set(['transient']))
      expect(rig.writes() - before).toBeLessThanOrEqual(6)
      await settle(sets.map(change), outcomes)
    })

    for (const [from, to] of [
      [['::1', '::2'], ['::3']],
      [['::1'], ['::2', '::3', '::4']],
      [
        ['::1', '::2', '::3'],
        ['::4', '::5', '::6'],
      ],
      [['::1', '::2'], ['::1']],
    ] as const) {
      it(`never empties a name on the way from ${from} to ${to}, wherever it stops`, async ({
        skip,
      }) => {
        if (rig.provider.caps.granularity === 'host') return skip('one address of each family')
        for (let skip = 0; skip < 4; skip += 1) {
          const name = fresh()
          await rig.seed(aaaa(name, ...from))
          const changes = [change(aaaa(name, ...to))]
          const answer = rig.fake.errorAnswer(422, echo())
          rig.inject({ on: 'write', fault: { kind: 'answer', answer }, times: ALWAYS, skip })
          const { outcomes, writes } = await rig.provider.apply(await zone(), changes)
          expect((await rig.look({ name, type: 'AAAA' }))?.values.length).toBeGreaterThan(0)
          const expected = skip === 0 ? 'invalid' : writes > skip ? 'partial' : 'updated'
          expect([skip, kindOf(outcomes[0])]).toEqual([skip, expected])
          await settle(changes, outcomes)
        }
      })
    }

    it('ends right where lists show what was there before the last write', async () => {
      const name = fresh()
      await rig.seed(aaaa(name, '2001:db8::1'))
      const [place, changes] = [await zone(), [change(aaaa(name, '2001:db8::2'))]]
      await rig.provider.read(place, [{ name, type: 'AAAA' }])
      // The answer is lost, and what is read after it is old.
      rig.inject({ on: 'write', fault: { kind: 'reset', when: 'after' }, times: 1 })
      rig.inject({ on: 'read', fault: { kind: 'stale' }, times: 2 })
      const { outcomes } = await rig.provider.apply(place, changes)
      await settle(changes, outcomes)
    })

    it('reads all pages', async ({ skip }) => {
      const { pageSize } = rig.fake
      if (pageSize === undefined) return skip('this API lists a zone in one answer')
      pageSize(3)
      const sets = Array.from({ length: 8 }, (_, i) => aaaa(fresh(), `2001:db8::${i + 1}`))
      for (const set of sets) await rig.seed(set)
      expect(await rig.provider.read(await zone(), sets)).toEqual(sets)
      const moved = sets.map(({ name }) => change(aaaa(name, '2001:db8::99')))
      const { outcomes } = await rig.provider.apply(await zone(), moved)
      expect(outcomes.map(kindOf)).toEqual(moved.map(() => 'updated'))
      await settle(moved, outcomes)
      pageSize(1000)
    })
  })
}

function kindOf(outcome: ChangeOutcome | undefined): string {
  return outcome?.kind === 'failed' ? outcome.error.kind : (outcome?.kind ?? 'none')
}

function messageOf(outcome: ChangeOutcome | undefined): string {
  return outcome?.kind === 'failed' ? outcome.error.message : ''
}

/** Looks where secrets could be seen: messages, causes, stacks, and what a logger makes of them. */
function expectNoSecret(thing: unknown, secrets: readonly string[]): void {
  const lines: string[] = []
  const logger = createLogger({
    ...{ level: 'debug', name: 'test' },
    destination: { write: (line) => void lines.push(line) },
  })
  const errors = [thing].flat().map((one) => (one instanceof Error ? one : Object(one).error))
  for (const error of errors) {
    logger.error({ outcome: { error } }, 'it failed')
    for (let at: unknown = error; at instanceof Error; at = at.cause) {
      lines.push(at.message, at.stack ?? '')
    }
  }
  const text = lines.join('\n').toLowerCase()
  for (const secret of secrets) expect(text).not.toContain(secret.toLowerCase())
}
