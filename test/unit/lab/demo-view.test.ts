import { describe, expect, it } from 'vitest'
import { parsePrefix } from '../../../shared/ipv6.ts'
import type { DemoEvent } from '../../lab/demo-events.ts'
import { type DemoState, foldDemo, initialState } from '../../lab/demo-state.ts'
import { liveLines, permanentLines } from '../../lab/demo-view.ts'
import { coloured, plain } from '../../lab/paint.ts'
import { ANNOUNCED_AT, FLASH, SUMMARY, told } from './demo-events.fixture.ts'

/** Everything a file would hold after these events. */
function story(events: readonly DemoEvent[], paint = plain): string {
  let state: DemoState = initialState(0)
  const lines: string[] = []
  for (const event of events) {
    const before = state
    state = foldDemo(state, event)
    lines.push(...permanentLines(event, before, state, paint))
  }
  return lines.join('\n')
}

describe('the text of the demo', () => {
  it('tells a renumbering in the order of time, with times after the advertisement', () => {
    expect(story(FLASH)).toBe(`
Flash renumbering: the old prefix is simply no longer announced
  2001:db8:1:1::/64 → 2001:db8:2:2::/64
      +0.0 ms  router  advertises 2001:db8:2:2::/64
      +0.8 ms  agent   decides: flash renumbering to 2001:db8:2:2::/64
      +5.8 ms  agent   adds the new address to web, api
      +7.8 ms  agent   routes 2001:db8:2:2:1::/80
      +8.8 ms  agent   posts its signed report
     +11.8 ms  cloud   has checked the report and logged it: entry 5
     +14.8 ms  cloud   DNS at bind: updated www.example.org
     +37.7 ms  client  has the page by name at 2001:db8:2:2:1::101
     +39.8 ms  agent   has verified the receipt: log entry 6
  every 20 ms  IPv4 155 sent, 0 lost · established TCP 155 sent, 0 lost · old IPv6 154 sent, 0 lost`)
  })

  it('says what a stage brought and how long it took', () => {
    const text = story([
      { kind: 'stage', stage: 'network', at: 1000 },
      { kind: 'stage-done', stage: 'network', at: 2800, seen: 'router, DNS' },
    ])
    expect(text).toMatch(/^✔ build a home network\s+1\.8 s {2}router, DNS$/)
  })

  it('ends with what was measured and the verdict', () => {
    const text = story([...FLASH, SUMMARY])
    expect(text).toMatch(/announcement → page by name, new address\s+37\.7 ms/)
    expect(text).toMatch(/IPv4 requests lost\s+0 of 155/)
    expect(text).toMatch(/audit log\s+9 entries\s+verified/)
    expect(text.endsWith('Every proof holds.')).toBe(true)
  })

  it('names the proofs that failed', () => {
    const failed: DemoEvent = {
      kind: 'proof',
      proof: { name: 'flash: no IPv4 request was lost', ok: false, seen: '3 of 155 lost' },
    }
    const text = story([...FLASH, failed, { ...SUMMARY, ok: false }])
    expect(text).toMatch(/✘ flash: no IPv4 request was lost\s+3 of 155 lost/)
    expect(text.endsWith('Failed: flash: no IPv4 request was lost')).toBe(true)
  })

  it('keeps the story of an unfinished renumbering when the demo fails', () => {
    const text = story([
      ...FLASH.slice(0, 6),
      told('agent', 20, 'report-unconfirmed', { reason: 'no answer within 2 s' }),
      { kind: 'failed', message: 'www.example.org at its new address: not within 20000 ms' },
    ])
    expect(text).toContain('could not confirm its report: no answer within 2 s')
    expect(text.endsWith('✘ www.example.org at its new address: not within 20000 ms')).toBe(true)
  })

  it('says the same in colour', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of colours are meant
    const uncoloured = story([...FLASH, SUMMARY], coloured).replaceAll(/\u001b\[\d+m/g, '')
    expect(uncoloured).toBe(story([...FLASH, SUMMARY]))
  })
})

describe('the live part of the demo', () => {
  const fold = (events: readonly DemoEvent[]) => events.reduce(foldDemo, initialState(1000))

  it('shows how long the present stage takes', () => {
    const state = fold([{ kind: 'stage', stage: 'cloud', at: 3000 }])
    const lines = liveLines(state, 3500, plain)
    expect(lines[0]).toMatch(/start the cloud\s+0\.5 s/)
    expect(lines.at(-1)).toMatch(
      /client ── internet ── router ── no prefix yet ── home server.*2\.5 s/,
    )
  })

  it('ticks the counters of the present renumbering and names the announced prefix', () => {
    const lines = liveLines(fold(FLASH.slice(0, 11)), ANNOUNCED_AT, plain).join('\n')
    expect(lines).toContain('IPv4 155 sent, 0 lost')
    expect(lines).toContain('router ── 2001:db8:2:2::/64 ── home server')
  })

  it('names the first prefix before anything has changed', () => {
    const state = fold([{ kind: 'announced', at: 2000, prefix: parsePrefix('2001:db8:1:1::/64') }])
    expect(liveLines(state, 3000, plain).at(-1)).toContain('router ── 2001:db8:1:1::/64 ──')
  })

  it('no longer shows a renumbering that is over', () => {
    const lines = liveLines(fold(FLASH), ANNOUNCED_AT, plain).join('\n')
    expect(lines).not.toContain('IPv4 155 sent')
  })
})
