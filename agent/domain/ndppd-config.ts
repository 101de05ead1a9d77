import { isReprefixError, ReprefixError } from '../../shared/errors.ts'
import type { Prefix } from '../../shared/ipv6.ts'
import type { Intent, Observed } from './model.ts'
import { findProxySections, type ProxySection } from './ndppd-syntax.ts'
import type { PlacedNetwork } from './placement.ts'
import type { Problem } from './problem.ts'

const BEGIN = '# BEGIN reprefix: this block is rewritten, edit outside of it'
const END = '# END reprefix'

/**
 * How long ndppd remembers an answer, or that there was none, in milliseconds. Its default of 30 s
 * would keep an address dead for that long when it was asked for just before the container had it.
 */
const TTL_MS = 100
/** How long ndppd waits for the container to answer, in milliseconds; it asks only once. */
const TIMEOUT_MS = 200

/** What our block in ndppd's configuration says. */
export interface ProxyBlock {
  readonly uplink: string
  /** Bridges that exist: with one that does not, ndppd hangs at its start. */
  readonly bridges: readonly string[]
  readonly within: readonly Prefix[]
}

/**
 * The configuration of ndppd and the bridges it must have bound, or `null` where it is left to others
 * or cannot be edited: an ndppd that runs has read its configuration long ago, and goes on.
 */
export function desireProxy(
  observed: Observed,
  networks: readonly PlacedNetwork[],
  intent: Intent,
): {
  readonly desired: { readonly configText: string; readonly bridges: readonly string[] } | null
  readonly problems: readonly Problem[]
} {
  if (intent.proxy === 'none' || observed.proxy === null) return { desired: null, problems: [] }
  const bridges = networks.map(({ network }) => network.bridge).toSorted()
  const block = { uplink: intent.uplink, bridges, within: intent.within }
  try {
    const configText = renderNdppdConfig(observed.proxy.configText, block)
    return { desired: { configText, bridges }, problems: [] }
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

/**
 * Puts our block into the text of ndppd's configuration, in place of an earlier one, and keeps every
 * other byte. Rendering again changes nothing; without bridges the block goes.
 *
 * Rules name `prefix.within`, not the prefix, so that nothing changes when the prefix does: the
 * narrowest range that holds every prefix to come. ndppd 0.2.5 asks the bridges of all rules that match
 * and answers only for what answers there. It heeds only the last `proxy` section of an interface, so
 * where the operator has one our rules go into it, at its start, because the first of equal settings
 * counts; otherwise the block is a section of its own at the end.
 * @throws ReprefixError NDPPD_CONFIG_INVALID for text that ndppd would not read to its end
 */
export function renderNdppdConfig(text: string, block: ProxyBlock): string {
  const foreign = withoutBlock(text)
  const sections = findProxySections(foreign)
  if (block.bridges.length === 0) return foreign
  const section = sections.findLast(({ interface: name }) => name === block.uplink)
  return section ? insertInto(foreign, section, block) : appendTo(foreign, block)
}

/** Removes our block, wherever it is. @throws ReprefixError NDPPD_CONFIG_INVALID when its end is missing */
function withoutBlock(text: string): string {
  const lines = text.split(/(?<=\n)/)
  const kept: string[] = []
  let beginLine: number | undefined
  for (const [index, line] of lines.entries()) {
    const mark = line.trim()
    if (beginLine === undefined && mark === BEGIN) beginLine = index + 1
    else if (beginLine === undefined) kept.push(line)
    else if (mark === END) beginLine = undefined
  }
  if (beginLine === undefined) return kept.join('')
  throw new ReprefixError(
    'NDPPD_CONFIG_INVALID',
    `ndppd's configuration, line ${beginLine}: the block of reprefix has lost its line "${END}"; put it back after the block's last line, or remove the block`,
  )
}

function appendTo(text: string, block: ProxyBlock): string {
  const lines = [
    BEGIN,
    `proxy ${block.uplink} {`,
    '  router no',
    ...settings().map((line) => `  ${line}`),
    ...rules(block).map((line) => `  ${line}`),
    '}',
    END,
  ]
  const separator = text === '' || text.endsWith('\n') ? '' : '\n'
  return `${text}${separator}${lines.join('\n')}\n`
}

function insertInto(text: string, section: ProxySection, block: ProxyBlock): string {
  const lines = [BEGIN, ...settings(), ...rules(block), END].map((line) => `  ${line}`)
  const rest = text.slice(section.bodyStart)
  // After the opening line where nothing of the section is on it.
  const opening = /^[^\S\n]*(?:#[^\n]*|\/\/[^\n]*)?\n/.exec(rest)?.[0] ?? ''
  const at = section.bodyStart + opening.length
  const head = opening === '' ? `${text.slice(0, at)}\n` : text.slice(0, at)
  return `${head}${lines.join('\n')}\n${text.slice(at)}`
}

function settings(): readonly string[] {
  return [`timeout ${TIMEOUT_MS}`, `ttl ${TTL_MS}`]
}

function rules({ bridges, within }: ProxyBlock): readonly string[] {
  return bridges.flatMap((bridge) => within.map((range) => `rule ${range} { iface ${bridge} }`))
}
