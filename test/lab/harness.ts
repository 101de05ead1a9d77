import { afterAll, beforeAll, describe } from 'vitest'
import { parsePrefix } from '../../shared/ipv6.ts'
import { buildPrograms } from './build-programs.ts'
import { waitFor } from './deadline.ts'
import { type Home, type HomeOptions, startHome } from './home.ts'
import { createLab, type Lab } from './lab.ts'
import { labObstacle, TEST_PACKAGES } from './packages.ts'
import type { Sight } from './probe-protocol.ts'
import { askFromOutside } from './prober.ts'

/** Prefixes for tests, in the order of use. */
export const PREFIXES = {
  p1: parsePrefix('2001:db8:1:1::/64'),
  p2: parsePrefix('2001:db8:2:2::/64'),
  p3: parsePrefix('2001:db8:3:3::/64'),
  p4: parsePrefix('2001:db8:4:4::/64'),
  p5: parsePrefix('2001:db8:5:5::/64'),
} as const

const SETUP_TIMEOUT_MS = 240_000

/** A group of tests on real namespaces and daemons; skipped loudly where the machine lacks something. */
export function describeLab(name: string, tests: () => void): void {
  const obstacle = labObstacle(TEST_PACKAGES)
  if (obstacle !== undefined) {
    process.stderr.write(`\nSKIPPED: lab: ${name}: ${obstacle}\n`)
    describe.skip(`${name} (skipped: ${obstacle})`, tests)
    return
  }
  describe(name, () => {
    beforeAll(buildPrograms, SETUP_TIMEOUT_MS)
    tests()
  })
}

/**
 * One home for all tests of a group, numbered from `PREFIXES.p1`; removed after them. `prepare` is
 * called before the agent is started, and says how this home differs from a usual one.
 */
export function sharedHome(
  containers = 3,
  prepare: (lab: Lab) => Omit<HomeOptions, 'prefix'> = () => ({}),
): () => Home {
  let home: Home | undefined
  beforeAll(async () => {
    const lab = await createLab({ containers })
    try {
      home = await startHome(lab, { ...prepare(lab), prefix: PREFIXES.p1 })
    } catch (cause) {
      lab.close()
      throw cause
    }
  }, SETUP_TIMEOUT_MS)
  afterAll(() => home?.lab.close())
  return () => {
    if (home === undefined) throw new TypeError('the home was not set up')
    return home
  }
}

/** Waits until a stranger resolves `name` to exactly `address`, and returns what they see there. */
export function untilSeen(home: Home, name: string, address: string): Promise<Sight> {
  return waitFor(
    `${name} at ${address}`,
    async () => {
      const sight = await askFromOutside(home.lab, name)
      const isThere = sight.addresses.length === 1 && sight.addresses[0] === address
      return isThere && sight.page !== undefined ? sight : undefined
    },
    { intervalMs: 50 },
  )
}

/** Waits until the agent's plan has nothing to do; says what it still has, if it never comes to that. */
export async function converged({ agent }: Home): Promise<void> {
  let said = ''
  await waitFor('a plan without changes', async () => {
    const { code, stdout, stderr } = await agent.command(['plan'])
    said = `${stdout}${stderr}`
    return code === 0 ? true : undefined
  }).catch((cause: unknown) => {
    throw new Error(`there is still something to do:\n${said}`, { cause })
  })
}
