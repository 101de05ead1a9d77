import { existsSync, watch } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import type { Prefix } from '../../shared/ipv6.ts'
import { inNamespace, run, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES, sharedHome, untilSeen } from './harness.ts'
import { createKillSwitch, type KillPoint, type KillSwitch } from './kill-switch.ts'
import type { Lab } from './lab.ts'
import { HOME, type LabContainer, labContainers } from './lab-names.ts'
import { leftoversOf, overlayAddresses, prefixNumber } from './leftovers.ts'
import { CUT_OFF_MS } from './probes.ts'
import { addressBelow } from './renumbering.ts'
import { reportedPrefixes } from './reported.ts'
import { deprecated, usable } from './router.ts'

/** How long one test, which is many rounds, may take. */
const ROUNDS_TIMEOUT_MS = 900_000
const CONTAINERS = 3
/** A round takes seconds. */
const MOST_KILLS_AT_WRITES = 24
/** A kill that has not come by then does not come. */
const MISSED_AFTER_MS = 4000
/** More former prefixes than the agent keeps: from then on every change also takes something away. */
const FORMER_PREFIXES = 9

/** A change on which the agent is killed. */
interface Scenario {
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
interface Kill {
  readonly name: string
  arm(): void
  disarm(): void
}

/** Deterministic random numbers from 0 to 1 (mulberry32): a failure can be run again by its seed. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

async function stopNdppd({ directory }: Lab): Promise<void> {
  const pid = Number(await readFile(join(directory.path, 'ndppd.pid'), 'utf8').catch(() => '0'))
  if (pid === 0) return
  process.kill(pid, 'SIGKILL')
  await waitFor('end of ndppd', () => (existsSync(`/proc/${pid}`) ? undefined : true))
}

describeLab('an agent killed at any instant', () => {
  let killSwitch: KillSwitch
  const home = sharedHome(CONTAINERS, (lab) => {
    killSwitch = createKillSwitch(lab)
    return { agent: { environment: killSwitch.environment }, lostAfterMs: CUT_OFF_MS }
  })
  beforeAll(() => killSwitch.wrapRestart())

  let used = 0
  let at: Prefix = PREFIXES.p1
  const changes: Prefix[] = []
  const strike = (): void => {
    const pid = home().agent.pid()
    if (pid !== undefined && home().agent.isRunning()) process.kill(pid, 'SIGKILL')
  }
  const onHost = (...argv: string[]) => run(inNamespace(home().lab.namespaces.home, argv))
  const state = (name = '') => join(home().lab.directory.path, 'agent/state', name)

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
      throw new Error(`not in order:\n${found}`, { cause })
    })
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
    kill?.arm()
    await scenario.provoke(to, from)
    const isKilled = kill !== undefined && (await endedBy(kill))
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
    // The kernel of the host takes at most sixteen addresses; the agent's own are on the containers.
    if (from !== to) await onHost('ip', '-6', 'address', 'flush', 'dev', HOME.uplink, 'to', from)
    await scenario.after?.()
    return isKilled
  }

  /** Waits for the kill; a pass that took fewer calls this time has none to be killed at. */
  async function endedBy(kill: Kill): Promise<boolean> {
    const { agent } = home()
    await agent.ended({ timeoutMs: MISSED_AFTER_MS }).catch(() => undefined)
    kill.disarm()
    return !agent.isRunning()
  }

  /** One round a kill; a few may miss, because what a container's start takes depends on its moment. */
  async function rounds(scenario: Scenario, kills: readonly Kill[]): Promise<void> {
    const startedAt = Date.now()
    let killed = 0
    for (const kill of kills) {
      const isKilled = await round(scenario, kill).catch((cause: unknown) => {
        throw new Error(`killed ${kill.name}: ${String(cause)}`, { cause })
      })
      if (isKilled) killed += 1
    }
    const seconds = Math.round((Date.now() - startedAt) / 1000)
    process.stdout.write(`killed ${killed} times in ${kills.length} rounds, ${seconds} s\n`)
    expect(killed).toBeGreaterThan(kills.length * 0.7)
  }

  const atCall = (point: KillPoint, line: string): Kill => ({
    name: `${point.when} call ${point.call}: ${line}`,
    arm: () => killSwitch.arm(point),
    disarm: () => killSwitch.arm(),
  })

  /** Counts the calls of an undisturbed round and kills the agent before and after each of them. */
  async function atEveryCall(scenario: Scenario, least: number): Promise<void> {
    killSwitch.arm()
    await round(scenario)
    const calls = killSwitch.calls()
    expect(calls.length, calls.join('\n')).toBeGreaterThanOrEqual(least)
    const kills = calls.flatMap((line, index) =>
      (['before', 'after'] as const).map((when) => atCall({ call: index + 1, when }, line)),
    )
    await rounds(scenario, kills)
  }

  const announceFlash = (to: Prefix) => home().lab.router.announce([usable(to)], { atOnce: true })
  const announcePlanned = (to: Prefix, from: Prefix) =>
    home().lab.router.announce([usable(to), deprecated(from)], { atOnce: true })
  const flash: Scenario = { isRenumbering: true, provoke: announceFlash }
  const planned: Scenario = { isRenumbering: true, provoke: announcePlanned }

  it('starts for the first time', { timeout: ROUNDS_TIMEOUT_MS }, async () => {
    const { agent, lab } = home()
    /** A host that has enrolled, and on which the agent has never run. */
    const forget = async (): Promise<void> => {
      await agent.stop()
      await stopNdppd(lab)
      for (const name of ['state.json', 'journal.ndjson', 'ndppd.json', 'last-change.json']) {
        await rm(state(name), { force: true })
      }
      for (const { pid } of await lab.home.lives(lab.containers)) {
        await run([
          'nsenter',
          '-t',
          `${pid}`,
          '-n',
          ...'ip -6 address flush to 2000::/3'.split(' '),
        ])
      }
      await onHost(...`ip -6 route flush dev ${HOME.bridge} root 2000::/3`.split(' '))
      await onHost(...`ip -6 address flush dev ${HOME.uplink} to 2000::/3`.split(' '))
      for (const args of ['-D FORWARD -j REPREFIX', '-F REPREFIX', '-X REPREFIX']) {
        await tryRun(inNamespace(lab.namespaces.home, ['ip6tables', ...args.split(' ')]))
      }
      await writeFile(join(lab.directory.path, 'ndppd.conf'), '')
    }
    const initial: Scenario = {
      isRenumbering: true,
      before: forget,
      provoke: async (to) => {
        await announceFlash(to)
        await agent.start()
      },
    }
    await atEveryCall(initial, 5)
  })

  it('loses its prefix at once', { timeout: ROUNDS_TIMEOUT_MS }, async () => {
    for (let count = 0; count < FORMER_PREFIXES; count++) await round(flash)
    await atEveryCall(flash, 8)
  })

  it('changes its prefix as planned', { timeout: ROUNDS_TIMEOUT_MS }, async () => {
    await atEveryCall(planned, 7)
  })

  it('sees a container start', { timeout: ROUNDS_TIMEOUT_MS }, async () => {
    const { lab } = home()
    const late = labContainers(CONTAINERS + 1)[CONTAINERS]
    if (late === undefined) throw new TypeError('no spare container')
    const start: Scenario = {
      isRenumbering: false,
      containers: [...lab.containers, late],
      provoke: () => lab.home.startContainer(late),
      after: async () => {
        await untilSeen(home(), late.domain, addressBelow(at, late))
        await lab.home.docker.api.call('DELETE', `/containers/${late.name}?force=1`)
        await expectWhole(lab.containers)
      },
    }
    await atEveryCall(start, 2)
  })

  it('writes its files', { timeout: ROUNDS_TIMEOUT_MS }, async () => {
    /** Kills at the n-th event that the kernel tells of the state directory, at once or a bit later. */
    const atWrite = (write: number): Kill & { count(): number } => {
      let count = 0
      let watchers: readonly { close(): void }[] = []
      return {
        name: `at event ${write} of its files`,
        count: () => count,
        arm: () => {
          watchers = [state(), state('outbox'), state('receipts')].map((path) =>
            watch(path, () => {
              count += 1
              if (count === write) strike()
            }),
          )
        },
        disarm: () => {
          for (const watcher of watchers) watcher.close()
        },
      }
    }
    const clean = atWrite(Number.POSITIVE_INFINITY)
    clean.arm()
    await round(flash)
    clean.disarm()
    expect(clean.count()).toBeGreaterThan(5)
    // Each file has several events a write: every other one at most, and spread over all of them.
    const kills = Math.min(Math.floor(clean.count() / 2), MOST_KILLS_AT_WRITES)
    const events = Array.from({ length: kills }, (_, index) =>
      Math.floor(((index + 0.5) * clean.count()) / kills),
    )
    await rounds(flash, events.map(atWrite))
  })

  it('runs for a random time', { timeout: ROUNDS_TIMEOUT_MS }, async () => {
    const seed = Number(process.env.REPREFIX_SEED ?? Date.now() % 1_000_000)
    process.stdout.write(`random kills: REPREFIX_SEED=${seed}\n`)
    const random = randomNumbers(seed)
    const after = (ms: number): Kill => ({
      name: `after ${ms} ms (seed ${seed})`,
      arm: () => setTimeout(() => strike(), ms),
      disarm: () => {},
    })
    const delays = Array.from({ length: 10 }, () => Math.round(random() * 400))
    await rounds(flash, delays.slice(0, 5).map(after))
    await rounds(planned, delays.slice(5).map(after))
  })

  it('has reported every change in order, in a log that verifies', async () => {
    const reported = await reportedPrefixes(home())
    expect(reported).toEqual([PREFIXES.p1, ...changes])
    expect((await home().cloud.verifyAudit()).ok).toBe(true)
    const kept = await home().agent.command(['verify'])
    expect(kept.stdout).toMatch(/^\d+ receipts are good/m)
    expect(kept.code).toBe(0)
  })
})
