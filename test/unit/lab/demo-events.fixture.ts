import { parseAddress, parsePrefix } from '../../../shared/ipv6.ts'
import type { DemoEvent, DemoSummary } from '../../lab/demo-events.ts'
import type { Counters } from '../../lab/probe-protocol.ts'
import type { Renumbering } from '../../lab/renumbering.ts'

/** The moment of the advertisement in these stories. */
export const ANNOUNCED_AT = 1_700_000_000_000.25

const [from, to] = [parsePrefix('2001:db8:1:1::/64'), parsePrefix('2001:db8:2:2::/64')]

export const COUNTERS: Counters = {
  window: 2,
  isFinal: true,
  ipv4: { sent: 155, lost: 0, longestGapMs: 31 },
  tcp: { sent: 155, lost: 0, longestGapMs: 29 },
  brokenTcp: 0,
  oldIpv6: { sent: 154, lost: 0, longestGapMs: 30 },
}

export const RENUMBERING: Renumbering = {
  cause: 'flash',
  from,
  to,
  announcedAt: ANNOUNCED_AT,
  toReachableMs: 37.7,
  toNamedMs: 35.2,
  address: parseAddress('2001:db8:2:2:1::101'),
  counters: COUNTERS,
  lostIpv4: 0,
  lostOldIpv6: 0,
  brokenTcp: 0,
  restarts: 0,
}

export const SUMMARY: DemoSummary = {
  kind: 'summary',
  ok: true,
  renumberings: [
    {
      cause: 'flash',
      toReachableMs: 37.7,
      lostIpv4: 0,
      lostOldIpv6: 0,
      brokenTcp: 0,
      restarts: 0,
    },
  ],
  audit: { ok: true, entries: 9 },
}

/** An event of a program so many milliseconds after the advertisement. */
export function told(
  program: 'agent' | 'cloud',
  afterMs: number,
  event: string,
  fields: Record<string, unknown> = {},
): DemoEvent {
  return {
    kind: 'program',
    program,
    event: { event, time: Math.floor(ANNOUNCED_AT) + afterMs, fields },
  }
}

function step(afterMs: number, kind: string, target: string): DemoEvent {
  return told('agent', afterMs, 'step', { step: kind, target, ms: 3, outcome: 'done' })
}

/** One flash renumbering as the demo tells it, in the order in which the lines arrive. */
export const FLASH: readonly DemoEvent[] = [
  { kind: 'change', cause: 'flash', from, to },
  // Read from the agent's pipe before the lab has noticed the advertisement itself.
  told('agent', 1, 'renumber', { cause: 'flash', from, to }),
  { kind: 'announced', at: ANNOUNCED_AT, prefix: to },
  step(6, 'address-add', 'web 2001:db8:2:2:1::101 dev eth0'),
  step(6, 'address-add', 'api 2001:db8:2:2:1::102 dev eth0'),
  step(8, 'route-add', '2001:db8:2:2:1::/80 dev br-home'),
  told('agent', 9, 'report-sent', { seq: 7 }),
  told('cloud', 12, 'report', { host: 'home', seq: 7, index: 5 }),
  told('cloud', 15, 'dns', { provider: 'bind', name: 'www.example.org', outcome: 'updated' }),
  { kind: 'probes', counters: { ...COUNTERS, isFinal: false } },
  { kind: 'reached', at: ANNOUNCED_AT + 37.7, address: '2001:db8:2:2:1::101' },
  told('agent', 40, 'receipt', { seq: 7, entry: 6, ms: 30 }),
  { kind: 'probes', counters: COUNTERS },
  { kind: 'renumbered', renumbering: RENUMBERING },
]
