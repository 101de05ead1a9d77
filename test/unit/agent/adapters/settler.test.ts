import { describe, expect, it } from 'vitest'
import { decodeSettleNetwork } from '../../../../agent/adapters/settle-decode.ts'
import { readEndpoints } from '../../../../agent/adapters/settle-endpoints.ts'
import type { SettleRecord } from '../../../../agent/adapters/settle-journal.ts'
import { createSettler } from '../../../../agent/adapters/settler.ts'
import type { NetworkRecipe } from '../../../../agent/domain/docker-recipes.ts'
import { planSettle, type SettlePlan } from '../../../../agent/domain/settle-plan.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { type CallFate, createMemoryDocker } from '../../../fakes/memory-docker.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'

const FROM = parsePrefix('2001:db8:1:1:1::/80')
const TO = parsePrefix('2001:db8:2:2:1::/80')
const WEB: NetworkRecipe = {
  Name: 'web',
  CheckDuplicate: true,
  Driver: 'bridge',
  Internal: false,
  Attachable: true,
  EnableIPv6: true,
  IPAM: {
    Driver: 'default',
    Options: {},
    Config: [
      { Subnet: '172.30.0.0/24', Gateway: '172.30.0.1' },
      { Subnet: FROM, Gateway: '2001:db8:1:1:1::1' },
    ],
  },
  Options: { 'com.docker.network.bridge.name': 'br-web' },
  Labels: { 'com.docker.compose.network': 'web', 'com.docker.compose.config-hash': 'abc' },
}

/** One container of each kind, on a daemon in memory. */
async function createScene() {
  const docker = createMemoryDocker()
  await docker.control.createNetwork(WEB)
  const fixed = (host: number) => ({
    IPAMConfig: { IPv4Address: `172.30.0.${host}`, IPv6Address: `2001:db8:1:1:1::${host}` },
  })
  docker.add('free', 'web', { Aliases: ['free-service', 'f'] })
  docker.add('fixed', 'web', { ...fixed(50), Links: ['free:db'], GwPriority: 5 })
  docker.add('paused', 'web', {}, { state: 'paused' })
  docker.add('looping', 'web', {}, { state: 'restarting' })
  docker.add('exited', 'web', fixed(60), { state: 'exited' })
  docker.add('exited-free', 'web', {}, { state: 'exited' })
  docker.add('created', 'web', fixed(61), { state: 'created' })
  docker.calls.length = 0

  let record: SettleRecord | null = null
  let isDead = false
  const { log } = recordedLog()
  const settler = createSettler({
    control: docker.control,
    journal: {
      read: async () => record,
      write: async (next) => {
        if (isDead) throw new Error('killed')
        // What is on disk is JSON: nothing else survives.
        record = JSON.parse(JSON.stringify(next))
      },
      clear: async () => {
        if (isDead) throw new Error('killed')
        record = null
      },
    },
    log,
  })
  async function plan(): Promise<SettlePlan> {
    const network = decodeSettleNetwork(await docker.control.inspectNetwork('web'))
    const endpoints = await readEndpoints(docker.control, 'web')
    const result = planSettle({
      network,
      endpoints,
      otherSubnets: [],
      from: FROM,
      to: TO,
      dockerMajor: 20,
    })
    if ('problems' in result) throw new Error(JSON.stringify(result.problems))
    return result.plan
  }
  return {
    docker,
    settler,
    plan,
    left: () => record,
    named: (name: string) => {
      const found = [...docker.containers.values()].find((one) => one.name === name)
      if (found === undefined) throw new Error(`no container ${name}`)
      return found
    },
    /** From now on the agent's process is dead: nothing it still tries has an effect. */
    die: () => {
      isDead = true
    },
    reborn: () => {
      isDead = false
      docker.revive()
    },
    /** Starts what is stopped, then gives what everybody has. */
    picture: () => {
      for (const container of docker.containers.values()) docker.start(container)
      return Object.fromEntries(
        [...docker.containers.values()].map(({ name, pid, networks }) => {
          const endpoint = networks.get('web')
          const { Aliases, Links, GwPriority } = endpoint?.recipe ?? {}
          return [name, { pid, ...endpoint, recipe: { Aliases, Links, GwPriority }, networkId: '' }]
        }),
      )
    },
  }
}

const renumbered = (picture: object) =>
  JSON.parse(JSON.stringify(picture).replaceAll('2001:db8:1:1:1:', '2001:db8:2:2:1:'))

async function expectedPicture() {
  const untouched = await createScene()
  return renumbered(untouched.picture())
}

describe('settling a network', () => {
  it('gives every container back what it had, below the new prefix', async () => {
    const scene = await createScene()
    const outcome = await scene.settler.carryOut(await scene.plan())
    expect(outcome).toEqual({ kind: 'settled', attachments: 7, notes: [] })
    expect(scene.left()).toBe(null)
    const network = [...scene.docker.networks.values()][0]
    expect(network?.recipe).toEqual(renumbered(WEB))
    expect(scene.picture()).toEqual(await expectedPicture())
  })

  it('puts fixed addresses back before those that Docker chose', async () => {
    const scene = await createScene()
    await scene.settler.carryOut(await scene.plan())
    const connects = scene.docker.calls.filter((call) => call.startsWith('connect'))
    expect(connects.slice(0, 3).toSorted()).toEqual([
      'connect fixed',
      'connect free',
      'connect paused',
    ])
    expect(connects[0]).toBe('connect fixed')
  })

  it('stops and starts only what was between two tries of its restart policy', async () => {
    const scene = await createScene()
    await scene.settler.carryOut(await scene.plan())
    const lifecycle = scene.docker.calls.filter((call) => /^(stop|start)/.test(call))
    expect(lifecycle).toEqual(['stop looping', 'start looping'])
  })

  it('starts again what ended after the plan was made and was stopped for the change', async () => {
    const scene = await createScene()
    const plan = await scene.plan()
    scene.named('free').state = 'restarting'
    expect(await scene.settler.carryOut(plan)).toMatchObject({ kind: 'settled', notes: [] })
    expect(scene.docker.calls).toEqual(expect.arrayContaining(['stop free', 'start free']))
    expect(scene.named('free').state).toBe('running')
    expect(scene.picture()).toEqual(await expectedPicture())
  })

  it('starts it again when it is killed just after stopping it', async () => {
    const scene = await createScene()
    const plan = await scene.plan()
    scene.named('free').state = 'restarting'
    scene.docker.decide((call) => {
      if (call !== 'stop free') return 'works'
      scene.die()
      return 'killed-after'
    })
    await expect(scene.settler.carryOut(plan)).rejects.toThrow('killed')
    scene.reborn()
    const left = scene.left()
    if (left === null) throw new Error('nothing to resume from')
    expect(await scene.settler.resume(left)).toMatchObject({ kind: 'settled', notes: [] })
    expect(scene.named('free').state).toBe('running')
  })

  it('starts what Docker tried in vain to start while it had no network', async () => {
    const scene = await createScene()
    const plan = await scene.plan()
    scene.docker.decide((call) => {
      if (call === 'create web') {
        Object.assign(scene.named('free'), { state: 'exited', error: 'network web not found' })
      }
      return 'works'
    })
    expect(await scene.settler.carryOut(plan)).toMatchObject({ kind: 'settled', notes: [] })
    expect(scene.named('free').state).toBe('running')
  })

  it('does not start what has ended by itself meanwhile', async () => {
    const scene = await createScene()
    const plan = await scene.plan()
    scene.docker.decide((call) => {
      if (call === 'create web') scene.named('free').state = 'exited'
      return 'works'
    })
    expect(await scene.settler.carryOut(plan)).toMatchObject({ kind: 'settled', notes: [] })
    expect(scene.named('free').state).toBe('exited')
  })

  it('takes along a container that came after the plan was made', async () => {
    const scene = await createScene()
    const plan = await scene.plan()
    scene.docker.add('late', 'web')
    expect(await scene.settler.carryOut(plan)).toMatchObject({ kind: 'settled', attachments: 8 })
    expect(scene.picture()).toHaveProperty('late.ipv6', '2001:db8:2:2:1::4')
  })

  it('goes on without a container that is removed meanwhile', async () => {
    const scene = await createScene()
    const plan = await scene.plan()
    const [gone] = scene.docker.containers.keys()
    scene.docker.containers.delete(gone ?? '')
    expect(await scene.settler.carryOut(plan)).toMatchObject({ kind: 'settled', notes: [] })
  })
})

describe('a settle that is killed', () => {
  const fates: readonly CallFate[] = ['killed-before', 'killed-after']
  const CALLS = 7 + 1 + 1 + 1 + 7 + 1

  it.each(
    Array.from({ length: CALLS }, (_, n) => n + 1).flatMap((n) =>
      fates.map((fate) => [n, fate] as const),
    ),
  )('at change %d (%s) is finished by the next start', async (n, fate) => {
    const scene = await createScene()
    const plan = await scene.plan()
    scene.docker.decide((_, count) => {
      if (count !== n) return 'works'
      scene.die()
      return fate
    })
    await expect(scene.settler.carryOut(plan)).rejects.toThrow('killed')
    scene.reborn()
    const left = scene.left()
    if (left === null) throw new Error('nothing to resume from')
    expect(await scene.settler.resume(left)).toMatchObject({ kind: 'settled', notes: [] })
    expect(scene.left()).toBe(null)
    expect(scene.picture()).toEqual(await expectedPicture())
  })

  it('makes as many changes as the table above goes through', async () => {
    const scene = await createScene()
    await scene.settler.carryOut(await scene.plan())
    expect(scene.docker.calls).toHaveLength(CALLS)
  })
})

describe('a settle that Docker refuses', () => {
  it.each(['disconnect free', 'remove web', 'create web'])(
    'at "%s" brings the former network back, with everybody on it',
    async (refused) => {
      const scene = await createScene()
      const plan = await scene.plan()
      let isBack = false
      scene.docker.decide((call) => {
        if (call !== refused || isBack) return 'works'
        isBack = call === 'create web'
        return 'refused'
      })
      const outcome = await scene.settler.carryOut(plan)
      expect(outcome).toMatchObject({ kind: 'restored', notes: [] })
      expect(outcome).toHaveProperty('reason', expect.stringContaining(refused))
      expect(scene.left()).toBe(null)
      const untouched = await createScene()
      expect(scene.picture()).toEqual(untouched.picture())
    },
  )

  it('for the addresses of one container connects it with others, and says so', async () => {
    const scene = await createScene()
    const plan = await scene.plan()
    let tries = 0
    scene.docker.decide((call) => {
      if (call !== 'connect fixed') return 'works'
      tries += 1
      return tries === 1 ? 'refused' : 'works'
    })
    const outcome = await scene.settler.carryOut(plan)
    expect(outcome).toMatchObject({ kind: 'settled' })
    expect(outcome).toHaveProperty('notes.0', expect.stringContaining('container fixed'))
  })

  it('for one container altogether connects the others, and that one later', async () => {
    const scene = await createScene()
    const plan = await scene.plan()
    scene.docker.decide((call) => (call === 'connect fixed' ? 'refused' : 'works'))
    const outcome = await scene.settler.carryOut(plan)
    expect(outcome).toEqual({ kind: 'incomplete', missing: [expect.stringContaining('fixed')] })
    scene.docker.decide(() => 'works')
    const left = scene.left()
    if (left === null) throw new Error('nothing to resume from')
    const before = scene.docker.calls.length
    expect(await scene.settler.resume(left)).toMatchObject({ kind: 'settled' })
    expect(scene.docker.calls.slice(before)).toEqual(
      expect.not.arrayContaining([expect.stringContaining('disconnect')]),
    )
    expect(scene.picture()).toEqual(await expectedPicture())
  })

  it('leaves a network alone that somebody else has made meanwhile', async () => {
    const scene = await createScene()
    const plan = await scene.plan()
    const foreign = { ...WEB, IPAM: { ...WEB.IPAM, Config: [{ Subnet: 'fd00:9::/80' }] } }
    scene.docker.decide((call) => (call === 'create web' ? 'killed-before' : 'works'))
    await expect(scene.settler.carryOut(plan)).rejects.toThrow('killed')
    scene.reborn()
    await scene.docker.control.createNetwork(foreign)
    const left = scene.left()
    if (left === null) throw new Error('nothing to resume from')
    expect(await scene.settler.resume(left)).toMatchObject({ kind: 'settled' })
    expect([...scene.docker.networks.values()][0]?.recipe).toEqual(foreign)
    expect(scene.picture()).toHaveProperty('free.ipv6', expect.stringContaining('fd00:9::'))
  })
})
