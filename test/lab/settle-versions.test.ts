import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createDockerControl } from '../../agent/adapters/docker.ts'
import { createSettleJournal } from '../../agent/adapters/settle-journal.ts'
import { createSettler } from '../../agent/adapters/settler.ts'
import { createLogger } from '../../shared/logger.ts'
import { inNamespace, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import { type DockerVersion, dockerVersions } from './docker-versions.ts'
import { describeLab } from './harness.ts'
import { pageOf } from './image.ts'
import { createLab, type Lab } from './lab.ts'
import { HOME } from './lab-names.ts'
import { labObstacle } from './packages.ts'
import {
  createScene,
  NETWORK,
  pictureOfContainer,
  pictureOfNetwork,
  planScene,
  RUNNING,
  STOPPED,
  SUBNETS,
} from './settle-scene.ts'

const [FROM, TO] = SUBNETS
const TIMEOUT_MS = 240_000
/** From this one on, Docker makes MAC addresses at random. */
const FIRST_WITH_RANDOM_MAC = 27

const { available, missing } =
  labObstacle() === undefined ? await dockerVersions() : { available: [], missing: [] }
/** The machine's own goes through every kill of settle.test.ts. */
const later = available.filter(({ path }) => path !== undefined)

/**
 * A picture without what this Docker decides anew: the order of names, MAC addresses at random, and the
 * names of a container that was never started, which it writes down when that is first connected.
 */
function comparable(picture: unknown, major: number): unknown {
  const { Networks, ...rest } = Object(picture)
  const places = Object.entries(Object(Networks)).map(([network, endpoint]) => {
    const { DNSNames, MacAddress, ...more } = Object(endpoint)
    const names: string[] = rest.State.Status === 'created' ? [] : DNSNames
    const mac = major < FIRST_WITH_RANDOM_MAC ? { MacAddress } : {}
    return [network, { ...more, ...mac, DNSNames: names.toSorted() }]
  })
  return { ...rest, Networks: Object.fromEntries(places) }
}

// Not from outside like the rest of the lab: the plan is compared with what Docker made of it.
describeLab('settling a network of every later Docker', () => {
  let lab: Lab | undefined
  afterEach(() => lab?.close())

  it.each(later.map((docker) => [`docker-${docker.version}`, docker] as const))(
    '%s: gives everything back as it was, below the new prefix',
    { timeout: TIMEOUT_MS },
    async (_, docker: DockerVersion) => {
      const major = Number.parseInt(docker.version, 10)
      lab = await createLab({ containers: 0, server: { dockerPath: docker.path ?? '' } })
      const { api } = lab.home.docker
      await createScene(api)
      const control = createDockerControl(api.socket)
      const plan = () => planScene(control, FROM, TO, major)

      // It would get another MAC address: the network is left as it is, until that container is gone.
      await expect(plan()).rejects.toThrow('another MAC address than 02:00:00:00:00:77')
      await api.call('DELETE', '/containers/mac?force=1')
      const running = RUNNING.filter((name) => name !== 'mac')
      const pictures = async () => {
        const names = [...running, ...STOPPED]
        const all = await Promise.all(names.map((name) => pictureOfContainer(api, name)))
        const containers = all.map((picture) => comparable(picture, major))
        return {
          network: await pictureOfNetwork(api),
          ...Object.fromEntries(names.map((name, index) => [name, containers[index]])),
        }
      }
      const before = await pictures()
      const settler = createSettler({
        control,
        journal: createSettleJournal(join(lab.directory.path, 'settle.json')),
        log: createLogger({ level: 'error', name: 'settle' }),
      })
      const outcome = await settler.carryOut(await plan())
      expect(outcome).toEqual({ kind: 'settled', attachments: 8, notes: [] })
      const text = JSON.stringify(before).replaceAll('2001:db8:1:1:5', '2001:db8:2:2:5')
      expect(await pictures()).toEqual(JSON.parse(text))

      for (const name of STOPPED) {
        await api.call('POST', `/containers/${name}/start`)
        const { NetworkSettings } = Object(await api.call('GET', `/containers/${name}/json`))
        expect(NetworkSettings.Networks[NETWORK].GlobalIPv6Address).toMatch(/^2001:db8:2:2:5::/)
      }
      const { Pid } = Object(await api.call('GET', '/containers/free/json')).State
      const inside = (argv: readonly string[]) => tryRun(['nsenter', '-t', `${Pid}`, '-n', ...argv])
      for (const name of ['fixed', 'shop', 'f', 'database']) {
        const { stdout } = await inside(['busybox', 'nslookup', name, '127.0.0.11'])
        expect(stdout).toContain('2001:db8:2:2:5::50')
      }
      const page = await inside(['busybox', 'wget', '-qO-', 'http://[2001:db8:2:2:5::50]/'])
      expect(page.stdout).toContain(pageOf('fixed'))
      const { client } = lab.namespaces
      const published = [
        'timeout',
        '2',
        'busybox',
        'wget',
        '-qO-',
        `http://${HOME.serverIPv4}:8090/`,
      ]
      await waitFor('the published port', async () => {
        const { stdout } = await tryRun(inNamespace(client, published))
        return stdout.includes(pageOf('fixed')) ? true : undefined
      })
    },
  )
})

for (const { suite, reason } of missing) {
  process.stderr.write(`\nNOT RUN: Docker of Debian ${suite}: ${reason}\n`)
  describe.skip(`NOT RUN: Docker of Debian ${suite}: ${reason}`, () => {
    it('settles', () => {})
  })
}
