import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type AgentProcess, prepareAgent } from './agent-process.ts'
import { run } from './command.ts'
import { type ComposeVersion, composeVersions } from './docker-versions.ts'
import { describeLab, PREFIXES } from './harness.ts'
import { IMAGE } from './home-server.ts'
import { containerCommand } from './image.ts'
import { createLab, type Lab } from './lab.ts'
import { labObstacle } from './packages.ts'
import { usable } from './router.ts'

const { p1, p2 } = PREFIXES
const TIMEOUT_MS = 240_000
/** Two layouts side by side: a ULA that never changes, and a global subnet that has to be settled. */
const NETWORKS = {
  stable: { subnet: 'fd00:5eed:8::/80', label: '::8:0:0:0/80', ipv4: '172.30.8.0/24' },
  global: { subnet: '2001:db8:1:1:9::/80', label: '::9:0:0:0/80', ipv4: '172.30.9.0/24' },
} as const

const { available, missing } =
  labObstacle() === undefined ? await composeVersions() : { available: [], missing: [] }

const service = (name: string, networks: unknown) => ({
  image: IMAGE,
  command: containerCommand(name).map((word) => word.replaceAll('$', '$$')),
  stop_signal: 'SIGKILL',
  networks,
})

const COMPOSE_FILE = stringify({
  name: 'shop',
  services: {
    web: service('web', { stable: { aliases: ['shop'] } }),
    api: service('api', { global: { aliases: ['backend'], ipv4_address: '172.30.9.50' } }),
    both: service('both', { stable: {}, global: {} }),
  },
  networks: Object.fromEntries(
    Object.entries(NETWORKS).map(([name, { subnet, label, ipv4 }]) => [
      name,
      {
        enable_ipv6: true,
        ipam: { config: [{ subnet: ipv4 }, { subnet }] },
        labels: { 'reprefix.subnet': label },
      },
    ]),
  ),
})

describeLab('a compose project after a settle', () => {
  let lab: Lab | undefined
  let agent: AgentProcess | undefined
  afterEach(async () => {
    await agent?.stop()
    lab?.close()
  })

  it.each(available.map((compose) => [`compose-${compose.version}`, compose] as const))(
    '%s: is up to date, nothing is made anew',
    { timeout: TIMEOUT_MS },
    async (_, compose) => {
      lab = await createLab({ containers: 0 })
      const { api } = lab.home.docker
      await up(lab, compose)
      agent = await prepareAgent(lab, { cloud: 'https://cloud.invalid', docker: { settle: 'now' } })
      await lab.router.announce([usable(p1)])
      await agent.start()
      await agent.event('made', ({ event }) => event === 'made')
      const before = await lives()
      await lab.router.announce([usable(p2)])
      const settled = await agent.event('settled', ({ event }) => event === 'settled')
      expect(settled.fields).toMatchObject({ network: 'shop_global', to: '2001:db8:2:2:9::/80' })
      const [stable, global] = await networkIds()
      expect(await lives()).toEqual(before)

      await up(lab, compose)
      expect(await lives()).toEqual(before)
      expect(await networkIds()).toEqual([stable, global])
      expect(agent.events.filter(({ event }) => event === 'settled')).toHaveLength(1)

      /** Which containers there are, and since when each process has been running. */
      async function lives() {
        const names = ['web', 'api', 'both'].map((name) => `shop-${name}-1`)
        const all = names.map((name) => api.call('GET', `/containers/${name}/json`))
        return (await Promise.all(all)).map((one) => {
          const { Id, State } = Object(one)
          return { Id, pid: State.Pid, startedAt: State.StartedAt }
        })
      }
      async function networkIds(): Promise<readonly string[]> {
        const all = ['stable', 'global'].map((name) => api.call('GET', `/networks/shop_${name}`))
        return (await Promise.all(all)).map((one) => Object(one).Id)
      }
    },
  )
})

async function up(lab: Lab, { program }: ComposeVersion): Promise<void> {
  const directory = join(lab.directory.path, 'shop')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'compose.yaml'), COMPOSE_FILE)
  const environment = [`DOCKER_HOST=unix://${lab.home.docker.api.socket}`, `HOME=${directory}`]
  await run(['env', ...environment, program, 'up', '--detach', '--no-build', '--pull', 'never'], {
    directory,
    timeoutMs: 90_000,
  })
}

for (const { suite, reason } of missing) {
  process.stderr.write(`\nNOT RUN: compose of Debian ${suite}: ${reason}\n`)
  describe.skip(`NOT RUN: compose of Debian ${suite}: ${reason}`, () => {
    it('recreates nothing', () => {})
  })
}
