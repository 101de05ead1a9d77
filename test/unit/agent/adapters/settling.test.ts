import { describe, expect, it } from 'vitest'
import type { SettleRecord } from '../../../../agent/adapters/settle-journal.ts'
import { createSettler } from '../../../../agent/adapters/settler.ts'
import { createSettling } from '../../../../agent/adapters/settling.ts'
import type { NetworkRecipe } from '../../../../agent/domain/docker-recipes.ts'
import type { StaleNetwork } from '../../../../agent/domain/settle-need.ts'
import { ipv6SubnetsOf } from '../../../../agent/domain/settle-plan.ts'
import { IDLE_MS, parseSettlePolicy } from '../../../../agent/domain/settle-policy.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { createMemoryDocker } from '../../../fakes/memory-docker.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'
import { network } from '../domain/host-simulator.ts'

const FROM = parsePrefix('2001:db8:1:1:1::/80')
const TO = parsePrefix('2001:db8:2:2:1::/80')
const START = Date.UTC(2026, 0, 1)

function recipe(name: string, subnet: string): NetworkRecipe {
  return {
    Name: name,
    CheckDuplicate: true,
    Driver: 'bridge',
    Internal: false,
    Attachable: false,
    EnableIPv6: true,
    IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
    Options: {},
    Labels: {},
  }
}

/** A daemon with one network, `web`, and an agent that may settle it. */
async function createScene(policy: string) {
  const docker = createMemoryDocker()
  await docker.control.createNetwork(recipe('web', FROM))
  const [id = ''] = docker.networks.keys()
  const container = docker.add('one', 'web')
  let record: SettleRecord | null = null
  let now = START
  const { log, lines } = recordedLog()
  const start = () =>
    createSettling({
      policy: parseSettlePolicy(policy),
      control: docker.control,
      settler: createSettler({
        control: docker.control,
        journal: {
          read: async () => record,
          write: async (next) => {
            record = next
          },
          clear: async () => {
            record = null
          },
        },
        log,
      }),
      now: () => now,
      minuteOfDay: (instant) => Math.floor((instant - START) / 60_000) % 1440,
      log,
    })
  let settling = start()
  docker.calls.length = 0
  const stale = (isInUse: boolean): StaleNetwork[] => [
    { network: network('web', { id, subnets: [FROM] }), from: FROM, to: TO, isInUse },
  ]
  return {
    docker,
    container,
    lines,
    stale,
    look: (isInUse = true, isConverged = true) => settling.afterPass(stale(isInUse), isConverged),
    afterwards: () => settling.afterPass([], true),
    pass: (ms: number) => {
      now += ms
    },
    restart: () => {
      docker.revive()
      settling = start()
    },
    subnets: () => [...docker.networks.values()].flatMap((one) => ipv6SubnetsOf(one.recipe)),
    left: () => record,
  }
}

describe('settling by policy', () => {
  it('now: settles as soon as the pass has converged, and asks for another at once', async () => {
    const scene = await createScene('now')
    expect(await scene.look(true, false)).toMatchObject({ hasChanged: false })
    expect(scene.docker.calls).toEqual([])
    expect(await scene.look()).toEqual({ hasChanged: true, wakeAt: START, problems: [] })
    expect(scene.subnets()).toEqual([TO])
    expect(scene.lines.map((line) => line.fields.event)).toEqual(['settling', 'settled'])
  })

  it('never: does nothing and asks for nothing', async () => {
    const scene = await createScene('never')
    expect(await scene.look(false)).toEqual({ hasChanged: false, wakeAt: null, problems: [] })
    expect(scene.docker.calls).toEqual([])
  })

  it('window: asks to be woken when it opens', async () => {
    const scene = await createScene('window 03:00-05:00')
    expect(await scene.look()).toMatchObject({ hasChanged: false, wakeAt: START + 3 * 3_600_000 })
    scene.pass(3 * 3_600_000)
    expect(await scene.look()).toMatchObject({ hasChanged: true })
    expect(scene.subnets()).toEqual([TO])
  })

  it('on-restart: settles when nothing has run there for a while, counted anew after each start', async () => {
    const scene = await createScene('on-restart')
    expect(await scene.look(true)).toMatchObject({ hasChanged: false, wakeAt: null })
    expect(await scene.look(false)).toMatchObject({ wakeAt: START + IDLE_MS })
    scene.pass(IDLE_MS - 1)
    expect(await scene.look(true)).toMatchObject({ hasChanged: false, wakeAt: null })
    expect(await scene.look(false)).toMatchObject({ hasChanged: false })
    scene.pass(IDLE_MS)
    expect(await scene.look(false)).toMatchObject({ hasChanged: true })
    expect(scene.subnets()).toEqual([TO])
  })
})

describe('a settle that cannot be', () => {
  it('is refused with the reason, and looked at again later', async () => {
    const scene = await createScene('now')
    await scene.docker.control.createNetwork(recipe('other', '2001:db8:2:2::/64'))
    scene.docker.calls.length = 0
    const first = await scene.look()
    expect(first).toMatchObject({ hasChanged: false, wakeAt: START + 60_000 })
    expect(first.problems).toMatchObject([{ code: 'SETTLE_REFUSED', where: 'network web' }])
    expect(await scene.look()).toEqual(first)
    expect(scene.docker.calls).toEqual([])
    await scene.docker.control.removeNetwork([...scene.docker.networks.keys()][1] ?? '')
    scene.pass(60_000)
    expect(await scene.look()).toMatchObject({ hasChanged: true, problems: [] })
    expect(scene.subnets()).toEqual([TO])
  })

  it('comes back as it was, and is tried again ever more rarely', async () => {
    const scene = await createScene('now')
    let isBack = false
    scene.docker.decide((call) => {
      if (call !== 'create web' || isBack) {
        isBack = false
        return 'works'
      }
      isBack = true
      return 'refused'
    })
    const first = await scene.look()
    expect(first).toMatchObject({ hasChanged: true, problems: [{ code: 'SETTLE_FAILED' }] })
    expect(scene.subnets()).toEqual([FROM])
    expect(scene.container.networks.has('web')).toBe(true)
    scene.docker.decide(() => 'works')
    expect(await scene.look()).toMatchObject({ hasChanged: false, wakeAt: START + 60_000 })
  })

  it('loses Docker half-way, and is finished by the next start whatever the policy says', async () => {
    const scene = await createScene('now')
    scene.docker.decide((call) => (call === 'create web' ? 'killed-before' : 'works'))
    expect(await scene.look()).toMatchObject({ problems: [{ code: 'SETTLE_FAILED' }] })
    expect(scene.left()).not.toBe(null)
    scene.restart()
    // The network is gone, so no pass finds anything stale; nor can one converge.
    expect(await scene.look(true, false)).toMatchObject({ hasChanged: true, problems: [] })
    expect(scene.subnets()).toEqual([TO])
    expect(scene.container.networks.has('web')).toBe(true)
    expect(await scene.afterwards()).toEqual({ hasChanged: false, wakeAt: null, problems: [] })
  })
})
