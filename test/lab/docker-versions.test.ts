import { afterEach, describe, expect, it } from 'vitest'
import { type DockerVersion, dockerVersions } from './docker-versions.ts'
import { describeLab, PREFIXES, untilSeen } from './harness.ts'
import { startHome } from './home.ts'
import { createLab, type Lab } from './lab.ts'
import { labObstacle } from './packages.ts'
import { LOST_PACKET_MS } from './probes.ts'
import { addressBelow, measureRenumbering } from './renumbering.ts'

const { p1, p2, p3 } = PREFIXES
const UNDISTURBED = { lostIpv4: 0, lostOldIpv6: 0, brokenTcp: 0, restarts: 0 } as const
const TIMEOUT_MS = 600_000

const { available, missing } =
  labObstacle() === undefined ? await dockerVersions() : { available: [], missing: [] }

/** One home server: which Docker, how many containers, which way in for IPv6. */
interface Row {
  readonly docker: DockerVersion
  readonly containers: number
  readonly gatewayMode?: string
}

function nameOf({ docker, containers, gatewayMode }: Row): string {
  const mode = gatewayMode === undefined ? '' : `/${gatewayMode}`
  return `docker-${docker.version}/${containers}-containers${mode}`
}

/** Every version with one container and with twenty; the machine's own with fifty. */
const counts: readonly Row[] = available.flatMap((docker) =>
  (docker.path === undefined ? [1, 20, 50] : [1, 20]).map((containers) => ({ docker, containers })),
)
/** Docker 27 and newer filters IPv6 itself, in one of several ways; `nat` is the default. */
const modes: readonly Row[] = available
  .filter(({ version }) => Number.parseInt(version, 10) >= 27)
  .flatMap((docker) =>
    ['nat', 'nat-unprotected', 'routed'].map((gatewayMode) => ({
      docker,
      containers: 3,
      gatewayMode,
    })),
  )

describeLab('renumbering under every Docker that can be had', () => {
  let lab: Lab | undefined
  afterEach(() => lab?.close())

  it.each([...counts, ...modes].map((row) => [nameOf(row), row] as const))(
    '%s',
    { timeout: TIMEOUT_MS },
    async (name, { docker, containers, gatewayMode }) => {
      lab = await createLab({
        containers,
        server: {
          ...(docker.path === undefined ? {} : { dockerPath: docker.path }),
          ...(gatewayMode === undefined ? {} : { gatewayMode }),
        },
      })
      expect(await lab.home.docker.api.call('GET', '/version')).toMatchObject({
        Version: docker.version,
      })
      const home = await startHome(lab, { prefix: p1, lostAfterMs: LOST_PACKET_MS })
      const { prober, watched } = home
      const flash = await measureRenumbering(lab, prober, watched, {
        ...{ cause: 'flash', from: p1, to: p2 },
      })
      expect(flash).toMatchObject(UNDISTURBED)
      const planned = await measureRenumbering(lab, prober, watched, {
        ...{ cause: 'planned', from: p2, to: p3 },
      })
      expect(planned).toMatchObject(UNDISTURBED)
      const last = lab.containers.at(-1)
      if (last === undefined) throw new TypeError('no container')
      await untilSeen(home, last.domain, addressBelow(p3, last))
      const times = `flash ${flash.toReachableMs} ms, planned ${planned.toReachableMs} ms`
      process.stdout.write(`${name}: reachable by name after ${times}; nothing lost\n`)
    },
  )
})

for (const { suite, reason } of missing) {
  process.stderr.write(`\nNOT RUN: Docker of Debian ${suite}: ${reason}\n`)
  describe.skip(`NOT RUN: Docker of Debian ${suite}: ${reason}`, () => {
    it('renumbers', () => {})
  })
}
