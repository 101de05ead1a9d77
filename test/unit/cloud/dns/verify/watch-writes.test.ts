import { describe, expect, it } from 'vitest'
import type { FindProxied } from '../../../../../cloud/dns/verify/find-proxied.ts'
import { createWriteWatcher, type Written } from '../../../../../cloud/dns/verify/watch-writes.ts'
import { ReprefixError } from '../../../../../shared/errors.ts'
import { parseName } from '../../../../../shared/rrset.ts'
import { createFakeDns } from '../../../../fakes/fake-dns.ts'
import { recordedLog } from '../../../../fakes/recorded-log.ts'

const ZONE = parseName('example.org')
const www = { name: parseName('www.example.org'), type: 'AAAA' } as const
const api = { name: parseName('api.example.org'), type: 'AAAA' } as const

/** A clock that the test turns; what is due runs when it gets there. */
function turningClock() {
  let now = 0
  const due = new Set<{ readonly at: number; readonly act: () => void }>()
  return {
    now: () => now,
    schedule(ms: number, act: () => void) {
      const one = { at: now + ms, act }
      due.add(one)
      return () => void due.delete(one)
    },
    waiting: () => due.size,
    async turnTo(ms: number) {
      for (;;) {
        const [next] = [...due].filter(({ at }) => at <= ms).sort((a, b) => a.at - b.at)
        if (next === undefined) break
        due.delete(next)
        now = next.at
        next.act()
        // A look asks, compares and plans the next look.
        for (let i = 0; i < 50; i++) await Promise.resolve()
      }
      now = ms
    },
  }
}

function start() {
  const clock = turningClock()
  const fake = createFakeDns(['ns1', 'ns2'])
  const { log: logger, lines } = recordedLog()
  const { now, schedule } = clock
  const proxied = new Set<string>()
  const findProxied: FindProxied = async (_, wanted) =>
    new Set(wanted.filter(({ name }) => proxied.has(name)))
  const watcher = createWriteWatcher({ dns: fake.dns, findProxied, now, schedule, logger })
  const told = () => lines.map(({ level, message, fields }) => ({ level, message, ...fields }))
  return { clock, fake, proxied, findProxied, watcher, told }
}

const write = (values: readonly string[], ttl = 60): Written => ({ ...www, ttl, values })

describe('createWriteWatcher', () => {
  it('says when all name servers have it, and asks no more', async () => {
    const { clock, fake, watcher, told } = start()
    watcher.watch(ZONE, [write(['2001:db8::1'])])
    fake.serve(www, ['2001:db8::1'], ['ns1'])
    await clock.turnTo(4000)
    expect(fake.asked).toHaveLength(2)
    expect(told()).toEqual([])
    fake.serve(www, ['2001:db8::1'])
    await clock.turnTo(5000)
    expect(told()).toMatchObject([{ state: 'live', servers: 2, seconds: 5, level: 'info' }])
    expect(clock.waiting()).toBe(0)
    await clock.turnTo(1_000_000)
    expect(fake.asked).toHaveLength(4)
  })

  it('asks after 2, 5, 15, 60 and 300 seconds, and then says who lags', async () => {
    const { clock, fake, watcher, told } = start()
    watcher.watch(ZONE, [write(['2001:db8::1'])])
    fake.serve(www, ['2001:db8::1'], ['ns2'])
    const looks: number[] = []
    for (let ms = 0; ms <= 400_000; ms += 1000) {
      const before = fake.asked.length
      await clock.turnTo(ms)
      if (fake.asked.length > before) looks.push(ms / 1000)
    }
    expect(looks).toEqual([2, 5, 15, 60, 300])
    expect(told()).toMatchObject([
      { state: 'lagging', level: 'warn', message: expect.stringMatching(/by ns1$/) },
    ])
    expect(clock.waiting()).toBe(0)
  })

  it('goes on as long as the TTL', async () => {
    const { clock, fake, watcher, told } = start()
    watcher.watch(ZONE, [write(['2001:db8::1'], 3600)])
    fake.serve(www, ['2001:db8::9'])
    await clock.turnTo(3300_000)
    expect(told()).toEqual([])
    await clock.turnTo(3600_000)
    expect(told()).toMatchObject([
      { state: 'overwritten', message: expect.stringMatching(/2001:db8::9, by all/) },
    ])
  })

  it('is content with other addresses of a name that is proxied', async () => {
    const { clock, fake, proxied, watcher, told } = start()
    proxied.add(www.name)
    watcher.watch(ZONE, [write(['2001:db8::1'])])
    fake.serve(www, ['2001:db8:cafe::1'])
    await clock.turnTo(2000)
    expect(told()).toMatchObject([
      { state: 'proxied', level: 'info', message: expect.stringMatching(/of the provider$/) },
    ])
    expect(clock.waiting()).toBe(0)
  })

  it('forgets a write that a later one replaces, and only that one', async () => {
    const { clock, fake, watcher, told } = start()
    watcher.watch(ZONE, [write(['2001:db8::1']), { ...api, ttl: 60, values: ['2001:db8::7'] }])
    fake.serve(api, ['2001:db8::7'])
    await clock.turnTo(1000)
    watcher.watch(ZONE, [write(['2001:db8::2'])])
    fake.serve(www, ['2001:db8::2'])
    await clock.turnTo(60_000)
    expect(told()).toMatchObject([
      { name: 'api.example.org', state: 'live', seconds: 2 },
      { name: 'www.example.org', state: 'live', seconds: 2 },
    ])
    expect(fake.asked.filter((one) => one.includes('www'))).toHaveLength(2)
  })

  it('outlives a lookup of the name servers that fails, and gives up in the end', async () => {
    const { clock, fake, findProxied, told } = start()
    const { log: logger, lines } = recordedLog()
    let faults = 2
    const nameServers = async () => {
      if (faults-- > 0) throw new ReprefixError('DNS_LOOKUP', 'no name servers')
      return fake.dns.nameServers(ZONE)
    }
    const { now, schedule } = clock
    const dns = { ...fake.dns, nameServers }
    const watcher = createWriteWatcher({ dns, findProxied, now, schedule, logger })
    watcher.watch(ZONE, [write(['2001:db8::1'])])
    fake.serve(www, ['2001:db8::1'])
    await clock.turnTo(15_000)
    expect(lines).toMatchObject([
      { message: 'no name servers' },
      { level: 'warn' },
      { fields: { state: 'live' } },
    ])
    faults = 1000
    watcher.watch(ZONE, [write(['2001:db8::2'])])
    await clock.turnTo(10_000_000)
    expect(clock.waiting()).toBe(0)
    expect(told()).toEqual([])
  })

  it('ends with everything when it is stopped', async () => {
    const { clock, fake, watcher } = start()
    watcher.watch(ZONE, [write(['2001:db8::1'])])
    watcher.stop()
    expect(clock.waiting()).toBe(0)
    await clock.turnTo(1_000_000)
    expect(fake.asked).toEqual([])
  })
})
