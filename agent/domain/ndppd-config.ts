import type { Prefix } from '../../shared/ipv6.ts'
import { BEGIN, END, withoutBlocks } from './ndppd-block.ts'
import { findProxySections, type ProxySection } from './ndppd-syntax.ts'

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
  /** Bridges that exist: with an interface that does not, ndppd hangs at its start. */
  readonly bridges: readonly string[]
  readonly within: readonly Prefix[]
}

/**
 * Puts our blocks, one for each uplink, into the text of ndppd's configuration, in place of earlier
 * ones, and keeps every other byte. Rendering again changes nothing; without bridges a block goes.
 *
 * Rules name `prefix.within`, not the prefix, so that nothing changes when the prefix does: the
 * narrowest range that holds every prefix to come. ndppd 0.2.5 asks the bridges of all rules that match
 * and answers only for what answers there. It heeds only the last `proxy` section of an interface, so
 * where the operator has one our rules go into it, at its start, because the first of equal settings
 * counts; otherwise the block is a section of its own at the end.
 * @throws ReprefixError NDPPD_CONFIG_INVALID for text that ndppd would not read to its end
 */
export function renderNdppdConfig(text: string, ...blocks: readonly ProxyBlock[]): string {
  const foreign = withoutBlocks(text)
  // Also where there is nothing to write: what ndppd cannot read is said at once.
  findProxySections(foreign)
  return blocks.filter(({ bridges }) => bridges.length > 0).reduce(putBlock, foreign)
}

function putBlock(text: string, block: ProxyBlock): string {
  const section = findProxySections(text).findLast(({ interface: name }) => name === block.uplink)
  return section ? insertInto(text, section, block) : appendTo(text, block)
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
