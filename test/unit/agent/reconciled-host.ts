import { type AgentState, INITIAL_STATE, numberingOf } from '../../../agent/domain/agent-state.ts'
import type { ReportedClaim } from '../../../agent/domain/claimed-prefixes.ts'
import type { Intent, Observed } from '../../../agent/domain/model.ts'
import { type Step, targetOf } from '../../../agent/domain/step.ts'
import type { StepResult } from '../../../agent/ports.ts'
import { createReconciler } from '../../../agent/reconcile.ts'
import {
  applySteps,
  attachment,
  container,
  INTENT,
  NOW,
  observed,
} from './domain/host-simulator.ts'
import { createUplink } from './domain/uplink-simulator.ts'

/** What happens to a step: it works, fails without effect, or fails although it worked. */
export type Fate = 'works' | 'fails' | 'fails-but-worked' | 'throws'

/** A whole host in memory, with an agent whose process can be killed at any write. */
export function createHost(more: Partial<Intent> = {}) {
  const intent = { ...INTENT, ...more }
  const uplink = createUplink()
  let now = NOW
  let world: Observed = observed({
    containers: [
      container('a', [attachment('web', 'fd00::101')], { 'reprefix.dns': 'a.example.org' }),
      container('b', [attachment('web', 'fd00::102')], { 'reprefix.dns': 'b.example.org' }),
    ],
    neighbours: {
      entries: [],
      settings: [{ interface: 'eth0', isReady: false, isWritable: true }],
    },
  })
  let saved: AgentState = INITIAL_STATE
  let writesLeft = Number.POSITIVE_INFINITY
  let reported: ReportedClaim | null = null
  let isDockerThere = true
  let onSleep = (): void => undefined
  let fate = (_step: Step): Fate => 'works'
  const log: string[] = []

  function write(line: string): void {
    if (writesLeft <= 0) throw new Error('killed')
    writesLeft -= 1
    log.push(line)
  }

  function current(): Observed {
    return { ...world, uplinks: [uplink.snapshot(now)] }
  }

  const reconciler = createReconciler(
    {
      kernel: {
        readUplinks: async () => current().uplinks,
        readRoutes: async () => world.routes,
        readNeighbours: async () => [],
      },
      containers: {
        read: async () => {
          if (!isDockerThere) throw new Error('Docker is not running')
          return { networks: world.networks, containers: world.containers }
        },
      },
      proxy: {
        read: async () => world.proxy ?? { configText: '', isRunning: false, boundIndexes: {} },
      },
      ...(intent.proxy === 'kernel'
        ? { neighbours: { read: async () => world.neighbours ?? { entries: [], settings: [] } } }
        : {}),
      firewall: {
        read: async () => world.firewall ?? { rules: null, hookedIn: null, hook: 'FORWARD' },
      },
      actuator: {
        apply: async (steps) => {
          const results: StepResult[] = []
          for (const step of steps) {
            const what = fate(step)
            if (what === 'throws') throw new Error('lost contact')
            write(`${step.kind} ${targetOf(step)}`)
            if (what !== 'fails') world = applySteps(current(), [step])
            if (step.kind === 'uplink-deprecate') uplink.deprecate(step.address)
            const isDone = what === 'works'
            results.push({
              step,
              outcome: isDone ? 'done' : 'failed',
              ms: 1,
              ...(isDone ? {} : { error: what }),
            })
          }
          return results
        },
      },
      journal: {
        begin: async (steps) => write(`begin ${steps.length}`),
        end: async (results) => write(`end ${results[0]?.step.kind}`),
      },
      saveState: async (state) => {
        write('save')
        saved = state
      },
      reportedClaim: async () => reported,
      clock: () => now,
      sleep: async (ms) => {
        onSleep()
        now += ms
      },
    },
    intent,
  )

  return {
    uplink,
    log,
    reconciler,
    get world() {
      return current()
    },
    get saved() {
      return saved
    },
    get savedNumbering() {
      return numberingOf(saved, 'eth0')
    },
    change: (next: Partial<Observed>) => {
      world = { ...world, ...next }
    },
    at: (ms: number) => {
      now = NOW + ms
      return now
    },
    /** What the newest report claimed. */
    report: (claim: ReportedClaim) => {
      reported = claim
    },
    mendDocker: () => {
      isDockerThere = true
    },
    breakDocker: () => {
      isDockerThere = false
    },
    killAfter: (writes: number) => {
      writesLeft = writes
    },
    /** What happens while a pass waits. */
    whileWaiting: (next: () => void) => {
      onSleep = next
    },
    decideFate: (next: (step: Step) => Fate) => {
      fate = next
    },
    /** A pass of an agent that has just been started, from the saved state. */
    pass: () => reconciler.pass(saved),
  }
}

/** A router advertisement `ms` after the start, which is also the time from then on. */
export function announce(host: ReturnType<typeof createHost>, ms: number, prefix: string) {
  host.uplink.advertise(host.at(ms), [{ prefix }])
}
