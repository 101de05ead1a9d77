import { isOnLan } from './lan-networks.ts'
import type { Problem } from './problem.ts'
import type { SettleEndpoint, SettleRequest } from './settle-plan.ts'

/** The first Docker that cannot find a network again that a container names by its former id. */
const FIRST_STRICT_ON_IDS = 25
/**
 * These give a container that is connected again a MAC address of their own, whatever it is asked for:
 * 26 makes it from the IPv4 address, 28 at random.
 */
const DEAF_TO_MAC = [25, 26, 27, 28]
const NETWORK_ID = /^[0-9a-f]{12,64}$/

/**
 * What Docker would not give back if the network were made anew: all of it is found before anything is
 * touched, and the network is then left as it is.
 */
export function refusalsOf(request: SettleRequest): readonly Problem[] {
  const where = `network ${request.network.recipe.Name}`
  const fault = whyNotNetwork(request)
  return [
    ...(fault === undefined ? [] : [{ code: 'SETTLE_REFUSED' as const, where, ...fault }]),
    ...request.endpoints.flatMap((endpoint) => {
      const reason = whyNotEndpoint(endpoint, request)
      if (reason === undefined) return []
      const place = `container ${endpoint.containerName} on ${where}`
      return [{ code: 'SETTLE_REFUSED' as const, where: place, ...reason }]
    }),
  ]
}

type Reason = { readonly what: string; readonly remedy: string }

function whyNotNetwork({ network }: SettleRequest): Reason | undefined {
  const { recipe, scope, configFrom, isConfigOnly, isIngress } = network
  const remedy =
    'set docker.settle to never, or give the network a subnet that never changes (a ULA)'
  if (scope !== 'local' || isIngress) {
    return { what: `it is a ${scope} network, which a swarm manager decides about`, remedy }
  }
  if (isConfigOnly) return { what: 'it is only a configuration for other networks', remedy }
  if (configFrom !== '') {
    return { what: `its subnet is decided by the configuration network ${configFrom}`, remedy }
  }
  if (recipe.Driver !== 'bridge' && !isOnLan({ driver: recipe.Driver })) {
    return { what: `it is a ${recipe.Driver} network`, remedy }
  }
  return undefined
}

function whyNotEndpoint(
  endpoint: SettleEndpoint,
  { network, dockerMajor }: SettleRequest,
): Reason | undefined {
  const { networkMode, userMac } = endpoint
  const major = dockerMajor ?? Number.POSITIVE_INFINITY
  const isById = NETWORK_ID.test(networkMode) && network.id.startsWith(networkMode)
  if (isById && major >= FIRST_STRICT_ON_IDS) {
    return {
      what: 'it names its network by id, and could not be started again on the new one',
      remedy: `create the container again with the network's name, ${network.recipe.Name}`,
    }
  }
  if (userMac !== null && DEAF_TO_MAC.includes(major)) {
    return {
      what: `Docker ${major} would give it another MAC address than ${userMac}, which was asked for`,
      remedy:
        'update Docker, create the container without a MAC address, or set docker.settle to never',
    }
  }
  return undefined
}
