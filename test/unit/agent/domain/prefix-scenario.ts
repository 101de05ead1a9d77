import {
  type Announced,
  type Chooser,
  createChooser,
  createUplink,
  DAY,
  START,
  type Uplink,
} from './uplink-simulator.ts'

export const P1 = '2001:db8:1:1::/64'
export const P2 = '2001:db8:2:2::/64'
export const P3 = '2001:db8:3:3::/64'
export const ULA = 'fd00:1:2:3::/64'

/** Seconds since the start → what happens then. Every event is followed by a pass at once. */
export type Event =
  | { readonly at: number; readonly ra: readonly (string | Announced)[]; readonly flags?: object }
  | { readonly at: number; readonly linkDown: true }
  | { readonly at: number; readonly routers: number }
  | { readonly at: number; readonly static: string }
  | { readonly at: number; readonly skew: number }
  /** Nothing: the loop looks, as it does after `recheckAt` and every half minute. */
  | { readonly at: number; readonly look: true }
  /** The agent is down from here, until the next `look`. */
  | { readonly at: number; readonly down: true }

/** One history of an uplink, and what becomes of it. */
export interface Scenario {
  readonly name: string
  readonly events: readonly Event[]
  /** Every renumbering, as `cause prefix`. */
  readonly expected: readonly string[]
  readonly last?: 'keep' | 'hold' | 'renumber'
  readonly temporary?: boolean
  /** A second, unless the scenario is about less. */
  readonly settleMs?: number
}

function happen(event: Event, uplink: Uplink, chooser: Chooser): void {
  const at = START + event.at * 1000
  if ('ra' in event) {
    const options = event.ra.map((option) =>
      typeof option === 'string' ? { prefix: option } : option,
    )
    uplink.advertise(at, options, event.flags)
  }
  if ('linkDown' in event) uplink.linkDown()
  if ('routers' in event) uplink.setRouters(event.routers)
  if ('static' in event) uplink.addStatic(event.static)
  if ('skew' in event) chooser.skewClock(event.skew * 1000)
}

/** Plays a scenario. */
export function run({ events, temporary = false, settleMs }: Scenario): Chooser {
  const uplink = createUplink({ temporary })
  const chooser = createChooser(uplink, settleMs)
  let isDown = false
  for (const event of events) {
    happen(event, uplink, chooser)
    if ('down' in event) isDown = true
    if ('look' in event) isDown = false
    if (!isDown) chooser.pass(START + event.at * 1000)
  }
  return chooser
}

/** The same advertisement again and again. */
export const every = (
  from: number,
  step: number,
  count: number,
  ra: readonly (string | Announced)[],
) => Array.from({ length: count }, (_, index): Event => ({ at: from + index * step, ra }))

/** A prefix that its router withdraws. */
export const deprecated = (prefix: string): Announced => ({ prefix, preferred: 0, valid: 7200 })

/** A router that passes on the rest of two leases: announcements move no expiry, renewals do. */
export function countingDown(firstRenewal: number, secondRenewal: number, phase: number): Event[] {
  return Array.from({ length: 100 }, (_, index): Event => {
    const at = 300 + index * 300
    const first = DAY - (at % firstRenewal)
    const second = DAY - ((at + phase) % secondRenewal)
    return {
      at,
      ra: [
        { prefix: P1, valid: first, preferred: first },
        { prefix: P2, valid: second, preferred: second },
      ],
    }
  })
}

/** Two routers that are both known, each announcing every 200 s; the last is P1 at 1000 s. */
export const bothRouters: readonly Event[] = [
  { at: 0, routers: 2 },
  { at: 0, ra: [P1] },
  { at: 10, ra: [P2] },
  { at: 10.5, ra: [P1] },
  ...[200, 400, 600, 800].flatMap((at): Event[] => [
    { at, ra: [P1] },
    { at: at + 10, ra: [P2] },
  ]),
  { at: 1000, ra: [P1] },
]
