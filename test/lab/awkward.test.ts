import { beforeAll, expect, it } from 'vitest'
import { ANNOUNCEMENT_ROWS } from './awkward-announcements.ts'
import { LINK_ROWS } from './awkward-links.ts'
import { play } from './awkward-network.ts'
import { describeLab, sharedHome } from './harness.ts'
import { HOME } from './lab-names.ts'
import { setKernel } from './namespaces.ts'
import { CUT_OFF_MS } from './probes.ts'

describeLab('the agent in an awkward network', () => {
  const losses: string[] = []
  const home = sharedHome(2, () => ({
    // Some hundred requests a row, on a machine that may do much else: other files are stricter.
    lostAfterMs: CUT_OFF_MS,
    probeEveryMs: 250,
    onProbe: (event) => {
      if (event.kind === 'lost') losses.push(`${event.probe}: ${event.reason}`)
    },
  }))

  beforeAll(async () => {
    // As the README tells operators: sixteen would be used up on the way.
    await setKernel(home().lab.namespaces.home, {
      [`ipv6/conf/${HOME.uplink}/max_addresses`]: '64',
    })
  })

  it.each([...ANNOUNCEMENT_ROWS, ...LINK_ROWS].map((row) => [row.name, row] as const))(
    '%s',
    async (_, row) => {
      losses.length = 0
      const { ending, outcome } = await play(home(), row, () => losses)
      expect(outcome).toEqual({
        renumberings: ending.renumberings,
        current: ending.at,
        lost: [],
        restarts: 0,
        leftovers: [],
      })
    },
  )

  it('leaves a log that verifies', async () => {
    expect((await home().cloud.verifyAudit()).ok).toBe(true)
  })
})
