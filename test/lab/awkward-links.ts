import type { Row, Scene } from './awkward-network.ts'
import { run } from './command.ts'
import { HOME } from './lab-names.ts'
import { joinRouter, type Neighbour } from './lan-machines.ts'
import { OFTEN, usable } from './router.ts'

const link = ({ home }: Scene, to: 'up' | 'down') =>
  run(['ip', '-n', home.lab.namespaces.router, 'link', 'set', 'to-home', to])

let neighbour: Neighbour | undefined

/** Rows about links, routers, and an agent that was asleep. */
export const LINK_ROWS: readonly Row[] = [
  {
    name: 'link/down-and-up/keep',
    cutsOff: 'the home',
    happen: async (scene) => {
      const { from, onHost, held, regular } = scene
      await onHost('ip', 'link', 'set', HOME.uplink, 'down')
      await held()
      await onHost('ip', 'link', 'set', HOME.uplink, 'up')
      // IPv4 is somebody else's business, who adds the route again.
      await onHost('ip', 'route', 'replace', 'default', 'via', HOME.routerIPv4)
      await regular(2)
      return { at: from, renumberings: [] }
    },
  },
  {
    name: 'link/another-prefix-after-down-and-up/one-change',
    cutsOff: 'the home',
    happen: async (scene) => {
      const { fresh, onHost, held, announce, regular } = scene
      const to = fresh()
      await onHost('ip', 'link', 'set', HOME.uplink, 'down')
      await held()
      const announced = announce([usable(to)], { atOnce: true })
      await onHost('ip', 'link', 'set', HOME.uplink, 'up')
      await onHost('ip', 'route', 'replace', 'default', 'via', HOME.routerIPv4)
      await announced
      await regular(1)
      return { at: to, renumberings: [`planned ${to}`] }
    },
  },
  {
    name: 'cable/unplugged-and-plugged-into-another-prefix/one-change',
    cutsOff: 'the home',
    happen: async (scene) => {
      const { fresh, announce, regular } = scene
      const to = fresh()
      await link(scene, 'down')
      const announced = announce([usable(to)], { atOnce: true })
      await link(scene, 'up')
      await announced
      await regular(1)
      return { at: to, renumberings: [`flash ${to}`] }
    },
  },
  {
    name: 'suspend/the-prefix-changes-meanwhile/one-change',
    happen: async ({ home, fresh, announce, regular }) => {
      const pid = home.agent.pid() ?? 0
      process.kill(pid, 'SIGSTOP')
      const to = fresh()
      try {
        await announce([usable(to)])
        await regular(1)
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      await regular(1)
      return { at: to, renumberings: [`flash ${to}`] }
    },
  },
  {
    name: 'suspend/the-prefix-changes-three-times-meanwhile/the-last-one',
    happen: async ({ home, fresh, announce, regular }) => {
      const pid = home.agent.pid() ?? 0
      process.kill(pid, 'SIGSTOP')
      const [first, second, last] = [fresh(), fresh(), fresh()]
      try {
        for (const prefix of [first, second, last]) await announce([usable(prefix)])
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      await regular(1)
      return { at: last, renumberings: [`flash ${last}`] }
    },
  },
  {
    name: 'router/killed-and-back/keep',
    happen: async ({ home, from, announce, regular }) => {
      await home.lab.router.stop('SIGKILL')
      await announce([usable(from)])
      await regular(1)
      return { at: from, renumberings: [] }
    },
  },
  {
    name: 'two-routers/a-second-one-joins/at-most-one-change-and-no-flapping',
    happen: async ({ home, from, fresh, renumberings, regular }) => {
      const second = await joinRouter(home, 'second')
      neighbour = second
      const other = fresh()
      await second.announce([usable(other)], { interval: OFTEN })
      for (let n = 0; n < 4; n++) await Promise.all([second.regular(), regular(1)])
      // The new one may be taken for the successor once; whoever is current then stays.
      const [only] = renumberings()
      return only === undefined
        ? { at: from, renumberings: [] }
        : { at: other, renumberings: [`flash ${other}`] }
    },
    after: async () => neighbour?.remove(),
  },
  {
    name: 'two-routers/the-one-in-use-says-goodbye/one-change',
    // The first router is the way to the internet for both.
    cutsOff: 'the home',
    happen: async ({ home, from, fresh, renumberings, regular }) => {
      const second = await joinRouter(home, 'heir')
      neighbour = second
      const other = fresh()
      await second.announce([usable(other)], { interval: OFTEN })
      for (let n = 0; n < 2; n++) await Promise.all([second.regular(), regular(1)])
      const isTaken = renumberings().length > 0
      const to = isTaken ? from : other
      const stays = isTaken ? home.lab.router : second
      await (isTaken ? second : home.lab.router).stop('SIGTERM')
      for (let n = 0; n < 20 && !renumberings().includes(`flash ${to}`); n++) await stays.regular()
      return { at: to, renumberings: [...(isTaken ? [`flash ${other}`] : []), `flash ${to}`] }
    },
    after: async () => neighbour?.remove(),
  },
]
