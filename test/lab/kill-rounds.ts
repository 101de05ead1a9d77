import { expect } from 'vitest'
import type { Prefix } from '../../shared/ipv6.ts'
import { inNamespace, run } from './command.ts'
import { waitFor } from './deadline.ts'
import { PREFIXES, untilSeen } from './harness.ts'
import type { Home } from './home.ts'
import type { KillPoint, KillSwitch } from './kill-switch.ts'
import { HOME, type LabContainer, labContainers } from './lab-names.ts'
import { leftoversOf, overlayAddresses, prefixNumber } from './leftovers.ts'
import { addressBelow } from './renumbering.ts'
import { deprecated, usable } from './router.ts'

/** A change on which the agent is killed. */
export interface Scenario {
  /** Whether the change is one of the prefix. */
  readonly isRenumbering: boolean
  readonly containers?: readonly LabContainer[]
  /** Before each round. */
  before?(): Promise<unknown>
  /** Makes the change and returns. */
  provoke(to: Prefix, from: Prefix): Promise<unknown>
  /** After each round. */
  after?(): Promise<unknown>
}

/** A way to kill the agent in the middle of what it does. */
export interface Kill {
  readonly name: string
  arm(): void
  disarm(): void
}

/** A kill that has not come so long after the change was made does not come. */
const MISSED_AFTER_MS = 1500
const LAST_EVENTS = 30
/** Of the kills: some may miss, because what a container's start takes depends on its moment. */
const LEAST_KILLED = 0.6

/** Rounds of changes in one home, each with the agent killed in the middle of it and started again. */
export function createKillRounds(home: () => Home, killSwitch: () => KillSwitch) {
  let used = 0
  let at: Prefix = PREFIXES.p1
  const changes: Prefix[] = []

  function strike(): void {
    const { agent } = home()
    const pid = agent.pid()
    if (pid !== undefined && agent.isRunning()) process.kill(pid, 'SIGKILL')
  }

  function whatItSaid(): string {
    const { agent } = home()
    const events = agent.events.slice(-LAST_EVENTS).map((event) => JSON.stringify(event))
    return [`the agent ${agent.isRunning() ? 'runs' : 'has ended'}; it said last:`, ...events].join(
      '\n',
    )
  }

  /** All is as it should be, and reported; anything else is named. */
  async function expectWhole(containers: readonly LabContainer[]): Promise<void> {
    let found = ''
    const look = async (): Promise<true | undefined> => {
      const plan = await home().agent.command(['plan'])
      const leftovers = await leftoversOf(home(), containers)
      found = [plan.stdout, plan.stderr, ...leftovers].join('\n')
      return plan.code === 0 && leftovers.length === 0 ? true : undefined
    }
    await waitFor('a host in order', look, { intervalMs: 25 }).catch((cause: unknown) => {
      throw new Error(`not in order:\n${found}\n${whatItSaid()}`, { cause })
    })
  }

  /** Waits for the kill; a pass that took fewer calls this time has none to be killed at. */
  async function endedBy(kill: Kill, told: number, scenario: Scenario): Promise<boolean> {
    const { agent } = home()
    const last = scenario.isRenumbering ? ['made', 'receipt'] : ['made']
    let madeAt: number | undefined
    await waitFor('the kill, or the change made without it', () => {
      const events = agent.events.slice(told).map(({ event }) => event)
      if (last.every((event) => events.includes(event))) madeAt ??= performance.now()
      const isMissed = madeAt !== undefined && performance.now() - madeAt > MISSED_AFTER_MS
      return isMissed || !agent.isRunning() ? true : undefined
    })
    kill.disarm()
    return !agent.isRunning()
  }

  /** One change, watched from outside, with the agent killed in it and started again. */
  async function round(scenario: Scenario, kill?: Kill): Promise<boolean> {
    const { agent, prober, watched, lab } = home()
    await scenario.before?.()
    const from = at
    const to = scenario.isRenumbering ? prefixNumber(used++) : from
    const hasOld = (await overlayAddresses(home(), [watched])).get(watched.name)?.length !== 0
    prober.begin(to, hasOld ? addressBelow(from, watched) : undefined)
    await prober.sent(3)
    const told = agent.events.length
    kill?.arm()
    await scenario.provoke(to, from)
    const isKilled = kill !== undefined && (await endedBy(kill, told, scenario))
    if (isKilled) await agent.start()
    at = to
    if (changes.at(-1) !== to) changes.push(to)
    await prober.reachable(60_000)
    const containers = scenario.containers ?? lab.containers
    await expectWhole(containers)
    const { ipv4, oldIpv6, brokenTcp } = await prober.end()
    expect({ ipv4: ipv4.lost, oldIpv6: oldIpv6.lost, brokenTcp }).toEqual({
      ipv4: 0,
      oldIpv6: 0,
      brokenTcp: 0,
    })
    if (from !== to) await forget(from)
    await scenario.after?.()
    return isKilled
  }

  /** The kernel of the host takes at most sixteen addresses; the agent's own are on the containers. */
  function forget(prefix: Prefix): Promise<unknown> {
    const flush = ['ip', '-6', 'address', 'flush', 'dev', HOME.uplink, 'to', prefix]
    return run(inNamespace(home().lab.namespaces.home, flush))
  }

  /** One round for each kill that `next` gives, until it gives none. */
  async function rounds(scenario: Scenario, next: () => Kill | undefined): Promise<void> {
    const startedAt = Date.now()
    let [count, killed] = [0, 0]
    for (let kill = next(); kill !== undefined; kill = next()) {
      const { name } = kill
      const isKilled = await round(scenario, kill).catch((cause: unknown) => {
        throw new Error(`killed ${name}: ${String(cause)}`, { cause })
      })
      count += 1
      if (isKilled) killed += 1
    }
    const seconds = Math.round((Date.now() - startedAt) / 1000)
    process.stdout.write(`killed ${killed} times in ${count} rounds, ${seconds} s\n`)
    expect(killed).toBeGreaterThanOrEqual(Math.floor(count * LEAST_KILLED))
  }

  const atCall = (point: KillPoint, line: string): Kill => ({
    name: `${point.when} call ${point.call}: ${line}`,
    arm: () => killSwitch().arm(point),
    disarm: () => killSwitch().arm(),
  })

  /** Counts the calls of an undisturbed round and kills the agent before and after each that matters. */
  async function atEveryCall(scenario: Scenario, least: number, matters = /^/): Promise<void> {
    killSwitch().arm()
    await round(scenario)
    const calls = killSwitch().calls()
    const kills = calls.flatMap((line, index) =>
      matters.test(line)
        ? (['before', 'after'] as const).map((when) => atCall({ call: index + 1, when }, line))
        : [],
    )
    expect(kills.length, calls.join('\n')).toBeGreaterThanOrEqual(2 * least)
    await rounds(scenario, () => kills.shift())
  }

  const flash: Scenario = {
    isRenumbering: true,
    provoke: (to) => home().lab.router.announce([usable(to)], { atOnce: true }),
  }
  const planned: Scenario = {
    isRenumbering: true,
    provoke: (to, from) =>
      home().lab.router.announce([usable(to), deprecated(from)], { atOnce: true }),
  }

  /** A container more for one round. */
  function starting(): Scenario {
    const { lab } = home()
    const late = labContainers(lab.containers.length + 1).at(-1)
    if (late === undefined) throw new TypeError('no spare container')
    return {
      isRenumbering: false,
      containers: [...lab.containers, late],
      provoke: () => lab.home.startContainer(late),
      after: async () => {
        await untilSeen(home(), late.domain, addressBelow(at, late))
        await lab.home.docker.api.call('DELETE', `/containers/${late.name}?force=1`)
        await expectWhole(lab.containers)
      },
    }
  }

  return {
    ...{ strike, expectWhole, round, rounds, atEveryCall, flash, planned, starting },
    /** The prefixes that were announced, in their order. */
    changes: (): readonly Prefix[] => changes,
  }
}
