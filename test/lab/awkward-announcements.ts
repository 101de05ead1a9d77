import { expect } from 'vitest'
import { contains, hostPart, type Prefix, parsePrefix, splice } from '../../shared/ipv6.ts'
import type { Row } from './awkward-network.ts'
import { run } from './command.ts'
import { waitFor } from './deadline.ts'
import { joinLan, type Neighbour } from './lan-machines.ts'
import { type AnnouncedPrefix, deprecated, usable } from './router.ts'

const ULA = parsePrefix('fd00:beef:1:1::/64')
/** RFC 4862 §5.5.3 makes two hours of it. */
const withdrawn = (prefix: Prefix): AnnouncedPrefix => ({ prefix, preferred: 0, valid: 0 })

let neighbour: Neighbour | undefined

/** Rows about what is announced, and what becomes of the host's own addresses. */
export const ANNOUNCEMENT_ROWS: readonly Row[] = [
  {
    name: 'planned/the-old-one-lingers-deprecated/one-change',
    happen: async ({ from, fresh, announce, regular }) => {
      const to = fresh()
      await announce([usable(to), deprecated(from)])
      await regular(1)
      return { at: to, renumberings: [`planned ${to}`] }
    },
  },
  {
    name: 'flash/the-old-one-is-never-withdrawn/never-back',
    happen: async ({ fresh, announce, regular }) => {
      const to = fresh()
      await announce([usable(to)])
      await regular(2)
      return { at: to, renumberings: [`flash ${to}`] }
    },
  },
  {
    name: 'five-at-once/the-current-one-among-them/keep',
    happen: async ({ from, fresh, announce, regular }) => {
      await announce([fresh(), fresh(), from, fresh(), fresh()].map(usable))
      await regular(1)
      return { at: from, renumberings: [] }
    },
  },
  {
    name: 'five-at-once/without-the-current-one/one-change',
    happen: async ({ fresh, announce, regular, renumberings }) => {
      const five = [fresh(), fresh(), fresh(), fresh(), fresh()]
      await announce(five.map(usable))
      await regular(2)
      const at = five.find((prefix) => renumberings()[0] === `flash ${prefix}`)
      if (at === undefined) throw new Error(`renumberings: ${renumberings().join('; ')}`)
      return { at, renumberings: [`flash ${at}`] }
    },
  },
  {
    name: 'returns/after-another-one-was-announced-once/back',
    happen: async ({ from, fresh, announce, reachable }) => {
      const other = fresh()
      await announce([usable(other)])
      await reachable(other)
      await announce([usable(from)])
      return { at: from, renumberings: [`flash ${other}`, `flash ${from}`] }
    },
  },
  {
    name: 'ula/beside-the-current-one-then-alone/keep',
    happen: async ({ from, announce, regular }) => {
      await announce([usable(from), usable(ULA)])
      await announce([usable(ULA)])
      await regular(1)
      return { at: from, renumberings: [] }
    },
  },
  {
    name: 'zero-lifetime/of-the-only-one/hold-then-keep-when-it-is-back',
    happen: async ({ from, announce, held, reachable, regular }) => {
      await announce([withdrawn(from)])
      await held()
      await regular(1)
      await reachable(from)
      await announce([usable(from)])
      await regular(1)
      return { at: from, renumberings: [] }
    },
  },
  {
    name: 'zero-lifetime/beside-a-new-one/one-change',
    happen: async ({ from, fresh, announce, regular }) => {
      const to = fresh()
      await announce([usable(to), withdrawn(from)])
      await regular(1)
      return { at: to, renumberings: [`planned ${to}`] }
    },
  },
  {
    name: 'temporary/made-anew-in-the-dead-prefix/never-back',
    happen: async ({ from, fresh, announce, addresses, set }) => {
      for (const [name, value] of [
        ['max_desync_factor', 0],
        ['temp_prefered_lft', 12],
        ['temp_valid_lft', 60],
        ['use_tempaddr', 2],
      ] as const) {
        await set(name, value)
      }
      const temporary = async (prefix: Prefix) =>
        (await addresses())
          .filter(({ address, isTemporary }) => isTemporary && contains(prefix, address))
          .map(({ address }) => address)
      await waitFor('a temporary address', async () =>
        (await temporary(from)).length > 0 ? true : undefined,
      )
      const to = fresh()
      await announce([usable(to)])
      const first = await waitFor('a temporary address in the new prefix', async () => {
        const found = await temporary(to)
        return found.length > 0 ? found : undefined
      })
      const others = async () => {
        const all = [...(await temporary(to)), ...(await temporary(from))]
        return all.filter((address) => !first.includes(address)).length > 1 ? true : undefined
      }
      await waitFor('another temporary address', others, { timeoutMs: 30_000, intervalMs: 100 })
      return { at: to, renumberings: [`flash ${to}`] }
    },
    after: async ({ set }) => set('use_tempaddr', 0),
  },
  {
    name: 'tentative/the-host-is-still-detecting-duplicates/containers-do-not-wait',
    happen: async ({ fresh, announce, addresses, reachable, set }) => {
      await set('dad_transmits', 30)
      const to = fresh()
      await announce([usable(to)])
      await reachable(to)
      const [own] = (await addresses()).filter(({ address }) => contains(to, address))
      expect(own?.isTentative).toBe(true)
      return { at: to, renumberings: [`flash ${to}`] }
    },
    after: async ({ set }) => set('dad_transmits', 1),
  },
  {
    name: 'dadfailed/another-machine-has-the-new-address-of-the-host/one-change',
    happen: async ({ home, from, fresh, announce, addresses, regular }) => {
      const [own] = (await addresses()).filter(({ address }) => contains(from, address))
      if (own === undefined) throw new TypeError(`no address in ${from}`)
      neighbour = await joinLan(home, 'twin')
      const to = fresh()
      const twin = splice(to, hostPart(own.address, 64))
      await run(['ip', '-n', neighbour.namespace, 'address', 'add', `${twin}/64`, 'dev', 'lan'])
      await announce([usable(to)])
      const isThere = async () => (await addresses()).some(({ address }) => address === twin)
      await waitFor('the end of the duplicate', async () => ((await isThere()) ? undefined : true))
      await regular(2)
      await waitFor('its end again', async () => ((await isThere()) ? undefined : true))
      return { at: to, renumberings: [`flash ${to}`] }
    },
    after: async ({ regular, addresses }) => {
      await neighbour?.remove()
      await regular(1)
      await waitFor('an address of the host', async () =>
        (await addresses())[0] ? true : undefined,
      )
    },
  },
  {
    name: 'many-addresses/more-than-the-kernel-takes/keep-and-tell-then-change',
    happen: async ({ home, from, fresh, announce, addresses, regular, set }) => {
      const [older, to] = [fresh(), fresh()]
      await announce([usable(from), usable(older)])
      await set('max_addresses', (await addresses()).length)
      // Said of one that the kernel knows, the advertisement is seen to arrive.
      await announce([deprecated(older), usable(to)])
      await regular(1)
      expect((await addresses()).some(({ address }) => contains(to, address))).toBe(false)
      const { stdout } = await home.agent.command(['doctor', '--json'])
      const findings: readonly { id: string; level: string }[] = JSON.parse(stdout).findings
      expect(findings).toContainEqual(
        expect.objectContaining({ id: 'max-addresses', level: 'fail' }),
      )
      await set('max_addresses', 64)
      await regular(1)
      return { at: to, renumberings: [`flash ${to}`] }
    },
    after: async ({ set }) => set('max_addresses', 64),
  },
]
