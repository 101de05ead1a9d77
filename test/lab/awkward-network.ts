import { contains, type Prefix } from '../../shared/ipv6.ts'
import { inNamespace, run, tryRun } from './command.ts'
import { converged, untilSeen } from './harness.ts'
import type { Home } from './home.ts'
import { HOME } from './lab-names.ts'
import { readUplink, type UplinkAddress } from './lan-machines.ts'
import { currentPrefix, leftoversOf, prefixNumber } from './leftovers.ts'
import { setKernel } from './namespaces.ts'
import { addressBelow, restartsBetween } from './renumbering.ts'
import { type AnnouncedPrefix, OFTEN, usable } from './router.ts'

/** A network that is about to become awkward, with the agent numbered from `from`. */
export interface Scene {
  readonly home: Home
  readonly from: Prefix
  /** A prefix never used before. */
  fresh(): Prefix
  /** Announces exactly these from now on; the first time when RFC 4861 lets it, then every few seconds. */
  announce(prefixes: readonly AnnouncedPrefix[], options?: { atOnce: boolean }): Promise<void>
  /** Waits for some regular advertisements. */
  regular(count: number): Promise<void>
  onHost(...argv: string[]): Promise<string>
  /** Writes a kernel setting of the uplink, below net.ipv6.conf. */
  set(name: string, value: number): Promise<void>
  addresses(): Promise<readonly UplinkAddress[]>
  /** The renumberings since the row began, as `cause prefix`. */
  renumberings(): readonly string[]
  /** Waits until the agent says that it holds. */
  held(): Promise<void>
  /** Waits until every name leads to its container at its address in the prefix, and nowhere else. */
  reachable(prefix: Prefix): Promise<void>
}

/** What a row must come to. */
export interface Ending {
  readonly at: Prefix
  /** All renumberings, in order: one more is flapping. */
  readonly renumberings: readonly string[]
}

/** One awkward network: what happens in it, and what the host must come to. */
export interface Row {
  readonly name: string
  readonly happen: (scene: Scene) => Promise<Ending>
  /** What is cut off by the row itself, and so cannot be expected to work all the time. */
  readonly cutsOff?: 'the home' | 'the old address'
  /** Puts right what the row changed on the machines. */
  readonly after?: (scene: Scene) => Promise<unknown>
}

/** What a row has come to, besides where it was expected to end. */
export interface Outcome {
  readonly renumberings: readonly string[]
  readonly current: Prefix | undefined
  /** What was cut off that the row itself did not. */
  readonly lost: readonly string[]
  readonly restarts: number
  readonly leftovers: readonly string[]
}

let used = 0

/**
 * Plays a row in a home at rest, waits for the ending it promises, and leaves the home at rest. `losses`
 * tells of each request that was lost since the row began.
 */
export async function play(
  home: Home,
  row: Row,
  losses: () => readonly string[],
): Promise<{ ending: Ending; outcome: Outcome }> {
  const { lab, agent, prober, watched } = home
  const from = await currentPrefix(home)
  if (from === undefined) throw new TypeError('the home is not numbered')
  const seen = agent.events.length
  const lives = await lab.home.lives(lab.containers)
  let announced: string = from
  const scene: Scene = {
    home,
    from,
    fresh: () => prefixNumber(used++),
    announce: async (prefixes, options) => {
      announced = prefixes.map(({ prefix }) => prefix).join()
      await lab.router.announce(prefixes, { interval: OFTEN, ...options })
    },
    regular: async (count) => {
      for (let n = 0; n < count; n++) await lab.router.regular()
    },
    onHost: (...argv) => run(inNamespace(lab.namespaces.home, argv)),
    set: (name, value) =>
      setKernel(lab.namespaces.home, { [`ipv6/conf/${HOME.uplink}/${name}`]: `${value}` }),
    addresses: () => readUplink(home),
    renumberings: () =>
      agent.events
        .slice(seen)
        .filter(({ event }) => event === 'renumber')
        .map(({ fields }) => `${fields.cause} ${fields.to}`),
    held: async () => {
      await agent.event('hold', ({ event }) => event === 'hold', seen)
    },
    reachable: async (prefix) => {
      for (const container of lab.containers) {
        await untilSeen(home, container.domain, addressBelow(prefix, container))
      }
    },
  }
  prober.begin(from, row.cutsOff === undefined ? addressBelow(from, watched) : undefined)
  await prober.sent(5)
  try {
    const ending = await row.happen(scene)
    await scene.reachable(ending.at)
    await converged(home)
    const { ipv4, brokenTcp } = await prober.end()
    if (ipv4.sent === 0) throw new TypeError('nothing was asked for')
    const broken = brokenTcp === 0 ? [] : [`${brokenTcp} connections broken`]
    const outcome: Outcome = {
      renumberings: scene.renumberings(),
      current: await currentPrefix(home),
      lost: row.cutsOff === 'the home' ? [] : [...losses(), ...broken],
      restarts: restartsBetween(lives, await lab.home.lives(lab.containers)),
      leftovers: await leftoversOf(home),
    }
    return { ending, outcome }
  } finally {
    await row.after?.(scene)
    await comeToRest(scene, announced)
  }
}

/** The current prefix alone is announced, and the kernel has forgotten all others, as if days had passed. */
async function comeToRest(scene: Scene, announced: string): Promise<void> {
  const current = await currentPrefix(scene.home)
  if (current === undefined) return
  if (announced !== current) await scene.announce([usable(current)])
  for (const { address } of await scene.addresses()) {
    if (contains(current, address)) continue
    await tryRun(
      inNamespace(scene.home.lab.namespaces.home, [
        ...['ip', '-6', 'address', 'flush', 'dev', HOME.uplink, 'to', address],
      ]),
    )
  }
}
