import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type {
  Capabilities,
  Change,
  ChangeOutcome,
  DnsProvider,
} from '../../cloud/domain/dns-provider.ts'
import { type Fqdn, keyOf, parseName, type RRKey, type RRset } from '../../shared/rrset.ts'
import { TRANSITIONS, type Transition } from './dns-transitions.ts'

/** A provider under test and the service behind it, seen without the provider. */
export interface ProviderRig {
  readonly provider: DnsProvider
  readonly zone: Fqdn
  /** How many write requests have reached the service, or were on their way when they broke. */
  writes(): number
  /** Puts an RRset into the service, as somebody else would. */
  seed(set: RRset): Promise<void>
  /** What the service answers; `ttl` only where it can be told. */
  look(key: RRKey): Promise<{ readonly ttl?: number; readonly values: readonly string[] } | null>
  /** From now on writes fail before they take effect, or after it with their answer lost. */
  breakWrites(when: 'before' | 'after', times: number): void
  /** Runs once, after the provider has read and before its next write arrives. */
  beforeNextWrite(act: () => Promise<void>): void
  close(): Promise<void>
}

const kinds = (outcomes: readonly ChangeOutcome[]) =>
  outcomes.map((one) => (one.kind === 'failed' ? one.error.kind : one.kind))

/** Why a service cannot go through a transition; undefined when it can. */
function unfit(
  { granularity, removes, ttl, types }: Capabilities,
  { from, to, changes, outcomes }: Transition,
): string | undefined {
  const sets = [...from, ...to, ...changes.flatMap(({ set }) => set ?? [])]
  if (sets.some(({ type }) => !types.includes(type))) return `holds ${types.join(' and ')} only`
  if (removes === false && outcomes.includes('deleted')) return 'removes nothing'
  const ttls = new Set(sets.map((set) => set.ttl))
  if (ttl.min === ttl.max && ttls.size > 1) return 'has one TTL for all records'
  if (granularity !== 'host') return undefined
  if (sets.some(({ values }) => values.length > 1)) return 'holds one address of each family'
  if (sets.some(({ name }) => name.startsWith('*'))) return 'takes no wildcards'
  if (ttls.size > 1) return 'chooses the TTL itself'
  return undefined
}

/** The contract of `DnsProvider`, for any service. Each case has its own names in one zone. */
export function describeDnsProvider(title: string, open: () => Promise<ProviderRig>): void {
  describe(`${title} as a DNS provider`, () => {
    let rig: ProviderRig
    let count = 0
    /** The table's least TTL is 60 s; where that is too little, all its TTLs are multiplied. */
    let scale = 1
    beforeAll(async () => {
      rig = await open()
      const { minTtl = 0 } = await zone()
      scale = Math.max(1, Math.ceil(Math.max(minTtl, rig.provider.caps.ttl.min) / 60))
    })
    afterAll(() => rig?.close())

    const fresh = () => {
      count += 1
      const suffix = `c${count}.${rig.zone}`
      return (label: string) => parseName(label === '' ? suffix : `${label}.${suffix}`)
    }
    const zone = () => rig.provider.findZone(rig.zone)
    const apply = async (changes: readonly Change[]) => rig.provider.apply(await zone(), changes)
    async function expectState(sets: readonly RRset[], absent: readonly RRKey[]) {
      for (const set of sets) {
        const seen = await rig.look(set)
        expect(seen?.values, keyOf(set)).toEqual(set.values)
        if (seen?.ttl !== undefined) expect(seen.ttl, keyOf(set)).toBe(set.ttl)
      }
      for (const key of absent) expect(await rig.look(key), keyOf(key)).toBeNull()
    }
    const aaaa = (name: Fqdn, ...values: string[]): RRset => ({
      name,
      type: 'AAAA',
      ttl: 60 * scale,
      values,
    })
    const slower = (set: RRset): RRset => rig.provider.normalise({ ...set, ttl: set.ttl * scale })
    const change = (set: RRset, expected?: readonly string[] | null): Change => ({
      name: set.name,
      type: set.type,
      set,
      ...(expected === undefined ? {} : { expect: expected }),
    })

    for (const { title: row, needs, build } of TRANSITIONS) {
      it(`${row}, and the same again writes nothing`, async ({ skip }) => {
        const { txt } = rig.provider.caps
        if ((needs?.txtBytes ?? 0) > txt.maxBytes) skip(`TXT of up to ${txt.maxBytes} bytes only`)
        if (needs?.txtQuotes === true && !txt.quotes) skip('no quotation marks in TXT')
        const transition = build(fresh(), rig.zone)
        const reason = unfit(rig.provider.caps, transition)
        if (reason !== undefined) skip(`this service ${reason}`)
        const { outcomes, absent, ...rest } = transition
        const [from, to] = [rest.from.map(slower), rest.to.map(slower)]
        const changes = rest.changes.map((one) => ({
          ...one,
          set: one.set === null ? null : slower(one.set),
        }))
        for (const set of from) await rig.seed(set)
        const first = await apply(changes)
        expect(kinds(first.outcomes)).toEqual(outcomes)
        await expectState(to, absent ?? [])
        const before = rig.writes()
        const again = await apply(changes)
        expect(rig.writes() - before).toBe(0)
        expect(again.writes).toBe(0)
        expect(kinds(again.outcomes)).toEqual(
          outcomes.map((kind) => (kind === 'conflict' ? 'conflict' : 'unchanged')),
        )
        await expectState(to, absent ?? [])
      })
    }

    it('counts the write requests that it sends', async () => {
      const name = fresh()('')
      const before = rig.writes()
      const { writes } = await apply([change(aaaa(name, '2001:db8::1'))])
      expect(writes).toBeGreaterThan(0)
      expect(rig.writes() - before).toBe(writes)
    })

    it('converges after an answer was lost', async () => {
      const name = fresh()('')
      await rig.seed(aaaa(name, '2001:db8::1'))
      const changes = [change(aaaa(name, '2001:db8::2'), ['2001:db8::1'])]
      rig.breakWrites('after', 1)
      const first = await apply(changes)
      expect(['updated', 'transient']).toContain(kinds(first.outcomes)[0])
      const second = await apply(changes)
      expect(kinds(second.outcomes)).toEqual(['unchanged'])
      expect(second.writes).toBe(0)
      await expectState([aaaa(name, '2001:db8::2')], [])
    })

    it('keeps the old values while writes fail, says so, and converges when they work again', async () => {
      const at = fresh()
      const [moved, added] = [at('a'), at('b')]
      await rig.seed(aaaa(moved, '2001:db8::1'))
      const changes = [change(aaaa(moved, '2001:db8::2')), change(aaaa(added, '2001:db8::3'))]
      rig.breakWrites('before', 100)
      const failed = await apply(changes)
      rig.breakWrites('before', 0)
      expect(kinds(failed.outcomes)).toEqual(['transient', 'transient'])
      await expectState([aaaa(moved, '2001:db8::1')], [{ name: added, type: 'AAAA' }])
      expect(kinds((await apply(changes)).outcomes)).toEqual(['updated', 'created'])
      await expectState([aaaa(moved, '2001:db8::2'), aaaa(added, '2001:db8::3')], [])
    })

    it('overwrites what somebody else put there in between, when nothing is expected', async () => {
      const name = fresh()('')
      await rig.seed(aaaa(name, '2001:db8::1'))
      rig.beforeNextWrite(() => rig.seed(aaaa(name, '2001:db8::bad')))
      await apply([change(aaaa(name, '2001:db8::2'))])
      await apply([change(aaaa(name, '2001:db8::2'))])
      await expectState([aaaa(name, '2001:db8::2')], [])
    })

    it('leaves what somebody else put there in between, when something else was expected', async ({
      skip,
    }) => {
      if (rig.provider.caps.compareAndSet === 'none') skip('this API has no compare-and-set')
      const at = fresh()
      const [contested, other] = [at('a'), at('b')]
      await rig.seed(aaaa(contested, '2001:db8::1'))
      rig.beforeNextWrite(() => rig.seed(aaaa(contested, '2001:db8::bad')))
      const { outcomes } = await apply([
        change(aaaa(contested, '2001:db8::2'), ['2001:db8::1']),
        change(aaaa(other, '2001:db8::3')),
      ])
      expect(kinds(outcomes)).toEqual(['conflict', 'created'])
      const seen = await rig.look({ name: contested, type: 'AAAA' })
      expect(seen?.values).toContain('2001:db8::bad')
      await expectState([aaaa(other, '2001:db8::3')], [])
    })

    it('reads RRsets in the order asked for', async () => {
      const at = fresh()
      const isHost = rig.provider.caps.granularity === 'host'
      const set = aaaa(at('a'), '2001:db8::1', ...(isHost ? [] : ['2001:db8::2']))
      await rig.seed(set)
      const keys: RRKey[] = [{ name: at('b'), type: 'AAAA' }, set, { name: at('a'), type: 'A' }]
      const found = await rig.provider.read(await zone(), keys)
      expect(found).toEqual([null, set, null])
      expect(await rig.provider.read(await zone(), [])).toEqual([])
    })

    it('finds the zone of its apex and of names below, and no other', async () => {
      for (const label of [rig.zone, `a.${rig.zone}`, `a.b.c.${rig.zone}`, `*.${rig.zone}`]) {
        expect((await rig.provider.findZone(parseName(label))).name).toBe(rig.zone)
      }
      const foreign = rig.provider.findZone(parseName(`not${rig.zone}`))
      // Some services tell an unknown zone and a refused key apart only when they like.
      await expect(foreign).rejects.toMatchObject({
        kind: expect.stringMatching(/^(zone-not-found|forbidden|auth)$/),
      })
    })

    it('normalises to what it can hold, once and for all', () => {
      const { min, max } = rig.provider.caps.ttl
      for (const ttl of [0, 1, 59, 60, 3600, 2 ** 31]) {
        const once = rig.provider.normalise({ ...aaaa(parseName('a.test'), '::1'), ttl })
        expect(once.ttl).toBeGreaterThanOrEqual(min)
        expect(once.ttl).toBeLessThanOrEqual(max)
        expect(rig.provider.normalise(once)).toEqual(once)
      }
    })

    it('refuses TXT that it cannot hold, and writes the rest', async () => {
      const { maxBytes, quotes } = rig.provider.caps.txt
      const at = fresh()
      const txt = (label: string, value: string): RRset => ({
        ...aaaa(at(label), value),
        type: 'TXT',
      })
      const unfit = [txt('long', 'x'.repeat(maxBytes + 1)), ...(quotes ? [] : [txt('q', 'a"b')])]
      const { outcomes } = await apply(
        [...unfit, aaaa(at('a'), '2001:db8::1')].map((set) => change(set)),
      )
      expect(kinds(outcomes)).toEqual([...unfit.map(() => 'invalid'), 'created'])
      await expectState([aaaa(at('a'), '2001:db8::1')], unfit)
    })

    it('does nothing for no changes', async () => {
      const before = rig.writes()
      expect(await apply([])).toMatchObject({ outcomes: [], writes: 0 })
      expect(rig.writes()).toBe(before)
    })
  })
}
