import { existsSync, watch } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import type { AgentOptions } from './agent-process.ts'
import { inNamespace, run, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES, sharedHome } from './harness.ts'
import { createKillRounds, type Kill, type Scenario } from './kill-rounds.ts'
import { createKillSwitch, type KillSwitch } from './kill-switch.ts'
import type { Lab } from './lab.ts'
import { HOME } from './lab-names.ts'
import { CUT_OFF_MS } from './probes.ts'
import { reportedPrefixes } from './reported.ts'
import { usable } from './router.ts'

/** How long one test, which is many rounds, may take. */
const ROUNDS = { timeout: 900_000 }
const CONTAINERS = 3
/** A round takes seconds. */
const KILLS_AT_WRITES = 16
const KILLS_AT_RANDOM = 8
/** After so long the agent has done all, on a quiet machine. */
const RANDOM_WITHIN_MS = 400
/** More former prefixes than the agent keeps: from then on every change also takes something away. */
const FORMER_PREFIXES = 9
/** The call that changes entries of the kernel's neighbour proxy. */
const NEIGHBOURS = /^ip -6 -force -batch -/

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

/** One home in which an agent is killed over and over, and the last word about it. */
function killedHome(agent: Pick<AgentOptions, 'isOneFile'>) {
  let killSwitch: KillSwitch
  const home = sharedHome(CONTAINERS, (lab) => {
    killSwitch = createKillSwitch(lab)
    return {
      agent: { ...agent, environment: killSwitch.environment },
      lostAfterMs: CUT_OFF_MS,
    }
  })
  beforeAll(() => killSwitch.wrapRestart())
  const kills = createKillRounds(home, () => killSwitch)
  return {
    ...kills,
    home,
    disarm: () => killSwitch.arm(),
    hasReportedAll: async (): Promise<void> => {
      const reported = await reportedPrefixes(home())
      expect(reported).toEqual([PREFIXES.p1, ...kills.changes()])
      expect((await home().cloud.verifyAudit()).ok).toBe(true)
      const kept = await home().agent.command(['verify'])
      expect(kept.stdout).toMatch(/^\d+ receipts are good/m)
      expect(kept.code).toBe(0)
    },
  }
}

/** Every change is a call of a program here, so that the agent can be killed before and after it. */
describeLab('an agent killed at every call', () => {
  const killed = killedHome({ isOneFile: true })
  const { home, atEveryCall, flash, planned } = killed
  const onHost = (...argv: string[]) => run(inNamespace(home().lab.namespaces.home, argv))

  it('starts for the first time', ROUNDS, async () => {
    const { agent, lab } = home()
    /** A host that has enrolled, and on which the agent has never run. */
    const forget = async (): Promise<void> => {
      await agent.stop()
      await stopNdppd(lab)
      for (const name of ['state.json', 'journal.ndjson', 'ndppd.json', 'last-change.json']) {
        await rm(join(lab.directory.path, 'agent/state', name), { force: true })
      }
      for (const { pid } of await lab.home.lives(lab.containers)) {
        const flush = 'ip -6 address flush to 2000::/3'.split(' ')
        await run(['nsenter', '-t', `${pid}`, '-n', ...flush])
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
        await lab.router.announce([usable(to)], { atOnce: true })
        await agent.start()
      },
    }
    await atEveryCall(initial, 5)
  })

  it('loses its prefix at once', ROUNDS, async () => {
    for (let count = 0; count < FORMER_PREFIXES; count++) await killed.round(flash)
    await atEveryCall(flash, 8)
  })

  it('changes its prefix as planned', ROUNDS, () => atEveryCall(planned, 7))

  it('sees a container start', ROUNDS, () => atEveryCall(killed.starting(), 2))

  it('has the kernel answer for its containers', ROUNDS, async () => {
    const { agent, lab } = home()
    await agent.stop()
    await stopNdppd(lab)
    const settings = parse(await readFile(agent.configuration, 'utf8'))
    await writeFile(agent.configuration, stringify({ ...settings, ndp: { backend: 'kernel' } }))
    killed.disarm()
    await agent.start()
    await killed.expectWhole(lab.containers)
    for (const scenario of [flash, planned, killed.starting()]) {
      await atEveryCall(scenario, 1, NEIGHBOURS)
    }
  })

  it('has reported every change in order, in a log that verifies', killed.hasReportedAll)
})

/** The usual agent, which changes the host by itself: killed by the clock, and by what it writes. */
describeLab('an agent killed at any instant', () => {
  const killed = killedHome({})
  const { home, rounds, flash, planned, strike } = killed

  it('writes its files', ROUNDS, async () => {
    const directories = ['', 'outbox', 'receipts'].map((name) =>
      join(home().lab.directory.path, 'agent/state', name),
    )
    /** Kills at the n-th event that the kernel tells of the state directory; `count` tells all of them. */
    const atWrite = (write: number): Kill & { count(): number; isMissed(): boolean } => {
      let count = 0
      let watchers: readonly { close(): void }[] = []
      return {
        name: `at event ${write} of its files`,
        count: () => count,
        isMissed: () => count < write,
        arm: () => {
          watchers = directories.map((path) =>
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
    await killed.round(flash)
    clean.disarm()
    expect(clean.count()).toBeGreaterThan(5)
    // The kernel tells of events that come close together once: a round may have fewer than another.
    let least = clean.count()
    let last: ReturnType<typeof atWrite> | undefined
    let made = 0
    await rounds(flash, () => {
      if (last?.isMissed()) least = last.count()
      if (made === KILLS_AT_WRITES) return undefined
      made += 1
      last = atWrite(Math.ceil(((made - 0.5) * least) / KILLS_AT_WRITES))
      return last
    })
  })

  it('runs for a random time', ROUNDS, async () => {
    const seed = Number(process.env.REPREFIX_SEED ?? Date.now() % 1_000_000)
    process.stdout.write(`random kills: REPREFIX_SEED=${seed}\n`)
    const random = randomNumbers(seed)
    const after = (ms: number): Kill => {
      let timer: NodeJS.Timeout
      return {
        name: `after ${ms} ms (seed ${seed})`,
        arm: () => {
          timer = setTimeout(strike, ms)
        },
        disarm: () => clearTimeout(timer),
      }
    }
    for (const scenario of [flash, planned]) {
      const kills = Array.from({ length: KILLS_AT_RANDOM }, () =>
        after(Math.round(random() * RANDOM_WITHIN_MS)),
      )
      await rounds(scenario, () => kills.shift())
    }
  })

  it('has reported every change in order, in a log that verifies', killed.hasReportedAll)
})
