import { isReprefixError } from '../../shared/errors.ts'
import type { Intent, Observed, ProxyState } from './model.ts'
import { withoutRules } from './ndppd-block.ts'
import { type ProxyBlock, renderNdppdConfig } from './ndppd-config.ts'
import type { PlacedNetwork } from './placement.ts'
import type { Problem } from './problem.ts'
import { proxiedUplinks } from './uplinks.ts'

/** What ndppd's configuration shall say, and which bridges it must have bound. */
export interface DesiredProxy {
  readonly configText: string
  readonly bridges: readonly string[]
  /** False where the ndppd that runs serves as it is, whatever has to be written to its file. */
  readonly restarts: boolean
}

/**
 * The configuration of ndppd and the bridges it must have bound, or `null` where it is left to others
 * or cannot be edited: an ndppd that runs has read its configuration long ago, and goes on.
 *
 * A bridge that has gone is no reason to restart ndppd: it is deaf there and serves the others, and a
 * network made anew would cost two restarts. Its rules leave the file all the same, because ndppd hangs
 * at its next start when an interface is missing.
 */
export function desireProxy(
  observed: Observed,
  networks: readonly PlacedNetwork[],
  intent: Intent,
): { readonly desired: DesiredProxy | null; readonly problems: readonly Problem[] } {
  if (intent.proxy !== 'ndppd' || observed.proxy === null) return { desired: null, problems: [] }
  const blocks = blocksOf(observed, networks, intent)
  const bridges = blocks.flatMap((block) => block.bridges).toSorted()
  try {
    const configText = renderNdppdConfig(observed.proxy.configText, ...blocks)
    const restarts = needsRestart(observed.proxy, { configText, bridges }, observed)
    return { desired: { configText, bridges, restarts }, problems: [] }
  } catch (error) {
    if (!isReprefixError(error, 'NDPPD_CONFIG_INVALID')) throw error
    const problem: Problem = {
      code: 'PROXY_CONFIG_INVALID',
      where: 'settings, ndp.config',
      what: error.message,
      remedy: 'until then ndppd is neither changed nor restarted',
    }
    return { desired: null, problems: [problem] }
  }
}

function blocksOf(
  observed: Observed,
  networks: readonly PlacedNetwork[],
  intent: Intent,
): readonly ProxyBlock[] {
  return proxiedUplinks(observed, intent).map(({ uplink, within }) => {
    const behind = networks.filter((network) => network.uplink === uplink)
    return { uplink, within, bridges: behind.map(({ network }) => network.bridge).toSorted() }
  })
}

function needsRestart(
  { configText, isRunning, boundIndexes }: ProxyState,
  desired: Omit<DesiredProxy, 'restarts'>,
  { networks }: Observed,
): boolean {
  const indexOf = (bridge: string) =>
    networks.find((network) => network.bridge === bridge)?.bridgeIndex ?? null
  // ndppd binds to the index: a bridge made anew under the same name leaves it deaf.
  const isBound = (bridge: string) =>
    Object.hasOwn(boundIndexes, bridge) && boundIndexes[bridge] === indexOf(bridge)
  if (!isRunning) return desired.bridges.length > 0
  if (!desired.bridges.every(isBound)) return true
  const gone = Object.keys(boundIndexes).filter((bridge) => indexOf(bridge) === null)
  return withoutRules(configText, gone) !== desired.configText
}
