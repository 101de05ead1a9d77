import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { waitFor } from '../../lab/deadline.ts'
import { renderTar } from '../../lab/image.ts'
import { parseProgramEvent } from '../../lab/program-events.ts'
import { restartsBetween } from '../../lab/renumbering.ts'
import { parseSighting } from '../../lab/router.ts'
import { openTally } from '../../lab/tally.ts'

describe('openTally', () => {
  it('counts, and measures the longest time between two successes', () => {
    const tally = openTally()
    for (const _ of [1, 2, 3, 4]) tally.sent()
    tally.answered(100)
    tally.lost()
    tally.answered(450)
    tally.answered(440) // an answer overtaken by the next one
    expect(tally.read()).toEqual({ sent: 4, lost: 1, longestGapMs: 350 })
  })
})

describe('parseSighting', () => {
  // iproute2 6.1.0, ip -6 -tshort monitor prefix: no space before "dev".
  const captured =
    '[2026-11-23T18:53:26.739066] prefix 2001:db8:3:3::/64dev eth0 valid 86400 preferred 14400 '

  it('reads the prefix and the moment with its microseconds', () => {
    const sighting = parseSighting(captured)
    expect(sighting?.prefix).toBe('2001:db8:3:3::/64')
    expect(sighting?.at).toBeCloseTo(Date.UTC(2026, 10, 23, 18, 53, 26) + 739.066, 3)
  })

  it.each([
    captured.replace('eth0', 'eth1'),
    captured.replace('prefix', 'prefiks'),
    'Deleted something',
    '',
  ])('ignores %j', (text) => {
    expect(parseSighting(text)).toBeUndefined()
  })
})

describe('parseProgramEvent', () => {
  it('reads a line of a JSON log', () => {
    const parsed = parseProgramEvent('{"level":30,"time":17,"event":"made","ms":9,"msg":"made"}')
    expect(parsed).toMatchObject({ event: 'made', time: 17, fields: { ms: 9 } })
  })

  it.each(['', 'plain text', '[]', 'null', '{"time":1}', '{"event":7}'])('ignores %j', (line) => {
    expect(parseProgramEvent(line)).toBeUndefined()
  })
})

describe('restartsBetween', () => {
  const before = [
    { name: 'web', pid: 10, startedAt: 'a' },
    { name: 'api', pid: 11, startedAt: 'a' },
  ]
  const [web, api] = before

  it.each([
    ['none', before, 0],
    ['other process', [{ ...web, pid: 12 }, api], 1],
    ['same process id, started anew', [{ ...web, startedAt: 'b' }, api], 1],
    ['gone', [web], 1],
  ] as const)('%s', (_case, after, expected) => {
    expect(restartsBetween(before, after as typeof before)).toBe(expected)
  })
})

describe('renderTar', () => {
  it('is an archive that tar reads', () => {
    const archive = renderTar([
      { name: 'bin/', mode: 0o755, type: '5' },
      { name: 'bin/tool', mode: 0o755, type: '0', content: Buffer.from('x'.repeat(700)) },
      { name: 'bin/link', mode: 0o777, type: '2', link: 'tool' },
    ])
    const list = execFileSync('tar', ['-tvf', '-'], { input: archive, encoding: 'utf8' })
    expect(list).toMatch(/^drwxr-xr-x .* bin\/$/m)
    expect(list).toMatch(/^-rwxr-xr-x .* 700 .* bin\/tool$/m)
    expect(list).toMatch(/bin\/link -> tool$/m)
  })
})

describe('waitFor', () => {
  it('returns what it waited for', async () => {
    let looks = 0
    expect(await waitFor('three', () => (++looks === 3 ? 'three' : undefined))).toBe('three')
  })

  it('names what did not happen in time', async () => {
    const waiting = waitFor('the impossible', () => undefined, { timeoutMs: 5, intervalMs: 1 })
    await expect(waiting).rejects.toMatchObject({
      code: 'LAB_TIMEOUT',
      message: 'the impossible: not within 5 ms',
    })
  })

  it('stops when waiting became pointless', async () => {
    const waiting = waitFor('the answer', () => undefined, { hopeless: () => 'named ended (1)' })
    await expect(waiting).rejects.toMatchObject({ code: 'LAB_FAILED' })
  })
})
