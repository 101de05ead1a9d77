import type { Logger } from '../../shared/logger.ts'
import type { RunCommand } from './command.ts'
import { createIproute } from './iproute.ts'
import { createNetlinkNetwork } from './netlink-network.ts'
import { loadNetlink } from './netlink-socket.ts'
import type { Network } from './network.ts'

/** By netlink where that is to be had, else with iproute2, which takes longer and does the same. */
export function connectNetwork(
  run: RunCommand,
  uplinks: Parameters<typeof createIproute>[1],
  log: Logger,
): Network {
  const netlink = loadNetlink((reason) => {
    log.debug({ reason }, 'no netlink of our own here: addresses are read and set with iproute2')
  })
  return netlink === null ? createIproute(run, uplinks) : createNetlinkNetwork(netlink)
}
